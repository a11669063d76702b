package faults

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"
)

// device is a client as docs/protocol.md wants one: it keeps a cursor, and what it holds of its user's chats. It changes transport and
// node whenever it likes.
type device struct {
	*town
	person *person
	name   string
	token  string
	slow   bool // to take what it is told
	cursor string
	held   map[int64]*holding
	told   map[int64]*telling // of each chat, for the check
	recent []sighting         // what it saw last
	grant  *grant             // of the broker, when it has one

	events            [background + 1]int // by transport
	count             int                 // events
	gaps, jumps, hops int
}

func newDevice(w *town, p *person, name string) *device {
	return &device{town: w, person: p, name: name, token: p.token, held: map[int64]*holding{}, told: map[int64]*telling{}}
}

// live follows the inbox until ctx ends.
func (d *device) live(ctx context.Context) {
	for ctx.Err() == nil {
		stay, cancel := context.WithTimeout(ctx, time.Duration(100+rand.IntN(4000))*time.Millisecond)
		d.follow(ctx, stay, d.node(), rand.IntN(len(transports)))
		cancel()
		if d.hops++; rand.IntN(60) == 0 { // out of reach for a while
			pause(ctx, time.Duration(5+rand.IntN(25))*time.Second)
		}
	}
}

// follow stays on one transport of one node for a while.
func (d *device) follow(ctx, stay context.Context, n *node, kind int) {
	began := d.weather.wellFor()
	s, err := transports[kind].open(stay, n, d)
	if err != nil {
		d.history.note("%s is not let in over %s@%s: %v", d.name, transports[kind].name, n.name, err)
		pause(stay, 50*time.Millisecond)
		return
	}
	defer s.close()
	for stay.Err() == nil {
		b, err := s.next(stay)
		if err != nil {
			return
		}
		before := d.count
		ok := d.apply(ctx, b, transports[kind].name+"@"+n.name, began)
		d.events[kind] += d.count - before
		if !ok && (kind != background || !d.pollOnce(ctx)) {
			return
		}
		if d.slow {
			pause(stay, time.Duration(rand.IntN(400))*time.Millisecond)
		}
		if kind == poll {
			began = d.weather.wellFor()
		}
	}
}

// pollOnce reads from the device's own cursor, as one does whose batch does not follow it.
func (d *device) pollOnce(ctx context.Context) bool {
	began, before := d.weather.wellFor(), d.count
	n := d.node()
	a := n.ask(ctx, d.token, "GET", "/realtime/poll"+query(d.cursor, "wait", "0"), nil)
	if a.status != 200 {
		return false
	}
	ok := d.apply(ctx, decode[batch](a), "poll@"+n.name, began)
	d.events[poll] += d.count - before
	return ok
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// apply takes over a batch, and then its cursor; false when the device is to connect again from its own cursor.
func (d *device) apply(ctx context.Context, b batch, from string, began time.Duration) bool {
	if b.Gap || d.cursor == "" {
		if b.Gap {
			d.gaps++
		}
		d.saw("%s starts over at %s (gap %v)", from, b.Cursor, b.Gap)
		return d.mend(ctx, b.Cursor)
	}
	if b.After != d.cursor {
		d.saw("%s a batch after %s, and it stands at %s", from, b.After, d.cursor)
		return false
	}
	for _, e := range b.Events {
		if e.ID == "" {
			continue // ephemeral
		}
		d.count++
		if !d.take(ctx, e, from, began) {
			return false
		}
	}
	d.cursor = b.Cursor
	return true
}

// take is what a client does with one event.
func (d *device) take(ctx context.Context, e event, from string, began time.Duration) bool {
	h := d.of(e.ChatID)
	d.saw("%s chat %d v%d %s %.120s", from, e.ChatID, e.Version, e.Type, e.Data)
	if e.Type == "message.read" {
		var r readData
		_ = json.Unmarshal(e.Data, &r)
		if r.UserID == d.person.id {
			h.read = max(h.read, r.LastMessageID)
		}
		return true
	}
	m, isMessage := d.messageOf(e)
	if !d.checkTold(e, m, isMessage, from, began) {
		return false // once is enough
	}
	if e.Type == "chat.created" {
		return d.readChat(ctx, e.ChatID, e.Version)
	}
	if e.Version <= h.version && !isMessage {
		return true
	}
	if e.Version > h.version+1 {
		d.jumps++
		if ok, there := d.jump(ctx, e); !ok || !there {
			return ok
		}
	}
	h.version = max(h.version, e.Version)
	switch {
	case isMessage:
		h.put(d.person.id, m)
	case e.Type == "chat.deleted", e.Type == "member.removed" && d.isMe(e):
		d.drop(e.ChatID)
	}
	return true
}

func (d *device) messageOf(e event) (m message, ok bool) {
	switch e.Type {
	case "message.created", "message.edited", "message.deleted":
		if err := json.Unmarshal(e.Data, &m); err != nil || m.ID == 0 {
			d.wrong("shape", "an event without its message: %s", e.Data)
		}
		return m, true
	}
	return m, false
}

func (d *device) isMe(e event) bool {
	var m memberData
	_ = json.Unmarshal(e.Data, &m)
	return m.User.ID == d.person.id
}
