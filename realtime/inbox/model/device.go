package model

import (
	"doran/chat"
)

// device is a client that keeps a cursor and what it holds of its user's chats, as the contract of clients says.
type device struct {
	user   int64
	cursor *cursor // nil: it has none yet
	busy   bool
	held   []holding // by chat
	idle   int       // batches without anything in a row

	// For the check.
	told     []int64 // by chat: version of the last event since the last gap
	toldRead map[[2]int64]int64
}

// holding is what a device has of one chat.
type holding struct {
	known    bool
	version  int64                  // it has all changes up to it
	firstSeq int64                  // what lies before it was dropped
	messages map[int64]chat.Message // by id
	readSeq  [users + 1]int64
}

func newDevice(user int64) *device {
	d := &device{user: user, held: make([]holding, chats+1)}
	for i := range d.held {
		d.held[i].messages = map[int64]chat.Message{}
	}
	d.startOver()
	return d
}

// startOver is after a gap: the inbox may tell again what it told before.
func (d *device) startOver() {
	d.told, d.toldRead = make([]int64, chats+1), map[[2]int64]int64{}
}

// poll asks a node for what follows the cursor, and applies it.
func (p *proc) poll() {
	d := p.device
	gone := p.deletedForGood()
	mode, from := FromNow, cursor{}
	if d.cursor != nil {
		mode, from = FromCursor, *d.cursor
	}
	b, err := p.read(d.user, mode, from)
	p.step() // the answer travels
	n := p.node
	p.node = nil // from here on these are the client's own steps: a node that crashes does not end them
	if err != nil {
		p.world.note("user %d is told by %s: %v", d.user, n.name, err)
		return
	}
	if !p.quiet && p.oneIn(12) {
		p.world.note("user %d never gets the answer", d.user)
		return
	}
	if b.gap || d.cursor == nil {
		p.world.note("user %d starts at now, cursor %v (gap %v)", d.user, b.cursor, b.gap)
		d.idle = 0
		p.mend(b.cursor)
		return
	}
	d.idle++
	for _, e := range b.events {
		d.idle = 0
		p.checkShown(d, e, gone)
		p.apply(e)
	}
	if b.more {
		d.idle = 0
	}
	d.cursor = &b.cursor
}

// replay reads an inbox from the oldest that is kept, as a curious client may at any time.
func (p *proc) replay(user int64) {
	d := newDevice(user)
	mode, from := FromOldest, cursor{}
	for {
		gone := p.deletedForGood()
		b, err := p.read(user, mode, from)
		if err != nil || b.gap {
			return
		}
		for _, e := range b.events {
			p.note("shows %d on replay %s (body v%d deleted %v)", user, told(e.Event), e.body.Version, e.body.Deleted)
			p.checkShown(d, e, gone)
		}
		if !b.more {
			return
		}
		mode, from = FromCursor, b.cursor
	}
}

// apply is what a client does with an event.
func (p *proc) apply(e shown) {
	d := p.device
	h := &d.held[e.ChatID]
	p.world.note("user %d gets %s (body v%d deleted %v)", d.user, told(e.Event), e.body.Version, e.body.Deleted)
	if e.Type == chat.MessageRead {
		h.readSeq[e.UserID] = max(h.readSeq[e.UserID], e.Seq)
		return
	}
	if e.Type == chat.ChatCreated { // a stay begins: what it holds may be of another one
		p.step()
		if r := p.db.chats[e.ChatID]; p.isIn(r) {
			p.readChat(r)
		} else {
			h.drop(h.version)
		}
		h.version = max(h.version, e.Version)
		return
	}
	if e.Version <= h.version && e.MessageID == 0 { // it knows already
		return
	}
	if e.Version > h.version+1 {
		p.world.note("user %d has chat %d at v%d and asks what changed", d.user, e.ChatID, h.version)
		if !p.changedAfter(e.ChatID) {
			return
		}
	}
	h.version = max(h.version, e.Version)
	switch {
	case e.MessageID != 0:
		h.put(e.body)
	case e.Type == chat.ChatDeleted, e.Type == chat.MemberRemoved && e.UserID == d.user:
		h.drop(h.version)
	}
}

// deletedForGood are the messages whose texts no read that begins now may show: their deletion is published. A node that has not heard yet
// of the present epoch may lead to a Redis that was cut off from the others, for the second until it asks again.
func (p *proc) deletedForGood() map[int64]bool {
	out := map[int64]bool{}
	if p.node.epoch != 0 && p.node.epoch < p.db.epoch {
		return out
	}
	for _, m := range p.db.messages[1:] {
		if m.tombSent {
			out[m.ID] = true
		}
	}
	return out
}
