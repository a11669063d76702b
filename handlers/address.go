package handlers

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// clientAddress is the address of whoever sent the request: the peer, or, when the peer is a trusted proxy, the right-most entry of
// X-Forwarded-For that is none of ours. Everything left of that entry was written by the client and proves nothing.
func (a *api) clientAddress(ctx *fasthttp.RequestCtx) netip.Addr {
	address := peerAddress(ctx)
	if !a.trusts(address) {
		return address
	}
	hops := forwardedFor(&ctx.Request.Header)
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return address // what stands left of something unreadable is not to be believed either
		}
		address = next.Unmap().WithZone("")
		if !a.trusts(address) {
			return address
		}
	}
	return address
}

func (a *api) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

func peerAddress(ctx *fasthttp.RequestCtx) netip.Addr {
	if tcp, ok := ctx.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.IPv4Unspecified() // a connection in memory or of a Unix socket
}

func forwardedFor(h *fasthttp.RequestHeader) []string {
	var hops []string
	for _, line := range h.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	return hops
}

// clientAddress is what outermost found.
func clientAddress(c *fiber.Ctx) netip.Addr { return c.Locals(addressKey).(netip.Addr) }

// mustPrefixes reads "10.0.0.0/8" and "10.0.0.1". What is neither is a mistake in the configuration, and not to be passed over:
// every client would be taken for the proxy.
func mustPrefixes(texts []string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); addressErr == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			panic(fmt.Sprintf("handlers: trusted proxy %q is neither an address nor a CIDR such as 10.0.0.0/8", text))
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}
