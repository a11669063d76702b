package realtime

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"doran/chat"
	"doran/realtime/inbox"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
)

const (
	subprotocol   = "doran"   // what the server selects
	bearerPrefix  = "bearer." // of the subprotocol that carries a token, and is never selected
	bufferSize    = 1 << 10   // of the reader, and of the pooled writers
	admissionName = "doran.admission"
)

// admission is what the handler leaves for the socket: who comes in and what they are told first, or why nobody does.
type admission struct {
	session chat.Session
	first   inbox.Batch
	refused error
}

// WebSocket is GET /realtime/ws. What is refused to a native client, which shows its token in the Authorization header, is
// refused before the upgrade, and to a browser after it, by a close code: it sees no other. What is down is 503 to both.
func (s *Server) WebSocket(c *fiber.Ctx) error {
	if origin := c.Get(fiber.HeaderOrigin); !s.originAllowed(origin, string(c.Request().Header.Host())) {
		return &chat.Error{Code: chat.CodeForbidden, Detail: fmt.Sprintf("pages of %q may not open a WebSocket here; DORAN_ORIGINS names those that may", origin)}
	}
	a, err := s.admit(c)
	if err != nil {
		return err
	}
	c.Locals(admissionName, a)
	// The upgrade copies every header for as long as the socket lives.
	c.Request().Header.Del(fiber.HeaderAuthorization)
	return s.upgrade(c)
}

// admit fails with what is answered instead of the upgrade.
func (s *Server) admit(c *fiber.Ctx) (*admission, error) {
	prove, browser := s.credentials(c)
	if !websocket.IsWebSocketUpgrade(c) {
		if _, err := s.session(c); err != nil {
			return nil, err
		}
		c.Set(fiber.HeaderUpgrade, "websocket")
		return nil, fiber.NewError(fiber.StatusUpgradeRequired, "this is a WebSocket: ask for the upgrade")
	}
	var a admission
	var err error
	if a.session, err = prove(c); err == nil {
		a.first, err = s.first(c, a.session, start)
	}
	refused := hasCode(err, chat.CodeUnauthenticated) || hasCode(err, chat.CodeValidation)
	if browser && refused {
		a.refused, err = err, nil
	}
	return &a, err
}

// credentials says how the client proves who it is, and whether only a browser does it so.
func (s *Server) credentials(c *fiber.Ctx) (prove func(*fiber.Ctx) (chat.Session, error), browser bool) {
	if c.Get(fiber.HeaderAuthorization) != "" {
		return s.session, false
	}
	for _, p := range strings.Split(c.Get("Sec-WebSocket-Protocol"), ",") {
		if token, ok := strings.CutPrefix(strings.TrimSpace(p), bearerPrefix); ok {
			return func(c *fiber.Ctx) (chat.Session, error) {
				return s.service.Authenticate(c.UserContext(), strings.Clone(token))
			}, true
		}
	}
	if c.Query("ticket") != "" {
		return s.redeem, true
	}
	return s.session, false // which says what is missing
}

// upgrader makes the handler that does the upgrade. contrib/websocket pools its *Conn, and fasthttp the connection below it:
// nothing of them is touched once serveSocket has returned. Its own check of origins (by default none) refuses clients
// that send none, so ours comes before it.
func (s *Server) upgrader() fiber.Handler {
	return websocket.New(s.serveSocket, websocket.Config{
		Origins:         []string{"*"},
		Subprotocols:    []string{subprotocol},
		ReadBufferSize:  bufferSize,
		WriteBufferSize: bufferSize,
		WriteBufferPool: &sync.Pool{},
		RecoverHandler:  func(*websocket.Conn) {}, // the default tells the client of the panic; serve recovers ours
	})
}

// serveSocket is one socket from upgrade to goodbye. It writes; a second goroutine, which ends before it, reads.
func (s *Server) serveSocket(ws *websocket.Conn) {
	a := ws.Locals(admissionName).(*admission)
	c := s.newConn(a.session, webSocket)
	w := &socket{Conn: ws, timing: s.Timing, pinged: time.Now(), confirmed: func(cursor string) { s.hub.confirm(a.session, cursor) }}
	c.write = w.send
	done := make(chan struct{})
	go func() {
		defer close(done)
		d := w.passOver()
		c.end(d)
		if d == TooBig {
			w.drain()
		}
	}()

	err := a.refused
	if err == nil {
		err = s.hub.enter(c)
	}
	if err == nil {
		defer s.hub.leave(c)
	}
	d := s.serve(c, func() error {
		if err != nil {
			return err
		}
		return c.stream(a.first)
	})
	w.goodbye(d)
	<-done
}
