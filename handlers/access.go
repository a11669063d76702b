package handlers

import (
	"context"
	"strings"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// access says who may call a route. What else the domain asks of them (member, owner, sender) it checks itself.
type access int

const (
	anyone          access = iota
	anyoneWhoProves        // the endpoint finds out who calls, in more ways than the Authorization header
	user                   // who has a live token
	self                   // the user that {user_id} names; 403 for another one
	selfInChat             // the same under a chat, which to a stranger is not there: 404
)

// sessionKey is where the caller's chat.Session stands in c.Locals, for the endpoints of other packages too.
const sessionKey = "session"

// serve is what happens to a request of one route before its handler is called.
func (a *api) serve(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(routeKey, r.path)
		if r.who != anyoneWhoProves { // whose sockets, streams and polls take longer
			work, cancel := context.WithTimeout(context.Background(), a.Timeout)
			defer cancel()
			c.SetUserContext(work)
		}
		if err := a.admit(c, r.who); err != nil {
			return err
		}
		if r.limit != nil {
			if err := r.limit(c); err != nil {
				return err
			}
		}
		return r.handle(c)
	}
}

func (a *api) admit(c *fiber.Ctx, who access) error {
	if who == anyone || who == anyoneWhoProves {
		return nil
	}
	session, err := a.authenticate(c)
	if err != nil {
		return err
	}
	c.Locals(sessionKey, session)
	if err := a.limits.perUser(session.UserID); err != nil {
		return err
	}
	if who == user {
		return nil
	}
	return a.admitSelf(c, who, session.UserID)
}

func (a *api) admitSelf(c *fiber.Ctx, who access, callerID int64) error {
	owner, err := pathID(c, "user_id")
	if err != nil {
		return err
	}
	if owner == callerID {
		return nil
	}
	if who == selfInChat {
		chatID, err := pathID(c, "chat_id")
		if err != nil {
			return err
		}
		if _, err := a.Service.Chat(c.UserContext(), callerID, chatID); err != nil {
			return err
		}
	}
	return refuse(chat.CodeForbidden, "This path belongs to user %d, and you are user %d.", owner, callerID)
}

// maxToken bounds what is hashed and looked up; a token is far shorter.
const maxToken = 256

// authenticate knows the Authorization header and nothing else: a token in a URL ends in logs and histories.
func (a *api) authenticate(c *fiber.Ctx) (chat.Session, error) {
	headers := c.Request().Header.PeekAll(fiber.HeaderAuthorization)
	if len(headers) != 1 {
		return chat.Session{}, refuse(chat.CodeUnauthenticated, "Send one header Authorization: Bearer TOKEN.")
	}
	scheme, token, _ := strings.Cut(string(headers[0]), " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return chat.Session{}, refuse(chat.CodeUnauthenticated, "The Authorization header is not of the form Bearer TOKEN.")
	}
	return a.Service.Authenticate(c.UserContext(), token)
}

// caller is who calls a route that is not for anyone.
func caller(c *fiber.Ctx) chat.Session { return c.Locals(sessionKey).(chat.Session) }

func callerID(c *fiber.Ctx) int64 { return caller(c).UserID }
