package faults

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is a TCP connection between two parts that a fault can cut, slow down or hold.
type link struct {
	name, addr string
	proxy      *toxiproxy.Proxy
}

var toxics = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())

func newLink(t testing.TB, name, addr, upstream string) *link {
	t.Helper()
	l := &link{name: name, addr: addr, proxy: toxiproxy.NewProxy(toxics, name, addr, upstream)}
	if err := l.proxy.Start(); err != nil {
		t.Fatalf("the proxy %s: %v", name, err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

// reset ends every connection; new ones are let through.
func (l *link) reset() {
	l.proxy.Stop()
	_ = l.proxy.Start()
}

// cut ends every connection and lets none through until heal.
func (l *link) cut() { l.proxy.Stop() }

// slow delays what passes.
func (l *link) slow(ms int) {
	l.add("latency", fmt.Sprintf(`{"latency":%d,"jitter":%d}`, ms, ms/2))
}

// hold lets nothing pass, in one direction or both, while the connections stay open, as when a phone loses its network.
func (l *link) hold() { l.add("timeout", `{"timeout":0}`) }

// swallow loses what the upstream answers: the question has arrived.
func (l *link) swallow() { l.addTo("downstream", "timeout", `{"timeout":0}`) }

func (l *link) add(kind, attributes string) {
	l.addTo("downstream", kind, attributes)
	l.addTo("upstream", kind, attributes)
}

func (l *link) addTo(stream, kind, attributes string) {
	_, _ = l.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name":"%s-%s","type":"%s","stream":"%s","toxicity":1,"attributes":%s}`,
		kind, stream, kind, stream, attributes)))
}

// heal undoes all of it. Connections that were held are ended: their data is gone.
func (l *link) heal() {
	l.proxy.Toxics.ResetToxics(context.Background())
	l.reset()
}
