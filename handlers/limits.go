package handlers

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

// Rate allows Count requests in each Per, and all of them at once after a pause. The zero value allows everything.
type Rate struct {
	Count int
	Per   time.Duration
}

// Limits bound how often one may ask. Each node counts for itself in memory, so the limits stand while Redis is down; of N nodes a
// client can have N times as much. Those for guessing passwords and making accounts (LoginName, LoginAddress, SignUp) are
// also counted in Redis, for all nodes together, when there is one. Nothing here locks a name or an address for good: what was used up
// comes back evenly over Per.
//
// A user's address is counted as its /64 when it is IPv6, which is what one customer has.
type Limits struct {
	LoginName    Rate                         // by canonical username, right passwords too
	LoginAddress Rate                         // by address
	SignUp       Rate                         // by address
	Password     Rate                         // by user: calls that confirm with the password
	Send         Rate                         // by user: sending, editing, deleting, typing
	LookUp       Rate                         // by user: finding users
	Open         Rate                         // by user: opening chats, adding members, friends, blocks and devices
	User         Rate                         // by user: all requests together
	Address      Rate                         // by address: all requests together, many users behind one address too
	Redis        func() redis.UniversalClient // asked at each use, as a failover replaces the client; nil: none
}

// DefaultLimits are those of a server that people talk on.
func DefaultLimits() Limits {
	return Limits{
		LoginName:    Rate{10, 15 * time.Minute},
		LoginAddress: Rate{60, 15 * time.Minute},
		SignUp:       Rate{20, time.Hour},
		Password:     Rate{10, 15 * time.Minute},
		Send:         Rate{40, 2 * time.Second}, // 20 a second, 40 at once
		LookUp:       Rate{60, time.Minute},
		Open:         Rate{60, time.Minute},
		User:         Rate{200, 4 * time.Second},
		Address:      Rate{1000, 5 * time.Second},
	}
}

// What the rows of the table name.

func (a *api) lookUps(c *fiber.Ctx) error {
	return a.limits.user("look-ups", a.Limits.LookUp, callerID(c))
}
func (a *api) openings(c *fiber.Ctx) error {
	return a.limits.user("openings", a.Limits.Open, callerID(c))
}
func (a *api) sends(c *fiber.Ctx) error { return a.limits.user("sends", a.Limits.Send, callerID(c)) }
func (a *api) passwords(c *fiber.Ctx) error {
	return a.limits.user("passwords", a.Limits.Password, callerID(c))
}

func (a *api) signUps(c *fiber.Ctx) error {
	return a.limits.takeShared(c.UserContext(), "signup:address:"+network(clientAddress(c)), a.Limits.SignUp)
}

func (a *api) logins(c *fiber.Ctx) error {
	return a.limits.takeShared(c.UserContext(), "login:address:"+network(clientAddress(c)), a.Limits.LoginAddress)
}

func (l *limiter) user(what string, rate Rate, userID int64) error {
	return l.take(what+":"+strconv.FormatInt(userID, 10), rate)
}
