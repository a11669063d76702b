package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"doran/chat"
	"doran/handlers"
)

func TestTheClientAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted   []string
		forwarded []string
		want      string
	}{
		"nobody is trusted":                  {nil, []string{"192.0.2.1"}, "127.0.0.1"},
		"another one is trusted":             {[]string{"10.0.0.0/8"}, []string{"192.0.2.1"}, "127.0.0.1"},
		"no header":                          {[]string{"127.0.0.1"}, nil, "127.0.0.1"},
		"one hop":                            {[]string{"127.0.0.1"}, []string{"192.0.2.1"}, "192.0.2.1"},
		"what the client wrote is left":      {[]string{"127.0.0.0/8"}, []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1"},
		"two proxies of ours":                {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.9, 192.0.2.1, 10.1.1.1"}, "192.0.2.1"},
		"two headers are one":                {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.9", "192.0.2.1, 10.1.1.1"}, "192.0.2.1"},
		"all are ours":                       {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"10.2.2.2,10.1.1.1"}, "10.2.2.2"},
		"an IPv4 address in an IPv6 one":     {[]string{"127.0.0.1"}, []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"IPv6 with a zone":                   {[]string{"127.0.0.1"}, []string{"fe80::1%eth0"}, "fe80::1"},
		"something unreadable":               {[]string{"127.0.0.1"}, []string{"203.0.113.9, unknown"}, "127.0.0.1"},
		"something unreadable behind a hop":  {[]string{"127.0.0.1", "10.0.0.0/8"}, []string{"203.0.113.9, x, 10.1.1.1"}, "10.1.1.1"},
		"something long and meant to be bad": {[]string{"127.0.0.1"}, []string{strings.Repeat("1", 4000)}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(config *handlers.Config, _ *chat.Config) { config.TrustedProxies = c.trusted })
			a := s.send(t, "GET", "/nothing/", http.Header{"X-Forwarded-For": c.forwarded, "X-Real-Ip": {"203.0.113.7"}, "Forwarded": {"for=203.0.113.7"}}, "")
			line := s.logged(`"msg":"request"`, a.header.Get("X-Request-Id"))
			if !strings.Contains(line, `"address":"`+c.want+`"`) {
				t.Errorf("the client is not taken for %s: %s", c.want, line)
			}
		})
	}
}

func TestAProxyThatIsNone(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p == nil {
			t.Error("a trusted proxy that is no address is passed over")
		}
	}()
	handlers.New(handlers.Config{TrustedProxies: []string{"proxy.example"}})
}
