package model

import (
	"slices"

	"doran/chat"
)

// Keyspace is what one Redis holds. Its methods named after scripts do what those do, each in one moment.
type Keyspace struct {
	Rules   Rules
	Maxlen  int   // entries that are kept of an inbox, exactly; 0: all
	Now     int64 // the clock, ms; it may go backwards
	Inboxes []Inbox
	Bodies  []Body
}

// Inbox is the two keys of one user.
type Inbox struct {
	Stream  bool // the stream exists; it may be empty
	Entries []Entry
	top     int64 // id of the newest entry ever

	Hash         bool
	Epoch, Birth int64
	Last         []int64 // by chat: the last version
	Read         []int64 // by chat and reader: how far message.read has gone
}

// Entry is one entry of a stream. The event's type and version are those of the entry.
type Entry struct {
	ID     int64
	Opened bool // inbox.opened
	Event  chat.Event
}

// Body is one message's hash.
type Body struct {
	Exists         bool // it has a version
	Epoch, Version int64
	Deleted        bool
	Filler         string
}

// NewKeyspace is an empty Redis with room for ids up to these.
func NewKeyspace(users, chats, messages int) *Keyspace {
	k := &Keyspace{Rules: Sound, Inboxes: make([]Inbox, users+1), Bodies: make([]Body, messages+1)}
	for i := range k.Inboxes {
		k.Inboxes[i].Last = make([]int64, chats+1)
		k.Inboxes[i].Read = make([]int64, (chats+1)*(users+1))
	}
	return k
}

// Clone is a copy that shares nothing: a snapshot.
func (k *Keyspace) Clone() *Keyspace {
	c := *k
	c.Inboxes, c.Bodies = slices.Clone(k.Inboxes), slices.Clone(k.Bodies)
	for i := range c.Inboxes {
		b := &c.Inboxes[i]
		b.Entries, b.Last, b.Read = slices.Clone(b.Entries), slices.Clone(b.Last), slices.Clone(b.Read)
	}
	return &c
}

// DeleteStream and DeleteHash remove one key of an inbox.
func (b *Inbox) DeleteStream() { b.Stream, b.Entries, b.top = false, nil, 0 }

// DeleteHash is the other key.
func (b *Inbox) DeleteHash() {
	b.Hash, b.Epoch, b.Birth = false, 0, 0
	clear(b.Last)
	clear(b.Read)
}

// Trim keeps the newest n entries.
func (b *Inbox) Trim(n int) {
	if len(b.Entries) > n {
		b.Entries = slices.Clone(b.Entries[len(b.Entries)-n:])
	}
}

func (k *Keyspace) add(b *Inbox, e Entry) int64 {
	b.Stream = true
	e.ID = k.Now * 1000
	if e.ID <= b.top {
		e.ID = b.top + 1
	}
	b.top = e.ID
	b.Entries = append(b.Entries, e)
	if k.Maxlen > 0 {
		b.Trim(k.Maxlen)
	}
	return e.ID
}
