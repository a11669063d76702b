package chat

import (
	"context"
	"maps"
	"slices"

	"doran/ent"
	"doran/ent/block"
	entchat "doran/ent/chat"
	"doran/ent/member"
	"doran/ent/predicate"
	"doran/ent/user"
)

// sendGroup is some messages in one transaction. What the rules refuse is answered so, and takes none of the others with it. The number of
// statements does not depend on how many messages, senders or chats there are, except that a side of a direct chat comes back by one each.
type sendGroup struct {
	s       *Service
	tx      *ent.Tx
	sends   []*sending
	answers []sent // one for each of sends

	chats  map[int64]*change
	stays  map[pair]*ent.Member     // by chat and user
	before map[sentKey]*ent.Message // what was sent before, and what comes first in this group
	gone   map[int64]bool           // sides of direct chats who deleted their account
	blocks map[pair]bool            // user and target, between the sides of direct chats
	fresh  []*ent.Message           // to be stored, in the order of seq within each chat
	of     []int                    // the index in sends of each
}

type pair struct{ a, b int64 }

func newSendGroup(s *Service, tx *ent.Tx, sends []*sending) *sendGroup {
	return &sendGroup{s: s, tx: tx, sends: sends, answers: make([]sent, len(sends)), chats: map[int64]*change{},
		stays: map[pair]*ent.Member{}, gone: map[int64]bool{}, blocks: map[pair]bool{}}
}

func (g *sendGroup) store(ctx context.Context) error {
	if err := g.load(ctx); err != nil {
		return err
	}
	var doubles []int
	for i, p := range g.sends {
		if p.clientID != "" && g.before[p.key()] != nil {
			doubles = append(doubles, i)
			continue
		}
		if err := g.place(ctx, i, p); err != nil {
			return err
		}
	}
	if err := g.write(ctx); err != nil {
		return err
	}
	for k, m := range g.fresh {
		g.answers[g.of[k]] = sent{message: messageOf(m), isNew: true}
	}
	for _, i := range doubles {
		g.answers[i] = g.sends[i].again(g.before[g.sends[i].key()])
	}
	return nil
}

// load locks the chats in the order of their ids, and reads what the rules ask about.
func (g *sendGroup) load(ctx context.Context) error {
	directs, err := g.lockChats(ctx)
	if err != nil {
		return err
	}
	if g.before, err = sentBefore(ctx, g.tx.Client(), g.sends); err != nil {
		return err
	}
	if err := g.loadStays(ctx, directs); err != nil {
		return err
	}
	return g.loadSides(ctx, directs)
}

func (g *sendGroup) lockChats(ctx context.Context) (directs []*ent.Chat, err error) {
	ids := map[int64]bool{}
	for _, p := range g.sends {
		ids[p.chatID] = true
	}
	rows, err := forUpdate(g.s, g.tx.Chat.Query().Where(entchat.IDIn(slices.Sorted(maps.Keys(ids))...), entchat.DeletedAtIsNil()).Order(entchat.ByID())).All(ctx)
	for _, r := range rows {
		g.chats[r.ID] = g.s.changeOf(g.tx, r)
		if isDirect(r) {
			directs = append(directs, r)
		}
	}
	return directs, err
}

// loadStays reads the stays of the senders, and of both sides of direct chats. It names each pair: of two lists MySQL would look up each
// combination, 4,096 of a full group.
func (g *sendGroup) loadStays(ctx context.Context, directs []*ent.Chat) error {
	asked := map[pair]bool{}
	for _, p := range g.sends {
		asked[pair{p.chatID, p.userID}] = true
	}
	for _, c := range directs {
		asked[pair{c.ID, *c.LowUserID}], asked[pair{c.ID, *c.HighUserID}] = true, true
	}
	var where []predicate.Member
	for k := range asked {
		where = append(where, member.And(member.ChatID(k.a), member.UserID(k.b), member.LeftVersion(0)))
	}
	rows, err := g.tx.Member.Query().Where(member.Or(where...)).All(ctx)
	for _, m := range rows {
		g.stays[pair{m.ChatID, m.UserID}] = m
	}
	return err
}

// loadSides reads who of the two sides of direct chats is gone, and who blocked whom.
func (g *sendGroup) loadSides(ctx context.Context, directs []*ent.Chat) error {
	if len(directs) == 0 {
		return nil
	}
	var sides []int64
	var between []predicate.Block
	for _, c := range directs {
		low, high := *c.LowUserID, *c.HighUserID
		sides = append(sides, low, high)
		between = append(between, block.And(block.UserID(low), block.TargetID(high)), block.And(block.UserID(high), block.TargetID(low)))
	}
	gone, err := g.tx.User.Query().Where(user.IDIn(sides...), user.DeletedAtNotNil()).IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range gone {
		g.gone[id] = true
	}
	blocks, err := g.tx.Block.Query().Where(block.Or(between...)).All(ctx)
	for _, b := range blocks {
		g.blocks[pair{b.UserID, b.TargetID}] = true
	}
	return err
}

// place refuses a message, or gives it its place in its chat.
func (g *sendGroup) place(ctx context.Context, i int, p *sending) error {
	c := g.chats[p.chatID]
	if c == nil || g.stays[pair{p.chatID, p.userID}] == nil {
		g.answers[i].err = noChat(p.chatID)
		return nil
	}
	if isDirect(c.Chat) {
		other := otherSide(c.Chat, p.userID)
		if err := g.mayWrite(p.userID, other); err != nil {
			g.answers[i].err = err
			return nil
		}
		if err := g.bringBack(ctx, c, other); err != nil {
			return err
		}
	}
	c.LastSeq++
	m := &ent.Message{ChatID: c.ID, Seq: c.LastSeq, SenderID: p.userID, Content: p.content, CreatedAt: c.at}
	m.Version = c.event(Event{Type: MessageCreated, Seq: m.Seq, ByID: p.userID})
	if p.clientID != "" {
		m.ClientID = &p.clientID
		g.before[p.key()] = m
	}
	g.fresh, g.of = append(g.fresh, m), append(g.of, i)
	return nil
}

// mayWrite is the rule of that name, asked of what was read for all.
func (g *sendGroup) mayWrite(userID, other int64) error {
	switch {
	case g.gone[other]:
		return errUserGone
	case g.blocks[pair{userID, other}] || g.blocks[pair{other, userID}]:
		return errBlocked
	}
	return nil
}

// bringBack has the chat come back to a side that had deleted it, before the message that they are to see.
func (g *sendGroup) bringBack(ctx context.Context, c *change, other int64) (err error) {
	key := pair{c.ID, other}
	if g.stays[key] == nil {
		g.stays[key], err = c.comeBack(ctx, other)
	}
	return err
}

// touched are the chats in which something happened, ascending.
func (g *sendGroup) touched() []int64 {
	var ids []int64
	for id, c := range g.chats {
		if len(c.events) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
