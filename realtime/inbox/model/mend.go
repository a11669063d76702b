package model

import (
	"maps"

	"doran/chat"
)

// put takes over a message that is newer than what is held.
func (h *holding) put(m chat.Message) {
	if m.Seq < h.firstSeq {
		return
	}
	if old, ok := h.messages[m.ID]; !ok || old.Version < m.Version {
		h.messages[m.ID] = m
	}
	h.known = true
	h.readSeq[m.SenderID] = max(h.readSeq[m.SenderID], m.Seq)
}

func (h *holding) drop(version int64) {
	*h = holding{version: version, messages: map[int64]chat.Message{}}
}

// changedAfter is GET messages/?changed_after=VERSION; false when the chat is not this user's any more.
func (p *proc) changedAfter(chatID int64) bool {
	p.step()
	d, r := p.device, p.db.chats[chatID]
	h := &d.held[chatID]
	s, ok := r.present(d.user)
	if !ok {
		h.drop(h.version)
		return false
	}
	var got []chat.Message
	for _, m := range p.db.messages[1:] {
		if m.ChatID == chatID && m.Version > h.version && m.Seq > s.JoinedSeq {
			got = append(got, m.Message)
		}
	}
	for _, m := range got {
		h.put(m)
		h.version = max(h.version, m.Version)
	}
	h.known = true
	return true
}

func (p *proc) isIn(r *room) bool {
	_, ok := r.present(p.device.user)
	return ok
}

// mend is what a client does after a gap: its list of chats, then what changed in each, then the cursor that it was given.
func (p *proc) mend(next cursor) {
	d := p.device
	listed := map[int64]bool{}
	for r := p.nextListed(listed, nil); r != nil; {
		listed[r.id] = true
		p.readChat(r)
		p.step()
		r = p.nextListed(listed, r)
	}
	for id := range d.held {
		if h := &d.held[id]; h.known && !listed[int64(id)] {
			p.world.note("user %d does not find chat %d in the list", d.user, id)
			h.drop(h.version)
		}
	}
	if !p.rules.hold(CursorBeforeMend) {
		next = p.tailOf(d.user, next)
	}
	p.step()
	d.cursor = &next
	d.startOver()
}

// tailOf is the cursor of now, for a client that takes it too late.
func (p *proc) tailOf(user int64, otherwise cursor) cursor {
	b := &p.master.keys.Inboxes[user]
	if n := len(b.Entries); b.Birth == otherwise.birth && n > 0 {
		otherwise.entry = b.Entries[n-1].ID
	}
	return otherwise
}

// nextListed is the next page, of one chat: by id, or, without the rule, the most recently used first.
func (p *proc) nextListed(listed map[int64]bool, after *room) (next *room) {
	for _, r := range p.db.chats[1:] {
		if _, ok := r.present(p.device.user); !ok || listed[r.id] {
			continue
		}
		if p.rules.hold(ListStable) {
			if after == nil || r.id > after.id {
				return r
			}
		} else if (after == nil || r.active < after.active) && (next == nil || r.active > next.active) {
			next = r
		}
	}
	return next
}

// readChat takes a chat of the list over, and asks what changed if something did.
func (p *proc) readChat(r *room) {
	d := p.device
	h := &d.held[r.id]
	s, _ := r.present(d.user)
	version, reads := r.version, r.readSeq
	if p.rules.hold(FirstSeq) && h.firstSeq != s.JoinedSeq+1 {
		keep := maps.Clone(h.messages)
		maps.DeleteFunc(keep, func(_ int64, m chat.Message) bool { return m.Seq <= s.JoinedSeq })
		*h = holding{messages: keep, firstSeq: s.JoinedSeq + 1, known: h.known, version: h.version}
	}
	for user := range reads {
		if int64(user) == d.user || r.direct {
			h.readSeq[user] = max(h.readSeq[user], reads[user])
		}
	}
	if !h.known {
		h.version = 0
	}
	if h.version != version || !h.known {
		p.world.note("user %d has chat %d at v%d of %d and asks what changed", d.user, r.id, h.version, version)
		if p.changedAfter(r.id) {
			h.version = max(h.version, version)
		}
	}
}
