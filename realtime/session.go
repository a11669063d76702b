package realtime

import (
	"context"
	"strings"

	"doran/chat"
	"doran/realtime/inbox"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

// session is who proves a live token in the Authorization header, of which there is one.
func (s *Server) session(c *fiber.Ctx) (chat.Session, error) {
	headers := c.Request().Header.PeekAll(fiber.HeaderAuthorization)
	if len(headers) != 1 {
		return chat.Session{}, unauthenticated("send one header Authorization: Bearer TOKEN")
	}
	scheme, token, _ := strings.Cut(string(headers[0]), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return chat.Session{}, unauthenticated("send one header Authorization: Bearer TOKEN")
	}
	return s.service.Authenticate(c.UserContext(), strings.TrimSpace(token))
}

func unauthenticated(detail string) error {
	return &chat.Error{Code: chat.CodeUnauthenticated, Detail: detail}
}

func leaving() error {
	return &chat.Error{Code: chat.CodeUnavailable, Detail: "this node is going away; come back with your cursor"}
}

// start is the cursor that the client goes on from; "" is now. One that is there and empty is refused: a client that lost its
// cursor would lose what came since without a word.
func start(c *fiber.Ctx) (string, error) {
	args := c.Context().QueryArgs()
	if !args.Has("after") {
		return "", nil
	}
	after := string(args.Peek("after"))
	if after == "" {
		return "", chat.Invalid("after", "invalid", "this is no cursor; leave it out to start at now, and read the chats then")
	}
	return after, nil
}

func (s *Server) read(ctx context.Context, user int64, after string) (inbox.Batch, bool, error) {
	return s.inbox.Load().Read(ctx, user, after)
}

// redis is asked for at each use: after a failover it is another client.
func (s *Server) redis() redis.UniversalClient { return s.inbox.Load().Client() }

// first is the batch that admits a connection: it proves the cursor, and that Redis answers. Nobody is admitted to a node
// that is going away.
func (s *Server) first(c *fiber.Ctx, session chat.Session, from func(*fiber.Ctx) (string, error)) (inbox.Batch, error) {
	if s.ctx.Err() != nil {
		return inbox.Batch{}, leaving()
	}
	after, err := from(c)
	if err != nil {
		return inbox.Batch{}, err
	}
	batch, _, err := s.read(c.UserContext(), session.UserID, after)
	return batch, err
}
