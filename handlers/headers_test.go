package handlers_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"doran/chat"
	"doran/handlers"
)

func TestTheRequestID(t *testing.T) {
	t.Parallel()
	for given, taken := range map[string]bool{"abc-1.2_3": true, "": false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "a b": false, "a\"b": false} {
		a := shared.send(t, "GET", "/accounts/me/", http.Header{"X-Request-Id": {given}}, "")
		if got := a.header.Get("X-Request-Id"); (got == given) != taken {
			t.Errorf("%q becomes %q", given, got)
		}
	}
}

func TestTheAuthorizationHeader(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "bearer")
	for header, status := range map[string]int{
		"Bearer " + p.token: 200, "bearer " + p.token: 200, "BEARER   " + p.token: 200,
		"": 401, "Bearer": 401, "Bearer ": 401, p.token: 401, "Basic " + p.token: 401, "Bearer" + p.token: 401, "Bearer " + p.token + "x": 401,
		"Bearer " + p.token + " x": 401, "Bearer x, Bearer " + p.token: 401, "Bearer " + strings.Repeat("x", 7000): 401, "Bearer \xff\xfe": 401, "Bearer ' OR 1=1 --": 401,
	} {
		a := shared.send(t, "GET", "/accounts/me/", http.Header{"Authorization": {header}}, "")
		if a.status != status {
			t.Errorf("%.60q is answered %d %s, want %d", header, a.status, a.body, status)
		}
	}
	shared.send(t, "GET", "/accounts/me/", http.Header{"Authorization": {"Bearer " + p.token, "Bearer x"}}, "").must(t, 401)
	for _, place := range []string{"token", "access_token", "ticket", "authorization"} {
		shared.send(t, "GET", "/accounts/me/?"+url.Values{place: {p.token}}.Encode(), http.Header{"Cookie": {place + "=" + p.token}}, "").must(t, 401)
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *handlers.Config, _ *chat.Config) { c.Origins = []string{"https://chat.example"} })
	preflight := http.Header{"Access-Control-Request-Method": {"PATCH"}, "Access-Control-Request-Headers": {"authorization,content-type"}}
	for origin, allowed := range map[string]string{"https://chat.example": "https://chat.example", "https://evil.example": "", "null": "", "http://chat.example": "", "https://chat.example.evil": ""} {
		preflight.Set("Origin", origin)
		a := s.sendQuietly(t, "OPTIONS", "/chats/7/", preflight)
		if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 204 || got != allowed {
			t.Errorf("a preflight from %s: %d, allowed %q, want %q", origin, a.status, got, allowed)
		}
		if got := a.header.Get("Access-Control-Allow-Headers"); !strings.Contains(got, "Authorization") || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("a preflight from %s: %v", origin, a.header)
		}
		a = s.send(t, "GET", "/accounts/me/", http.Header{"Origin": {origin}}, "").must(t, 401)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != allowed || !strings.Contains(a.header.Get("Vary"), "Origin") {
			t.Errorf("from %s: allowed %q, want %q; Vary %q", origin, got, allowed, a.header.Get("Vary"))
		}
		if got := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(got, "Retry-After") {
			t.Errorf("exposed are %q", got)
		}
	}
	a := shared.send(t, "GET", "/accounts/me/", http.Header{"Origin": {"https://chat.example"}}, "")
	if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("without origins, %q is allowed", got)
	}
}

// sendQuietly sends what the document has no words for.
func (s *server) sendQuietly(t testing.TB, method, path string, header http.Header) answer {
	t.Helper()
	request, err := http.NewRequest(method, s.url+path, nil)
	must(err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	must(err)
	body, err := io.ReadAll(response.Body)
	must(err)
	must(response.Body.Close())
	a := answer{response.StatusCode, response.Header, body}
	checkAnswer(t, method, path, a)
	return a
}
