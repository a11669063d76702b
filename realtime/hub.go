package realtime

import (
	"context"
	"errors"
	"sync"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
	"doran/realtime/presence"
)

// hub knows who is connected to this node. Nothing in it blocks: it marks connections, and they do the work.
type hub struct {
	users, tokens index
	presence      *presence.Keeper // nil: nobody is told

	mu     sync.Mutex
	open   int
	closed chan struct{} // nil until close; closed when the last connection has left
	ended  map[int64]time.Time
}

func newHub(p *presence.Keeper) *hub { return &hub{presence: p, ended: map[int64]time.Time{}} }

// enter makes a connection known, and ends the token's oldest of the same transport when there are too many. The bound is for
// each node, as balancers keep a client on one. GoingAway once the hub is closed; otherwise leave must follow.
func (h *hub) enter(c *conn) error {
	h.mu.Lock()
	if h.closed != nil {
		h.mu.Unlock()
		return GoingAway
	}
	h.open++
	h.mu.Unlock()

	h.users.add(c.session.UserID, c)
	h.tokens.add(c.session.TokenID, c)
	if h.presence != nil {
		h.presence.Enter(c.session.UserID, c.session.TokenID)
	}
	h.makeRoom(c)
	if h.hasEnded(c.session.TokenID) { // asked after it can be found, or an end in between would be missed
		c.end(TokenEnded)
	}
	return nil
}

// leave forgets a connection.
func (h *hub) leave(c *conn) {
	h.users.remove(c.session.UserID, c)
	h.tokens.remove(c.session.TokenID, c)
	if h.presence != nil {
		h.presence.Leave(c.session.TokenID)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open--; h.open == 0 && h.closed != nil {
		close(h.closed)
	}
}

// confirm says that the client has handled its inbox up to the cursor, which came from it: whoever delivers to it in the background
// goes on from there.
func (h *hub) confirm(s chat.Session, cursor string) {
	if h.presence == nil || cursor == "" {
		return
	}
	if _, err := inbox.ParseCursor(s.UserID, cursor); err == nil {
		h.presence.Confirm(s.TokenID, cursor)
	}
}

// close lets nobody enter any more, and waits until all have left.
func (h *hub) close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed == nil {
		h.closed = make(chan struct{})
		if h.open == 0 {
			close(h.closed)
		}
	}
	h.mu.Unlock()
	select {
	case <-h.closed:
		return nil
	case <-ctx.Done():
		return errors.New("closing realtime: some connections did not end in time; they end with the process")
	}
}

func (h *hub) makeRoom(c *conn) {
	var same []*conn // oldest first
	h.tokens.each(c.session.TokenID, func(other *conn) {
		if other.transport == c.transport && other.ctx.Err() == nil {
			same = append(same, other)
		}
	})
	for len(same) > c.transport.limit {
		same[0].end(TooMany)
		same = same[1:]
	}
}

// wake has the connections of these users read.
func (h *hub) wake(users []int64) {
	for _, user := range users {
		h.users.each(user, (*conn).mark)
	}
}

// wakeAll has everybody read, not all at once: after a subscription was away, all of a node's inboxes are read once.
func (h *hub) wakeAll(ctx context.Context, spread time.Duration) {
	for i := range h.users {
		if h.users[i].all((*conn).mark) > 0 && !sleep(ctx, spread/shards) {
			return
		}
	}
}

// pass gives something ephemeral to those of its recipients who are here.
func (h *hub) pass(p passing) {
	e := p.event()
	for _, user := range p.To {
		h.users.each(user, func(c *conn) { c.pass(e) })
	}
}

// endTokens ends every connection of these tokens, and of those that enter a moment later.
func (h *hub) endTokens(tokens []int64) {
	h.mu.Lock()
	for _, token := range tokens {
		h.ended[token] = time.Now()
	}
	h.mu.Unlock()
	for _, token := range tokens {
		h.tokens.each(token, func(c *conn) { c.end(TokenEnded) })
	}
}

// hasEnded is for the moment between a connection's authentication and its entry.
func (h *hub) hasEnded(token int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ended := h.ended[token]
	return ended
}

func (h *hub) forgetEnded(before time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for token, at := range h.ended {
		if at.Before(before) {
			delete(h.ended, token)
		}
	}
}
