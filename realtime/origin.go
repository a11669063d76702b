package realtime

import (
	"net/url"
	"slices"
	"strings"
)

// originAllowed says whether a WebSocket may be opened from a page of this origin. No origin is no browser. The scheme of the own
// host is not compared: behind a proxy that ends TLS, this server sees http where the page has https.
func (s *Server) originAllowed(origin, host string) bool {
	if origin == "" {
		return true
	}
	if slices.ContainsFunc(s.Origins, func(allowed string) bool { return strings.EqualFold(strings.TrimSuffix(allowed, "/"), origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.EqualFold(u.Host, host)
}
