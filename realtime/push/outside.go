package push

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errPrivate says that an endpoint leads to where clients must not make this server call.
var errPrivate = errors.New("the address is not one of the public internet")

// outside is a client for URLs that strangers choose. It calls public addresses only: the name is resolved once, and what comes out of that
// is looked at when it is dialled, so that a name cannot lead elsewhere the second time (DNS rebinding). It follows no redirects, uses
// no proxy, which would do the resolving, and takes little and not for long.
func outside(mayDial func(address string) error) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error { return mayDial(address) }}
	return &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  10 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    8,
			MaxConnsPerHost:        maxCalls,
			IdleConnTimeout:        time.Minute,
		},
	}
}

// publicOnly is asked with the resolved address, just before it is connected to.
func publicOnly(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(at.Addr()) {
		return errPrivate
	}
	return nil
}

// What is not the public internet, by the registries of IANA for special addresses (RFC 6890). Loopback, private, link-local and multicast
// addresses netip knows itself.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	unicast6 = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out
	nat64    = netip.MustParsePrefix("64:ff9b::/96") // behind it is an address of IPv4 (RFC 6052)
)

// isPublic says whether an address is of the public internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || a.Is6() && !unicast6.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}
