package model

import (
	"slices"

	"doran/chat"
)

// The promises, by the word with which a failure begins:
//
//	lost      a member has not what was sent to them
//	stale     a member holds an old state of a message
//	phantom   something was delivered that the database does not have
//	order     an inbox, or what a client is told, is not in the order of versions, or tells twice
//	leak      somebody is shown what lies outside of their stays
//	deleted   a text is shown, or kept in Redis, after its deletion was published
//	kept      a client still holds what it may not see
//	marker    a read marker did not arrive
//	stuck     events stay in the outbox, or a client is never done
//	livelock  a process never ends

// checkInboxes holds after each step.
func (w *world) checkInboxes() {
	for user := range w.master.keys.Inboxes {
		var last [chats + 1]int64
		for _, e := range w.master.keys.Inboxes[user].Entries {
			if e.Opened || e.Event.Type == chat.MessageRead {
				continue
			}
			if e.Event.Version <= last[e.Event.ChatID] {
				w.fail("order", "the inbox of %d has %s behind v%d", user, told(e.Event), last[e.Event.ChatID])
			}
			last[e.Event.ChatID] = e.Event.Version
		}
	}
}

// checkShown looks at what a node answers; gone are the messages whose deletion had been published when the read began.
func (p *proc) checkShown(d *device, e shown, gone map[int64]bool) {
	r := p.db.chats[e.ChatID]
	if e.Type == chat.MessageRead {
		key := [2]int64{e.ChatID, e.UserID}
		if e.Seq <= d.toldRead[key] {
			p.fail("order", "user %d is told of read marker %d of %d after %d", d.user, e.Seq, e.UserID, d.toldRead[key])
		}
		d.toldRead[key] = e.Seq
		return
	}
	if !r.happened(e.Event, d.user) {
		p.fail("phantom", "user %d is told %s", d.user, told(e.Event))
		return
	}
	if e.Version <= d.told[e.ChatID] {
		p.fail("order", "user %d is told %s after v%d", d.user, told(e.Event), d.told[e.ChatID])
	}
	d.told[e.ChatID] = e.Version
	p.checkMay(d, r, e)
	if e.MessageID == 0 {
		return
	}
	if e.body.Version < e.Version || e.Type == chat.MessageDeleted && !e.body.Deleted {
		p.fail("stale", "user %d is told %s with the body of v%d", d.user, told(e.Event), e.body.Version)
	}
	if gone[e.MessageID] && !e.body.Deleted {
		p.fail("deleted", "user %d is shown the text of message %d by %s, in a read that began after its deletion was published", d.user, e.MessageID, told(e.Event))
	}
}

// happened: the event is one of the chat's history, as this user is told of it.
func (r *room) happened(e chat.Event, user int64) bool {
	if e.Version >= int64(len(r.history)) {
		return false
	}
	was := r.history[e.Version]
	if was.Type == chat.MemberAdded && was.UserID == user {
		was.Type = chat.ChatCreated
	}
	return was.Type == e.Type && was.MessageID == e.MessageID && was.UserID == e.UserID && (was.OnlyID == 0 || was.OnlyID == user)
}

func (p *proc) checkMay(d *device, r *room, e shown) {
	for _, s := range r.stays {
		if s.UserID != d.user || e.Version < s.Joined || s.Left != 0 && e.Version > s.Left {
			continue
		}
		if e.MessageID != 0 && e.Seq <= s.JoinedSeq {
			p.fail("leak", "user %d is told %s, a message from before they joined", d.user, told(e.Event))
		}
		if e.MessageID != 0 && s.Left != 0 && e.body.Version > s.Left {
			p.fail("leak", "user %d is shown the body of v%d and left at v%d", d.user, e.body.Version, s.Left)
		}
		return
	}
	p.fail("leak", "user %d is told %s and was no member", d.user, told(e.Event))
}

// checkHeld compares what a device holds in the end with the database.
func (w *world) checkHeld(d *device) {
	for _, r := range w.db.chats[1:] {
		h := &d.held[r.id]
		s, in := r.present(d.user)
		if h.known != in {
			w.fail("kept", "user %d has chat %d: %v, is a member: %v", d.user, r.id, h.known, in)
		}
		for _, m := range w.db.messages[1:] {
			if m.ChatID != r.id {
				continue
			}
			got, has := h.messages[m.ID]
			visible := in && m.Seq > s.JoinedSeq
			switch {
			case visible && !has:
				w.fail("lost", "user %d lacks message %d of chat %d (seq %d, v%d)", d.user, m.ID, r.id, m.Seq, m.Version)
			case visible && (got.Version != m.Version || got.Deleted != m.Deleted):
				w.fail("stale", "user %d holds message %d at v%d, the database has v%d", d.user, m.ID, got.Version, m.Version)
			case !visible && has:
				w.fail("kept", "user %d holds message %d of chat %d and may not see it", d.user, m.ID, r.id)
			}
		}
		if in {
			w.checkMarkers(d, r)
		}
	}
}

// checkMarkers: one's own marker on each device, and in a direct chat the other's.
func (w *world) checkMarkers(d *device, r *room) {
	for _, user := range sides(r) {
		s, in := r.present(user)
		if user != d.user && !r.direct || !in {
			continue
		}
		if got := max(d.held[r.id].readSeq[user], s.JoinedSeq); got != r.readSeq[user] {
			w.fail("marker", "user %d has the marker of %d in chat %d at %d, the database at %d", d.user, user, r.id, got, r.readSeq[user])
		}
	}
}

// checkBodies: no text of a deleted message stands in the Redis of the epoch.
func (w *world) checkBodies() {
	for _, m := range w.db.messages[1:] {
		b := w.master.keys.Bodies[m.ID]
		if m.Deleted && b.Exists && !b.Deleted && b.Epoch == w.db.epoch {
			w.fail("deleted", "Redis keeps the text of message %d, which is deleted", m.ID)
		}
	}
}

// checkOutbox: nothing is left to publish.
func (w *world) checkOutbox() {
	if len(w.db.outbox) > 0 {
		w.fail("stuck", "the outbox keeps %s", manyTold(slices.Clone(w.db.outbox)))
	}
}
