package realtime

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"doran/chat"
	"doran/realtime/inbox"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// SSE is GET /realtime/sse (WHATWG HTML, section 9.2). An EventSource cannot send the header, so a ticket does as well.
func (s *Server) SSE(c *fiber.Ctx) error {
	prove := s.session
	if c.Get(fiber.HeaderAuthorization) == "" && c.Query("ticket") != "" {
		prove = s.redeem
	}
	session, err := prove(c)
	if err != nil {
		return err
	}
	first, err := s.first(c, session, lastEventOrStart)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no") // nginx would hold events back
	c.Response().SetConnectionClose()
	c.Response().SetBodyStream(&eventStream{server: s, session: session, first: first, request: c.Context()}, -1)
	return nil
}

// lastEventOrStart is start for a client that may come back by itself, with the address of its first time.
func lastEventOrStart(c *fiber.Ctx) (string, error) {
	if last := c.Request().Header.Peek("Last-Event-ID"); len(last) > 0 {
		return string(last), nil
	}
	return start(c)
}

// eventStream is a response body that writes itself, on fasthttp's goroutine of this connection, each batch flushed as one
// chunk (fasthttp.BodyWriterTo). SetBodyStreamWriter would put a pipe and a second goroutine between: what is written there has
// not yet reached the connection, so no deadline fits it.
type eventStream struct {
	server  *Server
	session chat.Session
	first   inbox.Batch
	request *fasthttp.RequestCtx // in use until the body is written
	out     io.Writer
}

// SupportsBodyWriteTo has fasthttp call WriteTo.
func (e *eventStream) SupportsBodyWriteTo() bool { return true }

// Read is never called.
func (e *eventStream) Read([]byte) (int, error) { return 0, io.EOF }

// WriteTo runs the connection. Whether the client is still there shows only when it is written to.
func (e *eventStream) WriteTo(out io.Writer) (int64, error) {
	c := e.server.newConn(e.session, sse)
	if err := e.server.hub.enter(c); err != nil {
		return 0, nil
	}
	defer e.server.hub.leave(c)
	e.out = out
	c.write = e.send
	if d := e.server.serve(c, func() error { return c.stream(e.first) }); d == Lost || d == TooSlow {
		return 0, d
	}
	return 0, nil
}

// send writes a batch as one event. The deadline is set each time: the server's own WriteTimeout would be one for the
// whole stream.
func (e *eventStream) send(b inbox.Batch) error {
	data, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encoding a batch: %w", err)
	}
	if err := e.request.SetWriteDeadline(time.Now().Add(e.server.Timing.Write)); err != nil {
		return Lost
	}
	_, err = fmt.Fprintf(e.out, "id: %s\ndata: %s\n\n", b.Cursor, data)
	return writeFailed(err)
}
