package faults

import (
	"slices"
)

// check holds what everybody saw against what the database has.
func (w *town) check() {
	r, err := w.readAll()
	if err != nil {
		w.t.Fatal(err)
	}
	w.checkSeqs(r)
	w.checkSends(r)
	for _, d := range w.devices {
		w.checkHeld(d, r)
		w.checkClosed(d, r)
	}
	for _, d := range w.browsers {
		w.checkClosed(d, r)
	}
	w.checkInboxes(r)
	w.checkBodies(r)
}

// checkSeqs: 1, 2, 3 … in each chat, ids ascending, and no text twice (every text is said once).
func (w *town) checkSeqs(r *records) {
	for chatID, list := range r.byChat {
		texts := map[uint64]int64{}
		for i, m := range list {
			if m.seq != int64(i+1) || i > 0 && m.id <= list[i-1].id {
				w.history.violation("order", nil, "chat %d has message %d with seq %d in place %d", chatID, m.id, m.seq, i+1)
				break
			}
			if other, has := texts[m.text]; has && !m.deleted {
				w.history.violation("once", nil, "chat %d has the text of message %d twice: message %d", chatID, other, m.id)
			}
			texts[m.text] = m.id
		}
	}
}

// checkSends: what was answered is there, what was refused is not.
func (w *town) checkSends(r *records) {
	for _, s := range w.tally.sends {
		m, there := r.byKey[key(s.by.id, s.clientID)]
		if !there && s.id != 0 {
			m, there = r.messages[s.id]
		}
		switch {
		case s.id != 0 && !there:
			w.history.violation("lost", nil, "%s of %s was answered with message %d, which the database does not have", s.clientID, s.by.name, s.id)
		case s.id != 0 && (m.id != s.id || m.seq != s.seq || m.chatID != s.room.id):
			w.history.violation("once", nil, "%s of %s was answered with message %d seq %d, the database has message %d seq %d", s.clientID, s.by.name, s.id, s.seq, m.id, m.seq)
		case s.id == 0 && there && !s.unknown:
			w.history.violation("phantom", nil, "%s of %s was refused with %d and is message %d", s.clientID, s.by.name, s.status, m.id)
		}
	}
}

// checkHeld: each device has what its user may see, as it is now.
func (w *town) checkHeld(d *device, r *records) {
	for chatID := range r.versions {
		stays := r.stays[[2]int64{chatID, d.person.id}]
		in := len(stays) > 0 && stays[len(stays)-1].left == 0
		h := d.of(chatID)
		if h.known != in {
			d.wrong("kept", "has chat %d: %v; is a member: %v", chatID, h.known, in)
			continue
		}
		if !in {
			continue
		}
		now := stays[len(stays)-1]
		visible := 0
		for _, m := range r.byChat[chatID] {
			if m.seq <= now.joinedSeq {
				continue
			}
			visible++
			got, has := h.messages[m.id]
			switch {
			case !has:
				d.wrong("lost", "lacks message %d of chat %d (seq %d, v%d)", m.id, chatID, m.seq, m.version)
			case got.version != m.version || got.text != m.text || got.deleted != m.deleted:
				d.wrong("stale", "holds message %d of chat %d at v%d, the database has v%d", m.id, chatID, got.version, m.version)
			}
		}
		if visible != len(h.messages) {
			d.wrong("kept", "holds %d messages of chat %d and may see %d", len(h.messages), chatID, visible)
		}
		if h.read != now.read && now.read != 0 {
			d.wrong("marker", "has its marker in chat %d at message %d, the database at %d", chatID, h.read, now.read)
		}
	}
}

// checkClosed: nothing that a device was told lies outside of its user's stays, and nothing is made up.
func (w *town) checkClosed(d *device, r *records) {
	for chatID, t := range d.told {
		stays := r.stays[[2]int64{chatID, d.person.id}]
		for _, e := range t.all {
			i := slices.IndexFunc(stays, func(s stay) bool { return s.joined <= e.version && (s.left == 0 || e.version <= s.left) })
			switch {
			case e.version > r.versions[chatID]:
				d.wrong("phantom", "was told v%d of chat %d, the database has v%d", e.version, chatID, r.versions[chatID])
			case i < 0:
				d.wrong("leak", "was told v%d of chat %d and was no member then", e.version, chatID)
			case e.body != 0 && (e.seq <= stays[i].joinedSeq || stays[i].left != 0 && e.body > stays[i].left):
				d.wrong("leak", "was shown v%d of seq %d of chat %d by v%d, and was there from seq %d, v%d to v%d", e.body, e.seq, chatID, e.version, stays[i].joinedSeq, stays[i].joined, stays[i].left)
			}
		}
	}
}
