package handlers_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"doran/chat"
	"doran/handlers"

	"github.com/gofiber/fiber/v2"
)

// A defect is logged with its cause and shown without.
func TestDefects(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *handlers.Config, _ *chat.Config) {
		c.Realtime.Ticket = func(*fiber.Ctx) error { panic("a secret of the server") }
		c.Realtime.Poll = func(*fiber.Ctx) error { return fmt.Errorf("SELECT * FROM secrets: %w", io.ErrUnexpectedEOF) }
		c.Realtime.SSE = func(*fiber.Ctx) error {
			return &chat.Error{Code: chat.CodeUnavailable, Detail: "Redis does not answer.", Err: io.ErrClosedPipe}
		}
	})
	for path, c := range map[string]struct{ code, cause string }{
		"POST /realtime/ticket/": {"internal", "a secret of the server"},
		"GET /realtime/poll":     {"internal", "SELECT * FROM secrets"},
		"GET /realtime/sse":      {"unavailable", io.ErrClosedPipe.Error()},
	} {
		method, path, _ := strings.Cut(path, " ")
		request, err := http.NewRequest(method, s.url+path, nil)
		must(err)
		response, err := http.DefaultClient.Do(request)
		must(err)
		body, err := io.ReadAll(response.Body)
		must(err)
		must(response.Body.Close())
		a := answer{response.StatusCode, response.Header, body}
		if a.status < 500 || a.code(t) != c.code || strings.Contains(string(body), c.cause) || strings.Contains(string(body), "goroutine") {
			t.Errorf("%s is answered %d %s", path, a.status, body)
		}
		if line := s.logged("request failed", a.header.Get("X-Request-Id")); !strings.Contains(line, c.cause) {
			t.Errorf("%s: the log has no cause for %s: %q", path, a.header.Get("X-Request-Id"), line)
		}
	}
}

// logged is the log's line of this message and request.
func (s *server) logged(message, requestID string) string {
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, message) && strings.Contains(line, requestID) {
			return line
		}
	}
	return ""
}

func TestTheLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *handlers.Config, _ *chat.Config) {})
	p := s.person(t, "logged")
	id := p.group()
	p.sends(id, "a secret message")
	a := p.does("GET", "/chats/{}/messages/?ticket=a-secret-ticket", id)
	s.call(t, "", "POST", "/accounts/login/", `{"username":"x","password":"a-secret-password"}`)
	s.send(t, "GET", "/a-secret-path", http.Header{"Cookie": {"a-secret-cookie"}}, "")
	line := s.logged(`"msg":"request"`, a.header.Get("X-Request-Id"))
	for _, want := range []string{`"method":"GET"`, `"route":"/chats/{chat_id}/messages/"`, `"status":200`, fmt.Sprintf(`"user":%d`, p.id), `"address":"127.0.0.1"`} {
		if !strings.Contains(line, want) {
			t.Errorf("the line has no %s: %s", want, line)
		}
	}
	for _, secret := range []string{p.token, password, "a secret message", "a-secret"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *handlers.Config, _ *chat.Config) { c.Ready = func() bool { return false } })
	if a := s.call(t, "", "POST", "/accounts/login/", `{}`).must(t, 503); a.code(t) != "unavailable" {
		t.Errorf("the code is %s", a.code(t))
	}
}
