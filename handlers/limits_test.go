package handlers_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"doran/chat"
	"doran/handlers"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// slow is a rate that gives nothing back while a test runs.
func slow(count int) handlers.Rate {
	return handlers.Rate{Count: count, Per: time.Duration(count) * time.Hour}
}

func limited(t *testing.T, limits handlers.Limits) *server {
	t.Helper()
	return newServer(t, func(c *handlers.Config, _ *chat.Config) {
		c.Limits = limits
		c.TrustedProxies = []string{"127.0.0.1"}
	})
}

// from is a header of a request that came from this address, through the trusted proxy.
func from(address string) http.Header {
	return http.Header{"X-Forwarded-For": {address}, "Content-Type": {"application/json"}}
}

func (s *server) logsIn(t *testing.T, name, word, address string) answer {
	t.Helper()
	return s.send(t, "POST", "/accounts/login/", from(address), fmt.Sprintf(`{"username":%q,"password":%q}`, name, word))
}

func mustBeLimited(t *testing.T, a answer) {
	t.Helper()
	after, err := strconv.Atoi(a.must(t, 429).header.Get("Retry-After"))
	if err != nil || after < 1 || after > 3600 || a.code(t) != "rate_limited" {
		t.Errorf("Retry-After is %q, and the code %s", a.header.Get("Retry-After"), a.code(t))
	}
}

func TestLoginsAreLimitedByName(t *testing.T) {
	t.Parallel()
	s := limited(t, handlers.Limits{LoginName: slow(3)})
	p := s.person(t, "victim")
	s.logsIn(t, p.name, password, "192.0.2.1").must(t, 200) // the owner is known to come from here
	for i := range 2 {
		s.logsIn(t, p.name, "guess", fmt.Sprint("198.51.100.", i)).must(t, 401)
	}
	for _, spelling := range []string{p.name, "VICTIM" + p.name[len("victim"):]} {
		mustBeLimited(t, s.logsIn(t, spelling, password, "198.51.100.9"))
	}
	s.logsIn(t, p.name, password, "192.0.2.1").must(t, 200) // guessing from elsewhere keeps no owner out
	s.logsIn(t, "somebody-else", "guess", "198.51.100.9").must(t, 401)
}

func TestALimitGivesBack(t *testing.T) {
	t.Parallel()
	s := limited(t, handlers.Limits{LoginName: handlers.Rate{Count: 1, Per: 300 * time.Millisecond}})
	s.logsIn(t, "nobody", "guess", "192.0.2.1").must(t, 401)
	deadline := time.Now().Add(5 * time.Second)
	for s.logsIn(t, "nobody", "guess", "192.0.2.1").status == 429 {
		if time.Now().After(deadline) {
			t.Fatal("the name stays locked")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestLoginsAndSignUpsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"login", "signup"} {
		s := limited(t, handlers.Limits{LoginAddress: slow(2), SignUp: slow(2)})
		ask := func(address string) answer {
			t.Helper()
			return s.send(t, "POST", "/accounts/"+path+"/", from(address), `{}`)
		}
		for _, address := range []string{"192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::2"} {
			ask(address).must(t, 422)
		}
		mustBeLimited(t, ask("192.0.2.1"))
		mustBeLimited(t, ask("::ffff:192.0.2.1"))
		mustBeLimited(t, ask("2001:db8::3:4:5"))
		ask("192.0.2.2").must(t, 422)
		ask("2001:db8:0:1::1").must(t, 422)
	}
}

func TestRequestsAreLimitedByUser(t *testing.T) {
	t.Parallel()
	s := limited(t, handlers.Limits{Send: slow(2), LookUp: slow(2), Open: slow(2), Password: slow(2)})
	p, other := s.person(t, "eager"), s.person(t, "calm")
	id := p.group()
	p.group()
	for _, c := range []struct{ method, body, path string }{
		{"POST", `{"content":"x"}`, fmt.Sprintf("/chats/%d/messages/", id)},
		{"GET", ``, fmt.Sprintf("/accounts/%d/", other.id)},
		{"POST", `{"old_password":"guess","new_password":"staple in the rain"}`, "/accounts/password/"},
	} {
		for range 2 {
			if a := p.says(c.method, c.body, c.path); a.status == 429 {
				t.Errorf("%s is limited too early", c.path)
			}
		}
		mustBeLimited(t, p.says(c.method, c.body, c.path))
		if a := other.says(c.method, c.body, c.path); a.status == 429 {
			t.Errorf("%s limits somebody else", c.path)
		}
	}
	mustBeLimited(t, p.says("POST", `{"user_ids":[]}`, "/chats/"))
	mustBeLimited(t, p.does("POST", "/accounts/{}/friends/{}/", p, other))
	mustBeLimited(t, p.does("POST", "/chats/{}/users/{}/", id, other))
	mustBeLimited(t, p.does("GET", "/accounts/?username=x"))
	mustBeLimited(t, p.does("PATCH", "/chats/{}/messages/1/", id))
	p.does("GET", "/chats/{}/messages/", id).must(t, 200)
}

func TestTheCeilings(t *testing.T) {
	t.Parallel()
	s := limited(t, handlers.Limits{User: slow(3), Address: slow(20)})
	p := s.person(t, "eager")
	for range 3 {
		p.does("GET", "/accounts/me/").must(t, 200)
	}
	mustBeLimited(t, p.does("GET", "/accounts/me/"))
	for range 20 {
		s.send(t, "GET", "/nothing/", from("192.0.2.7"), "").must(t, 404)
	}
	mustBeLimited(t, s.send(t, "GET", "/nothing/", from("192.0.2.7"), ""))
	s.send(t, "GET", "/nothing/", from("192.0.2.8"), "").must(t, 404)
}

// Two nodes count guesses together through Redis, and each alone while it is down.
func TestGuessesAreCountedForAllNodes(t *testing.T) {
	t.Parallel()
	shared := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: shared.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	limits := handlers.Limits{LoginName: slow(4), Redis: func() redis.UniversalClient { return client }}
	one, other := limited(t, limits), limited(t, limits)
	for _, node := range []*server{one, other, one, other} {
		node.logsIn(t, "nobody", "guess", "192.0.2.1").must(t, 401)
	}
	mustBeLimited(t, one.logsIn(t, "nobody", "guess", "192.0.2.1"))
	for _, key := range shared.Keys() {
		if shared.TTL(key) <= 0 {
			t.Errorf("%s stays in Redis for ever", key)
		}
	}
	shared.Close()
	one.logsIn(t, "nobody", "guess", "192.0.2.1").must(t, 401) // it has counted 3 of 4 by itself
	mustBeLimited(t, one.logsIn(t, "nobody", "guess", "192.0.2.1"))
}
