package realtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"doran/realtime/inbox"

	"github.com/gofiber/contrib/websocket"
)

const (
	maxFrame    = 4 << 10 // bytes of a client's message
	goodbyeTime = time.Second
)

// socket is a WebSocket that is written to by one goroutine and read by another.
type socket struct {
	*websocket.Conn
	timing    Timing
	confirmed func(cursor string) // a pong came: its ping carried where the client then stood
	pinged    time.Time

	mu      sync.Mutex
	closing bool
}

// send writes a batch, and a ping with it when the last is a while ago, as pongs are the only sign of life that is asked for.
// A frame is written whole, so a client that does not take it cannot be sent another one.
func (w *socket) send(b inbox.Batch) error {
	frame, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("encoding a batch: %w", err)
	}
	deadline := time.Now().Add(w.timing.Write)
	if time.Since(w.pinged) > w.timing.Silence*4/5 {
		w.pinged = time.Now()
		if err := w.WriteControl(websocket.PingMessage, []byte(b.After), deadline); err != nil {
			return writeFailed(err)
		}
	}
	if err := w.SetWriteDeadline(deadline); err != nil {
		return Lost
	}
	return writeFailed(w.WriteMessage(websocket.TextMessage, frame))
}

// writeFailed tells the slow client from the one that is gone.
func writeFailed(err error) error {
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return TooSlow
	default:
		return Lost
	}
}

// passOver reads, for pongs and the client's goodbye, until the socket ends, and says how. Messages mean nothing here.
func (w *socket) passOver() *Disconnect {
	w.SetReadLimit(maxFrame)
	w.SetPongHandler(func(cursor string) error {
		w.confirmed(cursor)
		w.expect(w.timing.Pong, false)
		return nil
	})
	w.expect(w.timing.Pong, false)
	for {
		_, message, err := w.NextReader()
		if err == nil { // read to its end: what is only skipped is not counted
			_, err = io.Copy(io.Discard, message)
		}
		switch {
		case err == nil:
		case errors.Is(err, websocket.ErrReadLimit):
			return TooBig
		case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
			return Left
		default:
			return Lost
		}
	}
}

// drain takes what is left of a message that was too big: a connection that is closed with something unread is reset, and the
// client may never see the close frame.
func (w *socket) drain() {
	w.expect(goodbyeTime, true)
	_, _ = io.Copy(io.Discard, w.NetConn())
}

// expect gives the client this long to be heard of. The last time stands: no pong gives it more.
func (w *socket) expect(d time.Duration, last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closing {
		_ = w.SetReadDeadline(time.Now().Add(d)) // fails only where reading fails too
		w.closing = last
	}
}

// goodbye sends the close frame, and gives the client a moment to answer it. Close would do nothing here, as fasthttp keeps hijacked connections open until
// their handler returns.
func (w *socket) goodbye(d *Disconnect) {
	if d.Code != 0 {
		frame := websocket.FormatCloseMessage(d.Code, d.Name)
		_ = w.WriteControl(websocket.CloseMessage, frame, time.Now().Add(goodbyeTime))
	}
	w.expect(goodbyeTime, true)
}
