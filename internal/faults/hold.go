package faults

import (
	"context"
	"fmt"
)

// holding is what it has of one chat.
type holding struct {
	known    bool
	version  int64
	firstSeq int64
	messages map[int64]held
	read     int64 // its user's own marker
}

type held struct {
	version, seq int64
	text         uint64
	deleted      bool
}

func (d *device) of(chatID int64) *holding {
	h := d.held[chatID]
	if h == nil {
		h = &holding{messages: map[int64]held{}}
		d.held[chatID] = h
	}
	return h
}

// jump mends a version that is not the next. What the inbox should have told, and did not, is a loss, even though mending finds it.
func (d *device) jump(ctx context.Context, e event) (ok, there bool) {
	h := d.of(e.ChatID)
	before := h.version
	got, ok, there := d.changedAfter(ctx, e.ChatID)
	for _, m := range got {
		if m.Version > before && m.Version < e.Version {
			d.wrong("lost", "was at v%d of chat %d, then told of v%d; message %d of v%d was never told", before, e.ChatID, e.Version, m.ID, m.Version)
		}
	}
	return ok, there
}

// changedAfter asks what changed since the version that is held; there is false when the chat is not this user's any more.
func (d *device) changedAfter(ctx context.Context, chatID int64) (got []message, ok, there bool) {
	h := d.of(chatID)
	for {
		began := d.weather.wellFor()
		a := d.persist(ctx, d.token, "GET", fmt.Sprintf("/chats/%d/messages/?changed_after=%d&limit=100", chatID, h.version), nil)
		switch {
		case a.status == 404:
			d.saw("chat %d is gone", chatID)
			d.drop(chatID)
			return got, true, false
		case a.status != 200:
			return got, false, false
		}
		page := decode[messagePage](a)
		d.saw("chat %d has %d changes after v%d", chatID, len(page.Messages), h.version)
		for _, m := range page.Messages {
			if m.Version <= h.version {
				d.wrong("order", "changed_after=%d of chat %d gives v%d", h.version, chatID, m.Version)
			}
			d.checkText(m, "HTTP", began)
			h.put(d.person.id, m)
			h.version = m.Version
		}
		got = append(got, page.Messages...)
		h.known = true
		if !page.HasMore {
			return got, true, true
		}
	}
}

// put takes a message over if it is newer than what is held.
func (h *holding) put(me int64, m message) {
	h.known = true
	if m.SenderID == me {
		h.read = max(h.read, m.ID)
	}
	if m.Seq < h.firstSeq {
		return
	}
	if old, has := h.messages[m.ID]; !has || old.version < m.Version {
		h.messages[m.ID] = held{m.Version, m.Seq, sum(m.Content), m.Deleted}
	}
}

func (d *device) drop(chatID int64) {
	version := d.of(chatID).version
	d.held[chatID] = &holding{version: version, messages: map[int64]held{}}
}

// readChat reads one chat that begins, or begins again, for this user.
func (d *device) readChat(ctx context.Context, chatID, version int64) bool {
	a := d.persist(ctx, d.token, "GET", fmt.Sprintf("/chats/%d/", chatID), nil)
	switch a.status {
	case 200:
		ok := d.takeChat(ctx, decode[chatInfo](a))
		h := d.of(chatID)
		h.version = max(h.version, version)
		return ok
	case 404:
		d.drop(chatID)
		h := d.of(chatID)
		h.version = max(h.version, version)
		return true
	}
	return false
}

// takeChat takes over what a chat says of itself, and what changed in it.
func (d *device) takeChat(ctx context.Context, c chatInfo) bool {
	h := d.of(c.ID)
	if h.firstSeq != c.FirstSeq {
		h.firstSeq = c.FirstSeq
		for id, m := range h.messages {
			if m.seq < c.FirstSeq {
				delete(h.messages, id)
			}
		}
	}
	if c.LastReadMessageID != nil {
		h.read = max(h.read, *c.LastReadMessageID)
	}
	if !h.known {
		h.version = 0
	}
	if h.known && h.version == c.Version {
		return true
	}
	_, ok, there := d.changedAfter(ctx, c.ID)
	if there {
		h.known = true
		h.version = max(h.version, c.Version)
	}
	return ok
}

// mend is what a client does after a gap: all its chats by id, what changed in each, and then the new cursor.
func (d *device) mend(ctx context.Context, next string) bool {
	listed := map[int64]bool{}
	for after := int64(0); ; {
		a := d.persist(ctx, d.token, "GET", fmt.Sprintf("/accounts/%d/chats/?after=%d&limit=100", d.person.id, after), nil)
		if a.status != 200 {
			return false
		}
		page := decode[chatPage](a)
		for _, c := range page.Chats {
			listed[c.ID] = true
			after = c.ID
			if !d.takeChat(ctx, c) {
				return false
			}
		}
		if len(page.Chats) < 100 {
			break
		}
	}
	for id, h := range d.held {
		if h.known && !listed[id] {
			d.saw("chat %d is not in the list", id)
			d.drop(id)
		}
	}
	for _, t := range d.told {
		t.last = 0
	}
	d.cursor = next
	return true
}
