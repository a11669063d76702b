package realtime

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"doran/chat"
	"doran/realtime/inbox"

	"github.com/gofiber/fiber/v2"
)

const (
	defaultWait = 25 // seconds; proxies give up after 30 to 60 (RFC 6202, section 5.5)
	maxWait     = 60
)

// Poll is GET /realtime/poll. What it answers is not taken off the inbox: only the cursor that the client comes back with says
// that it arrived, as fasthttp cannot tell a client that is gone from one that waits.
func (s *Server) Poll(c *fiber.Ctx) error {
	session, err := s.session(c)
	if err != nil {
		return err
	}
	after, err := start(c)
	if err != nil {
		return err
	}
	wait, err := waitOf(c)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	batch, err := s.poll(c, session, after, wait)
	if err != nil {
		return err
	}
	return c.JSON(batch)
}

// waitOf is how long the client would wait for an event.
func waitOf(c *fiber.Ctx) (time.Duration, error) {
	args := c.Context().QueryArgs()
	if !args.Has("wait") {
		return defaultWait * time.Second, nil
	}
	wait, err := strconv.ParseInt(string(args.Peek("wait")), 10, 16)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (wait < 0 || wait > maxWait):
		return 0, chat.Invalid("wait", "out_of_range", "whole seconds, 0 to %d", maxWait)
	case err != nil:
		return 0, chat.Invalid("wait", "type", "whole seconds, 0 to %d", maxWait)
	}
	return time.Duration(wait) * time.Second, nil
}

// poll answers at once where the client has no cursor yet, and otherwise as soon as there is something, or after wait.
func (s *Server) poll(c *fiber.Ctx, session chat.Session, after string, wait time.Duration) (inbox.Batch, error) {
	if after == "" {
		batch, _, err := s.read(c.UserContext(), session.UserID, "")
		return batch, err
	}
	conn := s.newConn(session, longPoll)
	conn.silence = wait
	var answer inbox.Batch
	conn.write = func(b inbox.Batch) error { answer = b; return Answered }
	if err := s.hub.enter(conn); err != nil {
		return answer, leaving()
	}
	defer s.hub.leave(conn)
	s.hub.confirm(session, after)

	var err error
	switch d := s.serve(conn, func() error { err = conn.follow(after); return err }); d {
	case Answered:
		return answer, nil
	case GoingAway, TooMany:
		return conn.empty(), nil
	case TokenEnded:
		return answer, unauthenticated("this token ended; log in again")
	case Internal:
		return answer, fmt.Errorf("polling: %w", d) // the cause is in the log
	default:
		return answer, err
	}
}
