package model

import "doran/chat"

// cursor is a place in one user's inbox.
type cursor struct{ epoch, birth, entry int64 }

// batch is what a poll answers.
type batch struct {
	gap    bool
	events []shown
	cursor cursor
	more   bool
}

// shown is an event with the body that it was shown with.
type shown struct {
	chat.Event
	body chat.Message
}

const readTries = 4

// read is Inbox.Read.
func (p *proc) read(user int64, mode From, from cursor) (batch, error) {
	q := &query{user: user, mode: mode, cursor: from}
	for range readTries {
		epoch, err := p.epochFor(q)
		if err != nil {
			return batch{}, err
		}
		done, err := p.once(epoch, q)
		switch {
		case err == errStale:
			p.refresh()
		case err != nil:
			return batch{}, err
		case done:
			return p.render(q)
		}
	}
	return batch{}, errDown
}

// query is one read on its way.
type query struct {
	user    int64
	mode    From
	cursor  cursor
	gap     bool
	entries []Entry
}

func (p *proc) epochFor(q *query) (int64, error) {
	epoch, err := p.currentEpoch()
	if err == nil && q.mode == FromCursor && q.cursor.epoch > epoch {
		p.refresh()
		epoch = p.node.epoch
	}
	return epoch, err
}

func (p *proc) once(epoch int64, q *query) (done bool, err error) {
	if q.mode == FromCursor && q.cursor.epoch != epoch {
		q.gap, q.mode = true, FromNow
	}
	var word string
	var birth int64
	var entries []Entry
	if err := p.call(epoch, func(k *Keyspace) {
		word, birth, entries = k.Read(epoch, q.user, q.mode, q.cursor.birth, q.cursor.entry, batchEntries)
	}); err != nil {
		return false, err
	}
	switch word {
	case "ok":
		q.entries = entries
		q.cursor.epoch, q.cursor.birth = epoch, birth
		if n := len(entries); n > 0 {
			q.cursor.entry = entries[n-1].ID
		}
		return true, nil
	case "gap":
		q.gap, q.mode = true, FromNow
		return false, nil
	case "unborn":
		q.gap = q.gap || q.mode == FromCursor
		q.mode = FromNow
		return false, p.bear(epoch, q.user)
	}
	return false, errStale
}

// render is Inbox.render: bodies first, then who may.
func (p *proc) render(q *query) (batch, error) {
	b := batch{gap: q.gap, cursor: q.cursor}
	if q.mode == FromNow {
		return b, nil
	}
	b.more = len(q.entries) == batchEntries
	stays := map[int64]chat.Stay{}
	if !p.rules.hold(MayAfterBodies) {
		p.lastStays(q, stays)
	}
	found, err := p.loadBodies(q)
	if err != nil {
		return batch{}, err
	}
	if p.rules.hold(MayAfterBodies) {
		p.lastStays(q, stays)
	}
	for _, e := range q.entries {
		switch {
		case e.Opened:
		case !p.mayShow(e.Event, q.user, stays[e.Event.ChatID]):
			p.note("passes over for %d: %s", q.user, told(e.Event))
		default:
			b.events = append(b.events, shown{e.Event, found[e.Event.MessageID]})
		}
	}
	return b, nil
}

func (p *proc) lastStays(q *query, into map[int64]chat.Stay) {
	p.step()
	for _, r := range p.db.chats[1:] {
		if s, ok := r.lastStay(q.user); ok {
			into[r.id] = s
		}
	}
}

func (p *proc) loadBodies(q *query) (map[int64]chat.Message, error) {
	want := map[int64]int64{}
	var ids, missing []int64
	for _, e := range q.entries {
		if id := e.Event.MessageID; id != 0 {
			if want[id] == 0 {
				ids = append(ids, id)
			}
			want[id] = max(want[id], e.Event.Version)
		}
	}
	found := map[int64]chat.Message{}
	for _, id := range ids {
		if err := p.call(q.cursor.epoch, func(k *Keyspace) {
			b, ok := k.Body(q.cursor.epoch, id, want[id])
			if !ok {
				missing = append(missing, id)
				return
			}
			m := p.db.messages[id].Message // what never changes
			m.Version, m.Deleted = b.Version, b.Deleted
			found[id] = m
		}); err != nil {
			return nil, err
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	filled, err := p.fill(q.cursor.epoch, missing)
	for id, m := range filled {
		found[id] = m
	}
	return found, err
}

// mayShow is the rule of render.go.
func (p *proc) mayShow(e chat.Event, user int64, s chat.Stay) bool {
	switch {
	case s.Joined == 0 || e.Version < s.Joined:
		return false
	case s.Left != 0:
		return p.rules.hold(MayOwnEnd) && e.Version == s.Left && (e.Type == chat.ChatDeleted || e.Type == chat.MemberRemoved && e.UserID == user)
	default:
		return e.MessageID == 0 || e.Seq > s.JoinedSeq || !p.rules.hold(MayFromJoin)
	}
}
