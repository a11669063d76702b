package mqtt

import (
	"context"
	"fmt"
	"time"

	"doran/chat"

	"github.com/gofiber/fiber/v2"
)

// answer is what a device is told of its grant.
type answer struct {
	URL       string    `json:"url"`
	WSURL     *string   `json:"ws_url"` // null where the operator has not said where that is
	ClientID  string    `json:"client_id"`
	Username  string    `json:"username"`
	Password  string    `json:"password"`
	Topic     string    `json:"topic"`
	QoS       int       `json:"qos"`
	ExpiresAt chat.Time `json:"expires_at"`
}

// Grant is POST /realtime/mqtt/: the grant of the calling token, with a new password. What is sent from here on reaches its
// topic. CodeUnavailable while Redis or the broker is down.
func (f *Forwarder) Grant(c *fiber.Ctx) error {
	who := c.Locals("session").(chat.Session)
	ctx := c.UserContext()
	g, password, err := f.service.MakeGrant(ctx, who)
	if err != nil {
		return err
	}
	if err := f.beginCursor(ctx, g); err != nil {
		return err
	}
	if err := f.broker.Admit(ctx, g, password); err != nil {
		return err
	}
	if err := f.stillLive(ctx, g); err != nil {
		return err
	}
	a := answer{URL: f.URL, ClientID: g.ClientID, Username: g.ClientID, Password: password, Topic: deviceOf(g).Topic(), QoS: 1, ExpiresAt: who.ExpiresAt}
	if f.WSURL != "" {
		a.WSURL = &f.WSURL
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.JSON(a)
}

// Revoke is DELETE /realtime/mqtt/. Where the broker does not answer it is cut when it does.
func (f *Forwarder) Revoke(c *fiber.Ctx) error {
	given, err := f.service.GiveBackGrant(c.UserContext(), c.Locals("session").(chat.Session))
	if err != nil {
		return err
	}
	f.endGrants(c.UserContext(), given)
	return c.SendStatus(fiber.StatusNoContent)
}

// beginCursor makes forwarding begin now, unless it has begun.
func (f *Forwarder) beginCursor(ctx context.Context, g chat.Grant) error {
	batch, _, err := f.inbox.Read(ctx, g.UserID, "")
	if err != nil {
		return err
	}
	err = beginScript.Run(ctx, f.redis(), []string{cursorsKey(g.UserID)}, g.TokenID, g.ID, batch.Cursor, cursorTTL.Milliseconds()).Err()
	if err != nil {
		return &chat.Error{Code: chat.CodeUnavailable, Detail: "Redis does not answer at the moment. Try again in a few seconds.", Err: err}
	}
	f.Wake([]int64{g.UserID}) // what came between the two found nothing to forward
	return nil
}

// stillLive takes back what was given to a token that ended meanwhile: who ended it found nothing at the broker to cut.
func (f *Forwarder) stillLive(ctx context.Context, g chat.Grant) error {
	found, err := f.service.GrantsOfClients(ctx, []string{g.ClientID})
	if err != nil || len(found) == 1 && found[0].Live {
		return err
	}
	f.endGrants(ctx, []chat.Grant{g})
	return &chat.Error{Code: chat.CodeUnauthenticated, Detail: "This token ended while its grant was made. Log in again."}
}

// cut ends the grants of tokens that are announced to have ended, until ctx ends. What it cannot end is found by the pass.
func (f *Forwarder) cut(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.cutting:
		}
		f.mu.Lock()
		tokens := f.ended
		f.ended = nil
		f.mu.Unlock()
		ask, cancel := context.WithTimeout(ctx, callTime)
		grants, err := f.service.GrantsOfTokens(ask, tokens)
		cancel()
		if err != nil {
			f.Log.Warn("mqtt: it cannot be asked which grants ended with their tokens; they are cut within seconds of the database's return", "err", err)
			continue
		}
		f.endGrants(ctx, grants)
	}
}

// endGrants takes grants from the broker first, then their cursors from Redis, and then their rows: as long as the row is
// there, somebody will try again.
func (f *Forwarder) endGrants(ctx context.Context, grants []chat.Grant) {
	if len(grants) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime+callTime)
	defer cancel()
	if err := f.forget(ctx, grants); err != nil && ctx.Err() == nil {
		f.Log.Warn("mqtt: grants that ended could not be taken from the broker yet; trying again", "grants", len(grants), "err", err)
	}
}

func (f *Forwarder) forget(ctx context.Context, grants []chat.Grant) error {
	if err := f.broker.Expel(ctx, grants); err != nil {
		return err
	}
	pipe := f.redis().Pipeline()
	for _, g := range grants {
		dropScript.Eval(ctx, pipe, []string{cursorsKey(g.UserID)}, g.ID)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("forgetting the cursors of grants: %w", err)
	}
	if err := f.service.ForgetGrants(ctx, grants); err != nil {
		return err
	}
	f.metrics.cut.Add(float64(len(grants)))
	return nil
}

// clearEvery is how often the broker's clients are compared with the grants.
const clearEvery = 10 * time.Minute

// clearBroker takes from the broker who has no grant: a node died between ending it and hearing that the broker had, or an
// operator brought an old file of the broker back. A client is made after its grant, so one without is never new.
func (f *Forwarder) clearBroker(ctx context.Context) error {
	if time.Since(f.cleared) < clearEvery || f.broker.Status() != nil {
		return nil
	}
	ids, err := f.broker.Clients(ctx)
	if err != nil {
		return err
	}
	known, err := f.service.GrantsOfClients(ctx, ids)
	if err != nil {
		return err
	}
	has := make(map[string]bool, len(known))
	for _, g := range known {
		has[g.ClientID] = true
	}
	var strays []chat.Grant
	for _, id := range ids {
		if !has[id] {
			strays = append(strays, chat.Grant{ClientID: id})
		}
	}
	if len(strays) > 0 {
		f.Log.Warn("mqtt: the broker knows clients whose grants have ended; they are cut", "clients", len(strays))
		if err := f.broker.Expel(ctx, strays); err != nil {
			return err
		}
	}
	f.cleared = time.Now()
	return nil
}
