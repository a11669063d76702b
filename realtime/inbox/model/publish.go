package model

import (
	"fmt"
	"slices"

	"doran/chat"
)

const appendTries = 5

// publish is publisher.round for one chat.
func (p *proc) publish(r *room) {
	p.step()
	events := p.db.outboxOf(r.id, roundEvents)
	if len(events) == 0 {
		return
	}
	epoch, err := p.currentEpoch()
	if err == nil {
		err = p.carry(epoch, r, events)
	}
	if err == errStale {
		p.refresh()
	}
}

// carry brings the events to the inboxes and takes them out of the outbox.
func (p *proc) carry(epoch int64, r *room, events []chat.Event) error {
	if !p.rules.hold(OutboxLast) {
		p.step()
		p.db.delivered(epoch, events)
	}
	if p.rules.hold(BodiesFirst) {
		if err := p.fillFor(epoch, events); err != nil {
			return err
		}
	} else {
		defer func() { _ = p.fillFor(epoch, events) }()
	}
	p.step()
	to := map[int64][]chat.Stay{}
	for _, e := range events {
		for _, user := range r.concerned(e, p.rules) {
			to[user] = r.of(user)
		}
	}
	all := true
	for user := range int64(users + 1) {
		if stays, ok := to[user]; ok {
			settled, err := p.bring(epoch, r, events, user, stays)
			if err != nil {
				return err
			}
			all = all && settled
		}
	}
	if !all {
		p.note("leaves in the outbox: %s", manyTold(events))
		return nil
	}
	p.step()
	p.db.delivered(epoch, events)
	p.note("has delivered in epoch %d: %s", epoch, manyTold(events))
	return nil
}

func (p *proc) fillFor(epoch int64, events []chat.Event) error {
	var ids []int64
	for _, e := range events {
		if e.MessageID != 0 && !slices.Contains(ids, e.MessageID) {
			ids = append(ids, e.MessageID)
		}
	}
	_, err := p.fill(epoch, ids)
	return err
}

// bring appends the events to one inbox; false when it lacks what is about to come.
func (p *proc) bring(epoch int64, r *room, events []chat.Event, user int64, stays []chat.Stay) (bool, error) {
	for range appendTries {
		var answer Answer
		var value int64
		if err := p.call(epoch, func(k *Keyspace) { answer, value = k.Append(epoch, events, user, stays, r.direct) }); err != nil {
			return false, err
		}
		switch answer {
		case Appended:
			if value > 0 {
				p.note("appends %d to the inbox of %d: %s", value, user, manyTold(events))
			}
			return true, nil
		case Stale:
			return false, errStale
		case Unborn:
			if err := p.bear(epoch, user); err != nil {
				return false, err
			}
		case Behind:
			forsaken, err := p.forsake(epoch, r, user, stays, value)
			if err != nil || !forsaken {
				return false, err
			}
		}
	}
	return false, nil
}

func (p *proc) forsake(epoch int64, r *room, user int64, stays []chat.Stay, last int64) (bool, error) {
	version := NextVersion(last, stays)
	if version == 0 {
		return true, nil
	}
	p.step()
	if p.db.outstanding(r.id, version) || !p.rules.hold(Forsake) {
		return false, nil
	}
	return true, p.call(epoch, func(k *Keyspace) {
		if k.Forsake(epoch, user, r.id, last) {
			p.note("removes the inbox of %d, which lacks v%d of chat %d", user, version, r.id)
		}
	})
}

// bear is Inbox.bear for one user.
func (p *proc) bear(epoch, user int64) error {
	p.step()
	versions := p.db.versions(user)
	p.births++
	birth, word := p.births, ""
	if err := p.call(epoch, func(k *Keyspace) { word = k.Bear(epoch, birth, user, versions) }); err != nil {
		return err
	}
	p.note("bears the inbox of %d in epoch %d with %v: %s", user, epoch, versions[1:], word)
	if word == "stale" {
		return errStale
	}
	return nil
}

// fill is Inbox.fillBodies: the messages as they are in the database.
func (p *proc) fill(epoch int64, ids []int64) (map[int64]chat.Message, error) {
	p.words++
	word := fmt.Sprint(p.words)
	for _, id := range ids {
		if err := p.current(epoch, func(k *Keyspace) string { return k.Reserve(epoch, id, word) }); err != nil {
			return nil, err
		}
	}
	p.step()
	found := map[int64]chat.Message{}
	for _, id := range ids {
		found[id] = p.db.messages[id].Message
	}
	for _, id := range ids {
		m := found[id]
		if err := p.current(epoch, func(k *Keyspace) string {
			answer := k.Fill(epoch, id, word, m.Version, m.Deleted)
			p.note("fills message %d v%d deleted %v: %s", id, m.Version, m.Deleted, answer)
			return answer
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (p *proc) current(epoch int64, script func(*Keyspace) string) error {
	word := ""
	err := p.call(epoch, func(k *Keyspace) { word = script(k) })
	if err == nil && word == "stale" {
		err = errStale
	}
	return err
}
