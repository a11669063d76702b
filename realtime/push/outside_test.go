package push

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"doran/chat"
)

func TestWhatIsPublic(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "142.250.207.74": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true,
		"2a00:1450:4001:82a::200a": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "10.255.255.255": false, "127.0.0.1": false, "127.255.0.1": false, "169.254.169.254": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "100.64.0.1": false, "100.127.255.255": false, "192.0.0.8": false, "192.0.2.1": false,
		"198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.9": false, "224.0.0.1": false, "239.1.1.1": false, "240.0.0.1": false,
		"255.255.255.255": false, "192.88.99.1": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::7f00:1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fec0::1": false, "fc00::1": false, "fd12:3456::1": false, "ff02::1": false, "2001:db8::1": false, "2001::1": false, "2002:7f00:1::": false, "3fff::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a00:1": false, "64:ff9b:1::808:808": false, "100::1": false, "5f00::1": false, "4000::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	for _, text := range []string{"", "8.8.8.8", "localhost:443", "127.0.0.1:443"} {
		if publicOnly(text) == nil {
			t.Errorf("%q may be dialled", text)
		}
	}
	if err := publicOnly("8.8.8.8:443"); err != nil {
		t.Error(err)
	}
}

// hits counts who comes to a server that nobody should come to.
func hits(t *testing.T) (*httptest.Server, *atomic.Int32) {
	n := &atomic.Int32{}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, n
}

// A name that leads into a private network is dialled by nobody, however it is written, whatever the domain let through.
func TestEndpointsInPrivateNetworks(t *testing.T) {
	t.Parallel()
	server, n := hits(t)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	d := newWebService(t).subscribe("x")
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	web := s.services[chat.KindWebPush].(*webPush)
	web.key = testKey()
	target := chat.PushTarget{Kind: chat.KindWebPush, P256dh: unbase64(t, d.P256dh), Auth: unbase64(t, d.Auth)}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f000001", "0", "127.0.0.1.", "[::]"} {
		target.Address = "https://" + host + ":" + port + "/x"
		if a := web.push(context.Background(), target); a.result == isSent || a.result == isRemoved {
			t.Errorf("%s: %+v", host, a)
		}
	}
	target.Address = "https://localhost:" + port + "/x"
	if a := web.push(context.Background(), target); a.result != isRefused || !strings.Contains(a.detail, "private network") || strings.Contains(a.detail, "127") {
		t.Errorf("localhost: %+v", a)
	}
	if n.Load() != 0 {
		t.Errorf("%d connections came", n.Load())
	}
}

// A service that is public and leads elsewhere is not followed, and a proxy of the environment is not asked.
func TestEndpointsThatLeadElsewhere(t *testing.T) {
	inner, n := hits(t)
	proxy, asked := hits(t)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	w := newWebService(t)
	d := w.subscribe("x")
	w.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, inner.URL, http.StatusTemporaryRedirect)
	})
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	web := s.services[chat.KindWebPush].(*webPush)
	web.key, web.client = testKey(), w.client()
	a := web.push(context.Background(), chat.PushTarget{Kind: chat.KindWebPush, Address: d.Endpoint, P256dh: unbase64(t, d.P256dh), Auth: unbase64(t, d.Auth)})
	if a.result != isRefused || n.Load()+asked.Load() != 0 {
		t.Errorf("%+v; %d came to the other server, %d to the proxy", a, n.Load(), asked.Load())
	}
}

// What a service says is read up to a bound, and not for longer than a call may take.
func TestEndpointsThatSayTooMuch(t *testing.T) {
	t.Parallel()
	w := newWebService(t)
	d := w.subscribe("x")
	written := make(chan int, 1)
	w.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusBadRequest)
		total := 0
		for range 10_000 {
			n, err := rw.Write(make([]byte, 64<<10))
			if total += n; err != nil {
				break
			}
		}
		written <- total
	})
	web := newWebPush("", testKey())
	web.client = w.client()
	a := web.push(context.Background(), chat.PushTarget{Kind: chat.KindWebPush, Address: d.Endpoint, P256dh: unbase64(t, d.P256dh), Auth: unbase64(t, d.Auth)})
	if a.result != isRefused || len(a.detail) > 2*maxAnswer {
		t.Errorf("%s, %d bytes", a.result, len(a.detail))
	}
	if total := <-written; total > 64<<20 {
		t.Errorf("%d bytes were taken", total)
	}
}

func testKey() func(context.Context) (*ecdh.PrivateKey, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	return func(context.Context) (*ecdh.PrivateKey, error) { return key, err }
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
