package model

import (
	"math/rand/v2"

	"doran/chat"
)

// Outcome is what became of a history.
type Outcome struct {
	Failure string   // "" when every promise was kept; the first word names the promise
	Trace   []string // what happened, if it was asked for
}

// History is what a history follows from.
type History struct {
	Seed   uint64
	Rules  Rules
	Faults []Fault // which may happen; nil: a few of all
	Trace  bool
}

// Run plays one history. The same History has the same Outcome.
func Run(h History) Outcome {
	w := newWorld(h.Seed, h.Rules)
	w.tracing = h.Trace
	if w.risks = h.Faults; w.risks == nil {
		w.chooseRisks()
	}
	w.turbulence(120 + w.random.IntN(500))
	w.quiet = true
	w.note("-- from here on nothing goes wrong --")
	w.heal()
	w.finish()
	w.settle()
	w.epilogue()
	w.settle()
	w.killAll()
	return Outcome{w.failure, w.trace}
}

func newWorld(seed uint64, rules Rules) *world {
	w := &world{rules: rules, random: rand.New(rand.NewPCG(seed, 0)), servers: 1}
	w.db = &database{rules: rules, chats: []*room{nil}, messages: []*storedMessage{{}}}
	w.master = &server{identity: 1, keys: newKeyspace(rules)}
	w.saved = w.master.keys.Clone()
	for i := range w.nodes {
		w.nodes[i] = newNode([]string{"node A", "node B"}[i])
	}
	for id := range int64(chats) {
		r := &room{id: id + 1, direct: id+1 == chats, history: []chat.Event{{}}, readSeq: make([]int64, users+1)}
		w.db.chats = append(w.db.chats, r)
		w.db.commit(r, chat.Event{Type: chat.ChatCreated})
		w.db.enter(r, 1, 1)
		w.db.enter(r, 2, 1)
	}
	for user := range int64(users) {
		w.devices = append(w.devices, newDevice(user+1))
	}
	return w
}

// chooseRisks picks a few kinds of fault: some of them meet only when there are not too many others.
func (w *world) chooseRisks() {
	for range 1 + w.random.IntN(5) {
		w.risks = append(w.risks, Fault(w.random.IntN(int(faults))))
	}
}

func (w *world) turbulence(steps int) {
	left := 1 + w.random.IntN(6) // faults
	for range steps {
		if w.failure != "" {
			return
		}
		switch x := w.random.IntN(200); {
		case x < 10:
			w.act(w.nodes[w.random.IntN(2)])
		case x < 20:
			if d := w.devices[w.random.IntN(len(w.devices))]; !d.busy {
				w.spawn("poll", w.nodes[w.random.IntN(2)], d, (*proc).poll)
			}
		case x < 22:
			user := w.devices[w.random.IntN(users)].user
			w.spawn("replay", w.nodes[w.random.IntN(2)], nil, func(p *proc) { p.replay(user) })
		case x < 25:
			w.sweep(w.nodes[w.random.IntN(2)])
		case x < 27:
			w.spawn("watch", w.nodes[w.random.IntN(2)], nil, (*proc).refresh)
		case x < 30:
			w.saved = w.master.keys.Clone()
			w.note("a snapshot of Redis is taken")
		case x < 34:
			if left > 0 {
				left--
				f := w.risks[w.random.IntN(len(w.risks))]
				w.note("FAULT: %s", f)
				happen[f](w)
			}
		case x < 42:
			w.master.keys.Now++
		default:
			w.goOn()
		}
	}
}

// act is one request of a client to a node, which then publishes.
func (w *world) act(n *node) {
	r := w.db.chats[1+w.random.IntN(chats)]
	if r.busy {
		return
	}
	if !w.rules.hold(CommitFirst) && w.oneIn(3) {
		w.publishFirst(n, r)
		return
	}
	events := w.commitSomething(r)
	if len(events) == 0 {
		return
	}
	w.note("%s commits %s", n.name, manyTold(events))
	w.spawn("publisher", n, nil, func(p *proc) { p.publish(w.db.chats[events[0].ChatID]) })
}

func (w *world) commitSomething(r *room) []chat.Event {
	user := int64(1 + w.random.IntN(users))
	_, in := r.present(user)
	switch x := w.random.IntN(12); {
	case x < 5 && (in || r.direct && user < 3) && len(w.db.messages) < maxMessages:
		return w.db.send(r, user)
	case x < 7 && len(w.db.messages) > 1:
		m := w.db.messages[1+w.random.IntN(len(w.db.messages)-1)]
		if m.Deleted || m.ChatID == 0 || w.db.chats[m.ChatID].busy {
			return nil
		}
		return []chat.Event{w.db.change(m, []chat.EventType{chat.MessageEdited, chat.MessageDeleted}[w.random.IntN(2)])}
	case x == 7 && in:
		if e, ok := w.db.markRead(r, user); ok {
			return []chat.Event{e}
		}
	case x == 8 && !r.direct:
		return []chat.Event{w.db.commit(r, chat.Event{Type: chat.ChatUpdated})}
	case x > 8 && r.direct && in:
		return []chat.Event{w.db.deleteSide(r, user)}
	case x > 8 && !r.direct && in:
		return []chat.Event{w.db.removeMember(r, user)}
	case x > 8 && !r.direct:
		return []chat.Event{w.db.addMember(r, user)}
	}
	return nil
}

// publishFirst is a protocol that publishes inside the transaction, which may fail.
func (w *world) publishFirst(n *node, r *room) {
	if len(w.db.messages) >= maxMessages || r.direct {
		return
	}
	r.busy = true
	w.spawn("publisher", n, nil, func(p *proc) {
		defer func() { r.busy = false }()
		before := *r
		events := w.db.send(r, 1)
		epoch, err := p.currentEpoch()
		if err == nil {
			_ = p.carry(epoch, r, events)
		}
		if p.oneIn(2) {
			p.note("cannot commit %s", manyTold(events))
			w.db.takeBack(events)
			*r = before
		}
	})
}

func (w *world) sweep(n *node) {
	if !w.rules.hold(Sweep) {
		return
	}
	for _, r := range w.db.chats[1:] {
		if len(w.db.outboxOf(r.id, 1)) > 0 && !r.busy {
			w.spawn("sweep", n, nil, func(p *proc) { p.publish(r) })
		}
	}
}

// settle gives everybody the time that the promises allow for, and looks at what they have then.
func (w *world) settle() {
	for i := 0; len(w.db.outbox) > 0 && i < 12 && w.failure == ""; i++ {
		w.master.keys.Now++
		w.spawn("watch", w.nodes[i%2], nil, (*proc).refresh)
		w.sweep(w.nodes[i%2])
		w.finish()
	}
	w.checkOutbox()
	for _, d := range w.devices {
		d.idle = 0
		for i := 0; d.idle < 2 && w.failure == ""; i++ {
			if i == 40 {
				w.fail("stuck", "user %d never has everything", d.user)
			}
			w.spawn("poll", w.nodes[i%2], d, (*proc).poll)
			w.finish()
		}
	}
	for _, d := range w.devices {
		if w.failure == "" {
			w.checkHeld(d)
		}
	}
	w.checkBodies()
}

// epilogue is one message more in each chat: an inbox that looks right may not take the next one.
func (w *world) epilogue() {
	for _, r := range w.db.chats[1:] {
		if w.failure == "" {
			for _, user := range []int64{1, 2, 3} {
				if _, in := r.present(user); in {
					w.note("epilogue: %s", manyTold(w.db.send(r, user)))
					break
				}
			}
		}
	}
}
