package realtime_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func (n *node) ticket(p person) string {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, "http://"+n.host+"/realtime/ticket", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	answer := n.do(r, p.token)
	var t struct {
		Ticket    string    `json:"ticket"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&t); err != nil || answer.StatusCode != 200 {
		n.t.Fatalf("%d, %v", answer.StatusCode, err)
	}
	if left := time.Until(t.ExpiresAt); left < 20*time.Second || left > 31*time.Second || len(t.Ticket) < 43 {
		n.t.Errorf("ticket %q for %v, want 30 s", t.Ticket, left)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		n.t.Errorf("Cache-Control %q", got)
	}
	return t.Ticket
}

// A ticket opens one connection, on any node, and ends with its token.
func TestTicket(t *testing.T) {
	t.Parallel()
	settings(t, func(t *testing.T, s *setting) {
		w := s.world(t)
		socket := func(n *node, ticket string) int {
			c, err := n.socket(url.Values{"ticket": {ticket}}, nil)
			if err == nil {
				_, err = c.next()
			}
			return ending(err)
		}
		stream := func(n *node, ticket string) int {
			status := n.get("/realtime/sse?after="+w.start+"&ticket="+ticket, "").StatusCode
			return status % 200
		}
		for name, open := range map[string]func(*node, string) int{"websocket": socket, "sse": stream} {
			ticket := w.a.ticket(w.bob)
			if got := open(w.b, ticket); got != 0 {
				t.Errorf("%s: the first time: %d", name, got)
			}
			if got := open(w.a, ticket); got != map[string]int{"websocket": 4401, "sse": 401 % 200}[name] {
				t.Errorf("%s: the second time: %d", name, got)
			}
		}
		if got := w.a.get("/realtime/poll?ticket="+w.a.ticket(w.bob), "").StatusCode; got != 401 {
			t.Errorf("a poll with a ticket: %d, want 401", got)
		}
		late := w.a.ticket(w.bob)
		c, err := w.a.socket(url.Values{"ticket": {w.a.ticket(w.bob)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.take()
		w.b.logout(w.bob)
		if got := c.end(); got != 4401 {
			t.Errorf("the socket of a ticket whose token ended: %d, want 4401", got)
		}
		if got := socket(w.b, late); got != 4401 {
			t.Errorf("a ticket whose token ended: %d, want 4401", got)
		}
	})
}

// Who reads Redis cannot use what stands there.
func TestTicketStandsHashedAndExpires(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	n := s.node()
	ticket := n.ticket(n.person())
	options, err := redis.ParseURL(s.redis)
	if err != nil {
		t.Fatal(err)
	}
	look := redis.NewClient(options)
	defer func() { _ = look.Close() }()
	keys := look.Keys(t.Context(), "ticket:{*}").Val()
	if len(keys) != 1 || strings.Contains(keys[0], ticket) || strings.Contains(look.Get(t.Context(), keys[0]).Val(), ticket) {
		t.Fatalf("keys %v", keys)
	}
	if ttl := look.TTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > 30*time.Second {
		t.Errorf("expires in %v", ttl)
	}
}
