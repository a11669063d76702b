package realtime

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
	"doran/realtime/presence"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Server is made of. Every field may be left out.
type Config struct {
	Origins []string // that browsers may open a WebSocket from, besides the own host: "https://chat.example"
	Timing  Timing
	Log     *slog.Logger
	Now     func() time.Time // for what clients are told of times; time.Now when nil

	Presence *presence.Keeper // is told who is connected to this node; nil: nobody is
}

// Timing is how long things may take. Fields that are 0 are those of DefaultTiming.
type Timing struct {
	Silence time.Duration // after which a stream reads again, and is written to if there was nothing: 25 s
	Write   time.Duration // that a client may take for one batch: 10 s
	Pong    time.Duration // that a WebSocket may go without a sign of life: 60 s
	Tokens  time.Duration // between two looks at which tokens have ended: 10 s
	Probe   time.Duration // between two probes of the bus; silent for 2.5 of them it is replaced: 10 s
}

// DefaultTiming is for everything but tests.
func DefaultTiming() Timing {
	return Timing{Silence: 25 * time.Second, Write: 10 * time.Second, Pong: 60 * time.Second, Tokens: 10 * time.Second, Probe: 10 * time.Second}
}

func (t Timing) orDefault() Timing {
	d := DefaultTiming()
	for _, f := range []struct{ have, other *time.Duration }{
		{&t.Silence, &d.Silence}, {&t.Write, &d.Write}, {&t.Pong, &d.Pong}, {&t.Tokens, &d.Tokens}, {&t.Probe, &d.Probe},
	} {
		if *f.have == 0 {
			*f.have = *f.other
		}
	}
	return t
}

// Server is one node's realtime side. The domain tells it what happened, the inbox whom to wake, and clients connect to it:
// as each of them needs another, it is made first and started last.
//
//	server := realtime.New(realtime.Config{…})
//	service := chat.New(chat.Config{Outlet: server, …})
//	in, err := inbox.Open(inbox.Config{Service: service, Wake: server.Wake, …})
//	server.Start(service, in)
//
// WebSocket, Poll, SSE and Ticket are Fiber handlers, for after Start. They return *chat.Error or *fiber.Error, for the
// app's error handler to answer with.
type Server struct {
	Config
	service *chat.Service
	inbox   atomic.Pointer[inbox.Inbox] // Announce may come before Start
	hub     *hub
	bus     *bus
	metrics *metrics
	upgrade fiber.Handler

	ctx     context.Context // of every connection
	end     context.CancelCauseFunc
	running sync.WaitGroup // the bus and the watch over tokens
	stop    context.CancelFunc
}

var _ chat.Outlet = (*Server)(nil)

// New makes a Server. Until Start it takes news and wake-ups, and serves nobody.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Timing = c.Timing.orDefault()
	s := &Server{Config: c, metrics: newMetrics()}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	s.hub = newHub(c.Presence)
	s.bus = newBus(s)
	s.upgrade = s.upgrader()
	return s
}

// Start connects the Server to the other nodes, also while Redis is down, and begins to watch over tokens. Close ends both.
func (s *Server) Start(service *chat.Service, in *inbox.Inbox) {
	s.service = service
	s.inbox.Store(in)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, run := range []func(context.Context){s.bus.send, s.bus.listen, s.bus.refresh, s.watchTokens} {
		s.running.Go(func() { run(ctx) })
	}
}

// Drain ends every connection, WebSockets with 1001 and polls with an empty batch, lets nobody in any more, and waits for those
// who leave, but no longer than ctx. The bus goes on: what is sent meanwhile wakes who is on other nodes.
func (s *Server) Drain(ctx context.Context) error {
	s.end(GoingAway)
	return s.hub.close(ctx)
}

// Close drains, and ends the bus. In order: Drain, then the HTTP server's shutdown (which does not know of WebSockets, and waits
// for polls and streams), then Close, then the inbox'.
func (s *Server) Close(ctx context.Context) error {
	err := s.Drain(ctx)
	if s.stop != nil {
		s.stop()
		s.running.Wait()
	}
	return err
}

// Announce is the domain's outlet: chats go to the inbox, the rest to connections, on this node at once and on the others over
// the bus. It neither blocks nor fails.
func (s *Server) Announce(n chat.News) {
	if in := s.inbox.Load(); in != nil && len(n.Chats) > 0 {
		in.Publish(n.Chats)
	}
	for _, e := range n.Ephemeral {
		if p, ok := s.passing(e); ok {
			s.hub.pass(p)
			s.bus.pass(p)
		}
	}
	if len(n.EndedTokens) > 0 {
		s.hub.endTokens(n.EndedTokens)
		s.bus.ended(n.EndedTokens)
	}
}

// Wake says that the inboxes of these users have grown: their connections read, on whatever node they are. It does not block.
func (s *Server) Wake(users []int64) {
	s.hub.wake(users)
	s.bus.wake(users)
}

// Collectors are the Server's metrics.
func (s *Server) Collectors() []prometheus.Collector { return s.metrics.all() }
