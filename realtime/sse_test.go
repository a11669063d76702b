package realtime_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"doran/realtime"
)

func TestEventStreamHeaders(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	answer := n.get("/realtime/sse", n.person().token)
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// An EventSource comes back by itself to the address of its first time, with the id of the last event.
func TestLastEventIDWins(t *testing.T) {
	t.Parallel()
	w := onEmbedded(t).world(t)
	w.send(3)
	second := w.a.follow("poll", w.bob, w.start).events(3)[1].ID
	for id, want := range map[string]string{second: "m2", "": "m0"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.a.host+"/realtime/sse?after="+w.start, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Last-Event-ID", id)
		body := bufio.NewReader(w.a.do(r, w.bob.token).Body)
		if _, err := body.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		data, err := body.ReadString('\n')
		if first := strings.Index(data, `"content":"`); err != nil || first < 0 || !strings.HasPrefix(data[first:], `"content":"`+want) {
			t.Errorf("Last-Event-ID %q: begins with %q, %v; want %s", id, data, err, want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.a.host+"/realtime/sse?after="+w.start, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", "nonsense")
	if got := w.a.do(r, w.bob.token).StatusCode; got != 422 {
		t.Errorf("a Last-Event-ID that is none: %d, want 422", got)
	}
}

// The server's WriteTimeout, which is a second here, is for answers, not for streams.
func TestEventStreamOutlivesTheWriteTimeout(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	s.timing = realtime.Timing{Silence: 300 * time.Millisecond}
	n := s.node()
	c := n.follow("sse", n.person(), "")
	for begin := time.Now(); time.Since(begin) < 2500*time.Millisecond; {
		c.take()
	}
}

// A client that went away is found out by the next batch.
func TestEventStreamWhoseClientLeft(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	s.timing = realtime.Timing{Silence: 50 * time.Millisecond}
	n := s.node()
	c := n.follow("sse", n.person(), "")
	c.take()
	c.close()
	eventually(t, "it has left", func() bool { return n.count("doran_realtime_connections", "sse") == 0 })
}
