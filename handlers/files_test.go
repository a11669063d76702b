package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"doran/chat"
	"doran/handlers"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *handlers.Config, _ *chat.Config) {
		c.Web = fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "app.js": {Data: []byte("1")}, "icons/doran.svg": {Data: []byte("<svg/>")}}
	})
	for path, contentType := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs/": "text/html; charset=utf-8", "/docs/docs.js": "text/javascript; charset=utf-8", "/docs/docs.css": "text/css; charset=utf-8",
		"/openapi.yaml": "application/yaml", "/openapi.json": "application/json", "/": "text/html; charset=utf-8", "/app.js": "text/javascript; charset=utf-8", "/icons/doran.svg": "image/svg+xml",
	} {
		a := s.sendQuietly(t, "GET", path, http.Header{}).must(t, 200)
		if got := a.header.Get("Content-Type"); got != contentType {
			t.Errorf("%s is %s, want %s", path, got, contentType)
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s may %s", path, policy)
		}
		again := s.sendQuietly(t, "GET", path, http.Header{"If-None-Match": {a.header.Get("ETag")}}).must(t, 304)
		if len(again.body) > 0 {
			t.Errorf("%s is sent again", path)
		}
	}
	for _, path := range []string{"/index.html", "/icons/", "/app.js/x", "/..%2fgo.mod"} {
		s.sendQuietly(t, "GET", path, http.Header{}).must(t, 404)
	}
}
