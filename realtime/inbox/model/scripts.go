package model

import (
	"slices"

	"doran/chat"
)

// Answer is what append.lua says of one inbox.
type Answer int

// The answers, by their number in the script.
const (
	Appended Answer = iota // value: how many entries are new
	Unborn
	Stale
	Behind // value: the last version that the inbox has
)

func (k *Keyspace) stateIn(epoch int64, b *Inbox) Answer {
	switch {
	case k.Rules.hold(EpochOfInbox) && b.Epoch > epoch:
		return Stale
	case !b.Hash, !b.Stream, k.Rules.hold(EpochOfInbox) && b.Epoch < epoch, k.Rules.hold(EmptyIsUnborn) && len(b.Entries) == 0:
		return Unborn
	}
	return Appended
}

// NextVersion is the first version after last at which the user was a member, given their stays in order; 0 when there is none.
func NextVersion(last int64, stays []chat.Stay) int64 {
	for _, s := range stays {
		if s.Left == 0 || last < s.Left {
			return max(last+1, s.Joined)
		}
	}
	return 0
}

// Append is append.lua for one inbox.
func (k *Keyspace) Append(epoch int64, events []chat.Event, user int64, stays []chat.Stay, direct bool) (Answer, int64) {
	b := &k.Inboxes[user]
	if state := k.stateIn(epoch, b); state != Appended {
		return state, 0
	}
	last, added := b.Last[events[0].ChatID], int64(0)
	for _, e := range events {
		if e.Type == chat.MessageRead {
			added += k.appendRead(b, e, user, last, direct)
			continue
		}
		expected := k.expected(last, stays)
		if expected != 0 && e.Version > expected && k.Rules.hold(NextOnly) {
			return Behind, last
		}
		if e.Version == expected || e.Version > expected && !k.Rules.hold(NextOnly) || e.Version < expected && !k.Rules.hold(Once) {
			last = e.Version
			b.Last[e.ChatID] = last
			if e.OnlyID == 0 || e.OnlyID == user {
				if e.Type == chat.MemberAdded && e.UserID == user {
					e.Type = chat.ChatCreated
				}
				k.add(b, Entry{Event: e})
				added++
			}
		}
	}
	return Appended, added
}

func (k *Keyspace) expected(last int64, stays []chat.Stay) int64 {
	if !k.Rules.hold(NextStay) {
		return last + 1
	}
	return NextVersion(last, stays)
}

func (k *Keyspace) appendRead(b *Inbox, e chat.Event, user, last int64, direct bool) int64 {
	field := int(e.ChatID)*len(k.Inboxes) + int(e.UserID)
	if !direct && e.UserID != user || e.Seq <= b.Read[field] && k.Rules.hold(ReadForward) {
		return 0
	}
	b.Read[field] = e.Seq
	e.Version = last
	k.add(b, Entry{Event: e})
	return 1
}

// Bear is bear.lua: versions are by chat, 0 where the user has none. It gives "born", "stale" or "alive".
func (k *Keyspace) Bear(epoch, birth int64, user int64, versions []int64) string {
	b := &k.Inboxes[user]
	switch k.stateIn(epoch, b) {
	case Stale:
		return "stale"
	case Appended:
		return "alive"
	}
	if k.Rules.hold(BirthClears) {
		b.DeleteStream()
		b.DeleteHash()
	}
	b.Hash, b.Epoch, b.Birth = true, epoch, birth
	copy(b.Last, versions)
	k.add(b, Entry{Opened: true})
	return "born"
}

// Forsake is forsake.lua: it removes the inbox if it still stands where it was found.
func (k *Keyspace) Forsake(epoch, user, chatID, last int64) bool {
	b := &k.Inboxes[user]
	if !b.Hash || b.Epoch != epoch || b.Last[chatID] != last {
		return false
	}
	b.DeleteStream()
	b.DeleteHash()
	return true
}

// From is where a read begins.
type From int

// The places to begin at.
const (
	FromCursor From = iota
	FromOldest
	FromNow
)

// Read is read.lua. It gives "ok", "gap", "unborn" or "stale"; of now, one entry: the last.
func (k *Keyspace) Read(epoch, user int64, from From, birth, entry int64, count int) (word string, of int64, entries []Entry) {
	b := &k.Inboxes[user]
	switch k.stateIn(epoch, b) {
	case Stale:
		return "stale", 0, nil
	case Unborn:
		return "unborn", 0, nil
	}
	switch from {
	case FromNow:
		return "ok", b.Birth, slices.Clone(b.Entries[max(0, len(b.Entries)-1):])
	case FromOldest:
		return "ok", b.Birth, slices.Clone(b.Entries[:min(count, len(b.Entries))])
	}
	if b.Birth != birth && k.Rules.hold(BirthOfCursor) {
		return "gap", 0, nil
	}
	i, found := slices.BinarySearchFunc(b.Entries, entry, func(e Entry, id int64) int { return int(e.ID - id) })
	if found {
		i++
	} else if k.Rules.hold(Inclusive) {
		return "gap", 0, nil
	}
	return "ok", b.Birth, slices.Clone(b.Entries[i:min(i+count, len(b.Entries))])
}

// Body is body.lua: the body, if it is of this epoch and at least of this version.
func (k *Keyspace) Body(epoch, message, version int64) (Body, bool) {
	b := k.Bodies[message]
	ok := b.Exists && b.Epoch == epoch && (b.Version >= version || !k.Rules.hold(BodyVersion))
	return b, ok
}

// Reserve is reserve.lua. It gives "ok" or "stale".
func (k *Keyspace) Reserve(epoch, message int64, word string) string {
	b := &k.Bodies[message]
	if b.Epoch > epoch {
		return "stale"
	}
	if b.Epoch < epoch {
		*b = Body{}
	}
	b.Filler = word
	return "ok"
}

// Fill is fill.lua. It gives "ok", "stale" or "kept".
func (k *Keyspace) Fill(epoch, message int64, word string, version int64, deleted bool) string {
	b := &k.Bodies[message]
	if b.Epoch > epoch {
		return "stale"
	}
	if b.Filler != word && k.Rules.hold(BodyWord) && !(deleted && k.Rules.hold(TombstoneSet)) {
		return "kept"
	}
	if b.Exists && b.Epoch == epoch && b.Version >= version && k.Rules.hold(BodyNewer) {
		if b.Filler == word {
			b.Filler = ""
		}
		return "kept"
	}
	*b = Body{Exists: true, Epoch: epoch, Version: version, Deleted: deleted}
	return "ok"
}

// UnlinkBodies removes those of older epochs.
func (k *Keyspace) UnlinkBodies(epoch int64) {
	for i := range k.Bodies {
		if k.Bodies[i].Epoch < epoch {
			k.Bodies[i] = Body{}
		}
	}
}
