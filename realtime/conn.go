package realtime

import (
	"context"
	"runtime/debug"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
)

// transport is what sets the transports apart, besides how they write.
type transport struct {
	name  string
	limit int  // connections of one token on a node; beyond it the oldest ends
	stays bool // after a batch, and while Redis is down; and is told of ephemeral events
}

var (
	webSocket = &transport{name: "websocket", limit: 10, stays: true}
	sse       = &transport{name: "sse", limit: 10, stays: true}
	longPoll  = &transport{name: "poll", limit: 4}
)

// maxPassing bounds the ephemeral events that wait for a connection; what comes when it is full is dropped.
const maxPassing = 16

// conn is one connection: a cursor, a mark, and a way to write.
type conn struct {
	server    *Server
	session   chat.Session
	transport *transport
	silence   time.Duration
	write     func(inbox.Batch) error // an error ends the connection

	ctx     context.Context // its cause is the Disconnect
	end     context.CancelCauseFunc
	woken   chan struct{}     // of size one: that there is something to read
	passing chan *inbox.Event // nil where nothing ephemeral is told

	// The rest is for the goroutine of follow only.
	cursor   string // up to where the inbox was read
	told     string // where the client stands: behind cursor when what came was not for it
	failures int    // reads, one after the other
	idle     *time.Timer
}

func (s *Server) newConn(session chat.Session, t *transport) *conn {
	c := &conn{server: s, session: session, transport: t, silence: s.Timing.Silence, woken: make(chan struct{}, 1)}
	if t.stays {
		c.passing = make(chan *inbox.Event, maxPassing)
	}
	c.ctx, c.end = context.WithCancelCause(s.ctx)
	return c
}

// mark has the connection read. Marks that come while it is busy are one mark.
func (c *conn) mark() {
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

func (c *conn) pass(e *inbox.Event) {
	select {
	case c.passing <- e:
	default:
	}
}

// serve runs a connection within the hub, and says how it ended. It recovers, as fasthttp does not outside of handlers.
func (s *Server) serve(c *conn, run func() error) (d *Disconnect) {
	s.metrics.connections.WithLabelValues(c.transport.name).Inc()
	defer func() {
		if r := recover(); r != nil {
			s.Log.Error("realtime: panic", "panic", r, "stack", string(debug.Stack()))
			d = Internal
		}
		c.end(d)
		s.metrics.connections.WithLabelValues(c.transport.name).Dec()
		s.metrics.disconnects.WithLabelValues(d.Name).Inc()
	}()
	err := run()
	if d = disconnect(err); d == Internal {
		s.Log.Error("realtime: a connection ended by a defect", "transport", c.transport.name, "user", c.session.UserID, "error", err)
	}
	return d
}
