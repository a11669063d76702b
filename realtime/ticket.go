package realtime

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

const ticketLifetime = 30 * time.Second

// ticketKey is where a ticket stands in Redis, by its hash: who can read Redis cannot use it.
func ticketKey(ticket string) string {
	hash := sha256.Sum256([]byte(ticket))
	return "ticket:{" + hex.EncodeToString(hash[:]) + "}"
}

// holder is the value there.
type holder struct {
	UserID  int64 `json:"user"`
	TokenID int64 `json:"token"`
}

// Ticket is POST /realtime/ticket/: what opens one WebSocket or event stream, on any node, for who cannot send a header.
func (s *Server) Ticket(c *fiber.Ctx) error {
	session, err := s.session(c)
	if err != nil {
		return err
	}
	ticket := rand.Text() + rand.Text() // 260 bits
	value, err := json.Marshal(holder{session.UserID, session.TokenID})
	if err != nil {
		return fmt.Errorf("encoding a ticket: %w", err)
	}
	expires := chat.At(s.Now().Add(ticketLifetime))
	if err := s.redis().Set(c.UserContext(), ticketKey(ticket), value, ticketLifetime).Err(); err != nil {
		return ticketsDown(err)
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(fiber.Map{"ticket": ticket, "expires_at": expires})
}

// redeem takes the ticket in the query: it works once, and no longer than its token.
func (s *Server) redeem(c *fiber.Ctx) (chat.Session, error) {
	value, err := s.redis().GetDel(c.UserContext(), ticketKey(c.Query("ticket"))).Bytes()
	if errors.Is(err, redis.Nil) {
		return chat.Session{}, unauthenticated("this ticket was used, or is older than 30 seconds; ask for another one")
	}
	if err != nil {
		return chat.Session{}, ticketsDown(err)
	}
	var h holder
	if err := json.Unmarshal(value, &h); err != nil {
		return chat.Session{}, fmt.Errorf("decoding a ticket: %w", err)
	}
	live, err := s.service.LiveTokens(c.UserContext(), []int64{h.TokenID})
	if err != nil {
		return chat.Session{}, err
	}
	if len(live) == 0 {
		return chat.Session{}, unauthenticated("the token of this ticket ended; log in again")
	}
	return chat.Session{UserID: h.UserID, TokenID: h.TokenID}, nil
}

func ticketsDown(err error) error {
	return &chat.Error{Code: chat.CodeUnavailable, Detail: "Redis, where tickets stand, does not answer; try again", Err: err}
}
