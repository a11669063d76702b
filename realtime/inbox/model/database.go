package model

import (
	"slices"

	"doran/chat"
)

// database is the truth. Each method is one statement or one transaction, and happens in one moment.
type database struct {
	rules    Rules
	chats    []*room          // from 1
	messages []*storedMessage // from 1
	outbox   []chat.Event
	events   int64 // outbox rows ever
	activity int64

	epoch    int64 // 0 before the first
	identity int   // of the Redis of the epoch
}

// room is a chat's row, with its members' rows.
type room struct {
	id           int64
	direct       bool
	version, seq int64
	active       int64 // of the newest message: the order of chat lists
	stays        []chat.Stay
	readSeq      []int64 // by user
	busy         bool    // its row is locked
	history      []chat.Event
}

type storedMessage struct {
	chat.Message
	created  int64 // version
	tombSent bool  // the event of its deletion has left the outbox
}

// commit gives an event its version and writes it to the outbox.
func (d *database) commit(r *room, e chat.Event) chat.Event {
	if e.Type != chat.MessageRead {
		r.version++
		r.history = append(r.history, chat.Event{})
	}
	d.events++
	e.ID, e.ChatID, e.Version = d.events, r.id, r.version
	if e.Type != chat.MessageRead {
		r.history[r.version] = e
	}
	d.outbox = append(d.outbox, e)
	return e
}

// present is the user's stay that lasts.
func (r *room) present(user int64) (chat.Stay, bool) {
	s, ok := r.lastStay(user)
	return s, ok && s.Left == 0
}

func (r *room) lastStay(user int64) (found chat.Stay, ok bool) {
	for _, s := range r.stays {
		if s.UserID == user {
			found, ok = s, true
		}
	}
	return found, ok
}

func (r *room) of(user int64) (out []chat.Stay) {
	for _, s := range r.stays {
		if s.UserID == user {
			out = append(out, s)
		}
	}
	return out
}

func (d *database) enter(r *room, user, joined int64) {
	s := chat.Stay{ChatID: r.id, UserID: user, Joined: joined, JoinedSeq: r.seq, Direct: r.direct}
	r.stays = append(r.stays, s)
	r.readSeq[user] = r.seq
}

func (r *room) leave(user, left int64) {
	for i := range r.stays {
		if s := &r.stays[i]; s.UserID == user && s.Left == 0 {
			s.Left = left
		}
	}
}

func (d *database) send(r *room, by int64) []chat.Event {
	var out []chat.Event
	if r.direct { // who deleted it has it back
		for _, user := range sides(r) {
			if _, ok := r.present(user); !ok {
				e := d.commit(r, chat.Event{Type: chat.ChatCreated, OnlyID: user})
				d.enter(r, user, e.Version)
				out = append(out, e)
			}
		}
	}
	r.seq++
	d.activity++
	r.active = d.activity
	r.readSeq[by] = r.seq
	id := int64(len(d.messages))
	e := d.commit(r, chat.Event{Type: chat.MessageCreated, MessageID: id, Seq: r.seq})
	d.messages = append(d.messages, &storedMessage{created: e.Version,
		Message: chat.Message{ID: id, ChatID: r.id, Seq: r.seq, Version: e.Version, SenderID: by}})
	return append(out, e)
}

func sides(r *room) (out []int64) {
	for _, s := range r.stays {
		if !slices.Contains(out, s.UserID) {
			out = append(out, s.UserID)
		}
	}
	return out
}

func (d *database) change(m *storedMessage, what chat.EventType) chat.Event {
	e := d.commit(d.chats[m.ChatID], chat.Event{Type: what, MessageID: m.ID, Seq: m.Seq})
	m.Version, m.Deleted = e.Version, what == chat.MessageDeleted
	return e
}

func (d *database) addMember(r *room, user int64) chat.Event {
	e := d.commit(r, chat.Event{Type: chat.MemberAdded, UserID: user})
	d.enter(r, user, e.Version)
	return e
}

func (d *database) removeMember(r *room, user int64) chat.Event {
	e := d.commit(r, chat.Event{Type: chat.MemberRemoved, UserID: user})
	r.leave(user, e.Version)
	return e
}

// deleteSide deletes a direct chat for one of the two.
func (d *database) deleteSide(r *room, user int64) chat.Event {
	e := d.commit(r, chat.Event{Type: chat.ChatDeleted, OnlyID: user})
	r.leave(user, e.Version)
	return e
}

func (d *database) markRead(r *room, user int64) (chat.Event, bool) {
	if r.readSeq[user] >= r.seq {
		return chat.Event{}, false
	}
	r.readSeq[user] = r.seq
	return d.commit(r, chat.Event{Type: chat.MessageRead, UserID: user, Seq: r.seq}), true
}

// outboxOf is Service.Outbox.
func (d *database) outboxOf(chatID int64, limit int) (out []chat.Event) {
	for _, e := range d.outbox {
		if e.ChatID == chatID {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b chat.Event) int { return int(a.Version - b.Version) })
	return out[:min(limit, len(out))]
}

func (d *database) outstanding(chatID, version int64) bool {
	return slices.ContainsFunc(d.outbox, func(e chat.Event) bool {
		return e.ChatID == chatID && e.Version == version && e.Type != chat.MessageRead
	})
}

// delivered is Service.Delivered.
func (d *database) delivered(epoch int64, events []chat.Event) {
	if d.rules.hold(Fence) && epoch != d.epoch {
		return
	}
	for _, e := range events {
		before := len(d.outbox)
		d.outbox = slices.DeleteFunc(d.outbox, func(o chat.Event) bool { return o.ID == e.ID })
		if e.Type == chat.MessageDeleted && len(d.outbox) < before {
			d.messages[e.MessageID].tombSent = true
		}
	}
}

// beginEpoch is Service.BeginEpoch.
func (d *database) beginEpoch(after int64, identity int) bool {
	if d.epoch != after {
		return false
	}
	d.epoch, d.identity = after+1, identity
	return true
}

// versions are those with which a user's inbox is born: what is still in the outbox comes after the birth.
func (d *database) versions(user int64) []int64 {
	out := make([]int64, len(d.chats))
	if !d.rules.hold(BirthFromDatabase) {
		return out
	}
	for _, r := range d.chats[1:] {
		if s, ok := r.lastStay(user); ok && (s.Left == 0 || d.rules.hold(BirthOfLeft)) {
			out[r.id] = r.version
		}
	}
	for _, e := range d.outbox {
		if e.Type != chat.MessageRead {
			out[e.ChatID] = min(out[e.ChatID], e.Version-1)
		}
	}
	return out
}

// concerned are the users whom an event concerns.
func (r *room) concerned(e chat.Event, rules Rules) (out []int64) {
	for _, s := range r.stays {
		is := s.Joined <= e.Version && (s.Left == 0 || e.Version <= s.Left)
		if !rules.hold(AsOfVersion) {
			is = s.Left == 0
		}
		if is && !slices.Contains(out, s.UserID) {
			out = append(out, s.UserID)
		}
	}
	return out
}

// takeBack is a transaction that is rolled back; the ids that it took are never given again.
func (d *database) takeBack(events []chat.Event) {
	for _, e := range events {
		d.outbox = slices.DeleteFunc(d.outbox, func(o chat.Event) bool { return o.ID == e.ID })
		d.messages[e.MessageID].ChatID = 0
	}
}
