package handlers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "walker")
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/accounts/me/", 200, ""},
		{"GET", "/accounts/me", 200, ""},
		{"HEAD", "/accounts/me/", 200, ""},
		{"HEAD", "/accounts/me", 200, ""},
		{"GET", "/Accounts/me/", 404, ""},
		{"GET", "/accounts/ME/", 404, ""},
		{"GET", "/accounts/me//", 404, ""},
		{"GET", "//accounts/me/", 404, ""},
		{"GET", "/accounts//me/", 404, ""},
		{"GET", "/accounts/me%2f", 404, ""},
		{"GET", "/accounts/%6de/", 404, ""},
		{"GET", "/accounts/../accounts/me/", 404, ""},
		{"GET", "/accounts/%2e%2e/accounts/me/", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/nothing/here/", 404, ""},
		{"POST", "/nothing/here/", 404, ""},
		{"GET", "/readyz", 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/docs/../openapi.yaml", 404, ""},
		{"GET", "/docs/%2e%2e/handlers.go", 404, ""},
		{"GET", "/accounts/signup/", 405, "POST"},
		{"PUT", "/accounts/me/", 405, "DELETE, GET, HEAD, PATCH"},
		{"DELETE", "/accounts/7", 405, "GET, HEAD"},
		{"POST", "/accounts/7/friends/", 405, "GET, HEAD"},
		{"PATCH", "/accounts/7/friends/8/", 405, "DELETE, POST"},
		{"OPTIONS", "/chats/", 405, "POST"},
		{"TRACE", "/chats/", 405, "POST"},
		{"POST", "/docs/", 405, "GET, HEAD"},
		{"GET", "/accounts/0/", 404, ""},
		{"GET", "/accounts/-1/", 404, ""},
		{"GET", "/accounts/+1/", 404, ""},
		{"GET", "/accounts/01/", 404, ""},
		{"GET", "/accounts/1.0/", 404, ""},
		{"GET", "/accounts/1e3/", 404, ""},
		{"GET", "/accounts/0x1/", 404, ""},
		{"GET", "/accounts/%31/", 404, ""},
		{"GET", "/accounts/１/", 404, ""},
		{"GET", "/accounts/9007199254740992/", 404, ""},
		{"GET", "/accounts/9223372036854775808/", 404, ""},
		{"GET", "/accounts/99999999999999999999999999/friends/", 404, ""},
		{"GET", "/chats/abc/", 404, ""},
		{"GET", "/chats/%00/", 404, ""},
		{"GET", "/chats/%ff%fe/", 404, ""},
		{"GET", "/chats/1;drop/", 404, ""},
		{"GET", "/chats/" + strings.Repeat("9", 4000) + "/", 404, ""},
	} {
		a := shared.raw(t, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: doran\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", c.method, c.path, p.token))
		if a.status != c.status || a.header.Get("Allow") != c.allow {
			t.Errorf("%s %.60s: %d, Allow %q, want %d, %q: %s", c.method, c.path, a.status, a.header.Get("Allow"), c.status, c.allow, a.body)
		}
		checkAnswer(t, c.method, c.path, a)
	}
}

// raw says something on a connection of its own, as no HTTP client would.
func (s *server) raw(t testing.TB, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%.100q: %v", request, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%.100q: %v", request, err)
	}
	return answer{response.StatusCode, response.Header, body}
}

func TestWhatIsNotHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"no request line":         {"hello\r\n\r\n", 400, "bad_request"},
		"another method":          {"BREW /accounts/me/ HTTP/1.1\r\nHost: doran\r\n\r\n", 405, "method_not_allowed"},
		"a method in small":       {"get /accounts/me/ HTTP/1.1\r\nHost: doran\r\n\r\n", 405, "method_not_allowed"},
		"no host":                 {"GET /accounts/me/ HTTP/1.1\r\n\r\n", 400, "bad_request"},
		"two lengths":             {"POST /chats/ HTTP/1.1\r\nHost: doran\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400, "bad_request"},
		"a length that is none":   {"POST /chats/ HTTP/1.1\r\nHost: doran\r\nContent-Length: x\r\n\r\n", 400, "bad_request"},
		"long headers":            {"GET /accounts/me/ HTTP/1.1\r\nHost: doran\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n", 431, "headers_too_large"},
		"a long path":             {"GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\nHost: doran\r\n\r\n", 431, "headers_too_large"},
		"a long body":             {"POST /accounts/login/ HTTP/1.1\r\nHost: doran\r\nContent-Length: 65537\r\n\r\n", 413, "too_large"},
		"a long body in chunks":   {"POST /accounts/login/ HTTP/1.1\r\nHost: doran\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + strings.Repeat("x", 65535) + "\r\nffff\r\n" + strings.Repeat("x", 65535) + "\r\n0\r\n\r\n", 413, "too_large"},
		"a secret in a bad query": {"GET /realtime/ws?ticket=s3cr3t\x01 HTTP/1.1\r\nHost: doran\r\n\r\n", 400, "bad_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := shared.raw(t, c.request)
			if a.status != c.status || a.code(t) != c.code {
				t.Errorf("answered %d %s, want %d %s", a.status, a.body, c.status, c.code)
			}
			checkAnswer(t, "GET", "", a)
			if strings.Contains(string(a.body), "s3cr3t") || strings.Contains(string(a.body), "xxxx") {
				t.Errorf("the request is echoed: %s", a.body)
			}
		})
	}
}

// A client that still writes when it is refused must get to read why.
func TestALargeBodyIsAnswered(t *testing.T) {
	t.Parallel()
	for _, size := range []int{65 << 10, 1 << 20, 8 << 20} {
		for range 5 {
			a := shared.call(t, "", "POST", "/accounts/login/", strings.Repeat(" ", size)).must(t, 413)
			if a.code(t) != "too_large" {
				t.Errorf("the code is %s", a.code(t))
			}
		}
	}
}
