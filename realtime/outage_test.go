package realtime_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/internal/testenv"
	"doran/realtime"

	"go.uber.org/goleak"
)

// Redis is killed: open sockets and streams stay, polls and new ones are told, writing goes on, and when it is back
// everything comes, once.
func TestRedisOutage(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, server.URL, "")
	s.timing = realtime.Timing{Silence: 500 * time.Millisecond}
	w := s.world(t)
	open := map[string]*client{"websocket": w.a.follow("websocket", w.bob, w.start), "sse": w.b.follow("sse", w.bob, w.start)}
	w.send(1)
	for _, c := range open {
		w.expect(c.texts(1), 0, 1)
	}
	server.Kill()
	for _, kind := range transports {
		if _, err := connectAndTake(w.a, kind, w.bob, w.start); ending(err) != 503 {
			t.Errorf("a new %s: %v, want 503", kind, err)
		}
	}
	if _, err := w.a.socket(nil, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer." + w.bob.token}}); ending(err) != 503 {
		t.Errorf("a browser's new socket: %v, want 503", err)
	}
	if _, err := w.a.socket(url.Values{"ticket": {"x"}}, nil); ending(err) != 503 {
		t.Errorf("a socket by ticket: %v, want 503", err)
	}
	w.send(3)
	for kind, c := range open {
		for range 2 { // heartbeats go on
			if b := c.take(); len(b.Events) != 0 || b.Gap {
				t.Errorf("%s: got %+v", kind, b)
			}
		}
	}
	server.Restart()
	// The same Redis with another run id may have lost what it took last: a gap first, and the rest after it.
	for kind, c := range open {
		for b := c.take(); !b.Gap; b = c.take() {
			if len(b.Events) != 0 {
				t.Fatalf("%s: got %+v, want a gap", kind, b)
			}
		}
	}
	w.send(2)
	for _, c := range open {
		w.expect(lastOf(c.textsUntil("m5"), 2), 4, 6)
	}
}

// A node starts while Redis is down, and serves when it is there.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, server.URL, "")
	server.Kill()
	n := s.node()
	p := n.person()
	if _, err := n.connect("websocket", p, ""); ending(err) != 503 {
		t.Errorf("got %v, want 503", err)
	}
	server.Restart()
	eventually(t, "a poll is answered", func() bool { return n.get("/realtime/poll", p.token).StatusCode == 200 })
}

// A subscription that stands and brings nothing is replaced: one that leads to a demoted master shows no error.
func TestSilentSubscriptionIsReplaced(t *testing.T) {
	t.Parallel()
	line := newLine(t, testenv.Redis(t).URL)
	direct := newSetting(t, line.target, "")
	s := *direct
	s.redis = line.url
	s.timing = realtime.Timing{Probe: 200 * time.Millisecond, Silence: time.Minute}
	near, far := s.node(), direct.node()
	ann, bob := far.person(), far.person()
	chatID := far.group(ann, bob)
	c := near.follow("websocket", bob, "")
	c.take()
	eventually(t, "the subscription stands", func() bool { return line.subscriptions() == 1 })
	line.mute()
	far.send(ann, chatID, "into the silence")
	if got := c.texts(1)[0]; got != "into the silence" { // read by itself when the new subscription stood
		t.Errorf("got %q", got)
	}
	if line.subscriptions() < 2 {
		t.Error("the silent subscription was not replaced")
	}
	begin := time.Now()
	far.send(ann, chatID, "after it")
	if got := c.texts(1)[0]; got != "after it" || time.Since(begin) > 2*time.Second {
		t.Errorf("got %q after %v", got, time.Since(begin))
	}
}

// line leads to a Redis, and can let subscriptions hang.
type line struct {
	url, target string

	mu   sync.Mutex
	subs []chan struct{} // closed when that subscription is muted
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{url: "redis://" + listener.Addr().String(), target: target}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	return l
}

func (l *line) carry(client net.Conn) {
	server, err := net.Dial("tcp", strings.TrimPrefix(l.target, "redis://"))
	if err != nil {
		_ = client.Close()
		return
	}
	muted := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := client.Read(buffer)
			if bytes.Contains(buffer[:n], []byte("doran:wake")) && bytes.Contains(buffer[:n], []byte("subscribe")) {
				l.mu.Lock()
				l.subs = append(l.subs, muted)
				l.mu.Unlock()
			}
			if _, werr := server.Write(buffer[:n]); err != nil || werr != nil {
				_ = server.Close()
				return
			}
		}
	})
	_, _ = io.Copy(writerFunc(func(b []byte) (int, error) {
		select {
		case <-muted:
			return len(b), nil
		default:
			return client.Write(b)
		}
	}), server)
	_ = client.Close()
	wg.Wait()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (l *line) subscriptions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.subs)
}

// mute lets the subscriptions of now hang.
func (l *line) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, muted := range l.subs {
		close(muted)
	}
}

// While the database is down nobody can be asked about tokens, and nobody is cut.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	s.timing = realtime.Timing{Tokens: 50 * time.Millisecond, Silence: 100 * time.Millisecond}
	n := s.node()
	p := n.person()
	open := []*client{n.follow("websocket", p, ""), n.follow("sse", p, "")}
	if err := n.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range open {
		for range 10 { // heartbeats, a second of them
			c.take()
		}
	}
}

// When nothing was heard of a token's end, the next look at the database finds it.
func TestTokensAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	s.timing = realtime.Timing{Tokens: 200 * time.Millisecond}
	n := s.node()
	p := n.person()
	c := n.follow("websocket", p, "")
	c.take()
	if _, err := s.open().Client.Token.Delete().Exec(t.Context()); err != nil { // as if it had expired
		t.Fatal(err)
	}
	if got := c.end(); got != 4401 {
		t.Errorf("ended with %d, want 4401", got)
	}
}

// Whatever was open, nothing of it is left after Close: not parallel, so that nobody else's goroutines are seen.
func TestNothingIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("use", func(t *testing.T) {
		w := onEmbedded(t).world(t)
		for _, kind := range transports {
			c := w.a.follow(kind, w.bob, w.start)
			go func() { c.end() }()
			w.open(w.a, kind, 1)
		}
		w.send(3)
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	goleak.VerifyNone(t, before, // and what fasthttp never ends, or only ten seconds after the shutdown
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// Drain waits for the connections, but no longer than its context.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	conn := n.deaf("websocket", n.person()) // does not answer the close frame
	defer func() { _ = conn.Close() }()
	eventually(t, "it is connected", func() bool { return n.count("doran_realtime_connections", "websocket") == 1 })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.server.Drain(ctx); err == nil {
		t.Error("Drain does not say that somebody was still there")
	}
	begin := time.Now()
	n.drain()
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %v to end a client that does not answer", took)
	}
}
