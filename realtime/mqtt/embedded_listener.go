package mqtt

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/listeners"
)

const (
	maxConns     = 20_000
	listenerName = "embedded"
)

// listener takes MQTT and MQTT over WebSocket on one port: a CONNECT begins with the byte 0x10 (MQTT 3.1.1, section 3.1.1), an HTTP
// request with a letter. It bounds how many connections there are at once, as mochi counts only those that it let in.
type listener struct {
	inner net.Listener
	log   *slog.Logger
	conns chan net.Conn // that turn out to be HTTP

	mu    sync.Mutex
	open  map[net.Conn]struct{}
	ended bool
	done  chan struct{}
}

func newListener(inner net.Listener, log *slog.Logger) *listener {
	return &listener{inner: inner, log: log, conns: make(chan net.Conn), open: map[net.Conn]struct{}{}, done: make(chan struct{})}
}

// ID names the listener for mochi.
func (l *listener) ID() string { return listenerName }

// Address is where it listens.
func (l *listener) Address() string { return l.inner.Addr().String() }

// Protocol is for mochi's log.
func (l *listener) Protocol() string { return "mqtt" }

// Init has nothing to do.
func (l *listener) Init(*slog.Logger) error { return nil }

// Serve takes connections until Close.
func (l *listener) Serve(establish listeners.EstablishFn) {
	web := &http.Server{Handler: l.upgrade(establish), ReadHeaderTimeout: strangerTime, IdleTimeout: strangerTime, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(discreet{l.log.Handler()}, slog.LevelDebug)}
	go func() { _ = web.Serve(webListener{l}) }()
	for {
		c, err := l.inner.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(50 * time.Millisecond) // out of file descriptors: wait for some
			continue
		}
		if !l.enter(c) {
			_ = c.Close()
			continue
		}
		go l.sort(c, establish)
	}
}

// sort tells MQTT from HTTP by the first byte.
func (l *listener) sort(c net.Conn, establish listeners.EstablishFn) {
	_ = c.SetReadDeadline(time.Now().Add(strangerTime))
	reader := bufio.NewReaderSize(c, 512)
	first, err := reader.Peek(1)
	if err != nil {
		l.leave(c)
		_ = c.Close()
		return
	}
	peeked := &peekedConn{Conn: c, reader: reader, closing: func() { l.leave(c) }}
	if first[0] < 'A' {
		l.establish(newConn(peeked), establish)
		return
	}
	select {
	case l.conns <- peeked:
	case <-l.done:
		_ = peeked.Close()
	}
}

// establish runs a connection to its end. mochi recovers nothing: a packet that makes it panic must not end the server.
func (l *listener) establish(c *conn, establish listeners.EstablishFn) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("mqtt: panic", "panic", r, "stack", string(debug.Stack()))
		}
		_ = c.Close()
	}()
	if err := establish(listenerName, c); err != nil {
		l.log.Debug("mqtt: a connection ended", "err", err)
	}
}

// upgrade makes an MQTT connection of a WebSocket. Any page may open one: what lets it in is the grant, which no browser
// adds by itself.
func (l *listener) upgrade(establish listeners.EstablishFn) http.Handler {
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}, HandshakeTimeout: strangerTime, WriteBufferPool: &sync.Pool{},
		ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, CheckOrigin: func(*http.Request) bool { return true }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // it has answered
		}
		ws.SetReadLimit(maxInbound)
		l.establish(newConn(&webSocketConn{Conn: ws.NetConn(), ws: ws}), establish)
	})
}

func (l *listener) enter(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || len(l.open) >= maxConns {
		return false
	}
	l.open[c] = struct{}{}
	return true
}

func (l *listener) leave(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// Close stops listening and closes every connection, also those that nobody was let in by.
func (l *listener) Close(listeners.CloseFn) {
	l.mu.Lock()
	again := l.ended
	l.ended = true
	var open []net.Conn
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	if again {
		return
	}
	close(l.done)
	_ = l.inner.Close()
	for _, c := range open {
		_ = c.Close()
	}
}

// webListener gives the HTTP server what sort found to be HTTP.
type webListener struct{ *listener }

func (w webListener) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w webListener) Close() error   { return nil }
func (w webListener) Addr() net.Addr { return w.inner.Addr() }

// peekedConn is read from its first byte on, although that was looked at.
type peekedConn struct {
	net.Conn
	reader  io.Reader
	closing func()
	once    sync.Once
}

func (p *peekedConn) Read(b []byte) (int, error) { return p.reader.Read(b) }

func (p *peekedConn) Close() error {
	p.once.Do(p.closing)
	return p.Conn.Close()
}

// webSocketConn is the stream of bytes within binary messages (MQTT 3.1.1, section 6).
type webSocketConn struct {
	net.Conn
	ws      *websocket.Conn
	message io.Reader
}

var errText = errors.New("MQTT over WebSocket is binary (MQTT 3.1.1, section 6)")

func (w *webSocketConn) Read(b []byte) (int, error) {
	for {
		if w.message == nil {
			kind, message, err := w.ws.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errText
			}
			w.message = message
		}
		n, err := w.message.Read(b)
		if errors.Is(err, io.EOF) {
			w.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (w *webSocketConn) Write(b []byte) (int, error) {
	if err := w.ws.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetWriteDeadline tells gorilla, which would else set its own, none, before each write.
func (w *webSocketConn) SetWriteDeadline(t time.Time) error { return w.ws.SetWriteDeadline(t) }

func (w *webSocketConn) Close() error { return w.ws.Close() }
