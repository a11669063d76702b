package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// sending is one message that somebody sends until it is answered.
type sending struct {
	by       *person
	room     *room
	clientID string
	content  uint64
	id, seq  int64
	status   int  // of the last answer
	unknown  bool // some try had no answer, so a refusal after it proves nothing
}

// tally counts, for the report.
type tally struct {
	sent, answered, again, doubles, refused, unavailable, unanswered, edits, deletions, joins, leaves, markers, visits atomic.Int64

	mu      sync.Mutex
	sends   []*sending
	latency []time.Duration // of sends that gave 201
}

// work has people do things until ctx ends, at about the rate that was asked for.
func (w *town) work(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	const senders = 64
	var number atomic.Int64
	pauseBetween := time.Duration(senders) * time.Second / time.Duration(max(1, w.options.Rate))
	for range senders {
		all.Go(func() {
			for ctx.Err() == nil {
				pause(ctx, time.Duration(rand.Int64N(int64(2*pauseBetween)+1)))
				w.sendSomething(number.Add(1))
			}
		})
	}
	for range 3 {
		all.Go(func() {
			for ctx.Err() == nil {
				pause(ctx, time.Duration(rand.IntN(60))*time.Millisecond)
				w.changeSomething(ctx)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, time.Duration(rand.IntN(2000/max(1, w.options.Churn)))*time.Millisecond)
			w.moveSomebody(ctx)
		}
	})
	all.Go(func() { w.browse(ctx) })
	all.Go(func() { w.visit(ctx) })
}

func (w *town) someRoom() *room {
	if rand.IntN(20) == 0 {
		return w.rooms.all[len(w.rooms.all)-1] // everybody's
	}
	return w.rooms.all[rand.IntN(len(w.rooms.all)-1)]
}

// sendSomething sends one message, in one of ten cases to two nodes at once, until it is answered. It goes on when the work has ended.
func (w *town) sendSomething(number int64) {
	r := w.someRoom()
	by := r.member()
	if by == nil {
		return
	}
	text := fmt.Sprintf("%s says %d to %d", by.name, number, r.id)
	s := &sending{by: by, room: r, clientID: fmt.Sprintf("n%d", number), content: sum(text)}
	w.tally.mu.Lock()
	w.tally.sends = append(w.tally.sends, s)
	w.tally.mu.Unlock()
	w.tally.sent.Add(1)
	body := map[string]any{"content": text, "client_id": s.clientID}
	if rand.IntN(10) == 0 {
		w.tally.doubles.Add(1)
		var other sync.WaitGroup
		other.Go(func() { w.post(w.node(), s, body) })
		defer other.Wait()
	}
	const patience = 2 * time.Minute // faults go on meanwhile, one after the other
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Duration(20+rand.IntN(200)) * time.Millisecond) {
		if w.post(w.node(), s, body) {
			return
		}
	}
	w.history.violation("stuck", w.history.recent(100), "%s of %s was not answered in %v", s.clientID, by.name, patience)
}

// post sends it once and says whether that settled it.
func (w *town) post(n *node, s *sending, body any) bool {
	a := n.ask(context.Background(), s.by.token, "POST", fmt.Sprintf("/chats/%d/messages/", s.room.id), body)
	w.tally.mu.Lock()
	defer w.tally.mu.Unlock()
	switch {
	case a.status == 201 || a.status == 200:
		m := decode[message](a)
		if s.id != 0 && (s.id != m.ID || s.seq != m.Seq) {
			w.history.violation("once", nil, "%s of %s is message %d (seq %d) and message %d (seq %d)", s.clientID, s.by.name, s.id, s.seq, m.ID, m.Seq)
		}
		first := s.id == 0
		s.id, s.seq, s.status = m.ID, m.Seq, a.status
		if a.status == 201 {
			w.tally.answered.Add(1)
			w.tally.latency = append(w.tally.latency, a.took)
		} else {
			w.tally.again.Add(1)
		}
		if first {
			s.room.sent(m)
			w.history.note("%s is message %d, chat %d seq %d v%d", s.clientID, m.ID, m.ChatID, m.Seq, m.Version)
		}
		return true
	case a.known():
		w.tally.refused.Add(1)
		if s.status == 0 {
			s.status = a.status
		}
		return true
	case a.refused:
		w.tally.unanswered.Add(1)
	case a.status == http.StatusServiceUnavailable:
		w.tally.unavailable.Add(1)
		s.unknown = true
	case a.status != 0:
		w.history.violation("5xx", nil, "sending gives %v: %s", a, a.body)
		s.unknown = true
	default:
		w.tally.unanswered.Add(1)
		s.unknown = true
	}
	return false
}

// changeSomething edits or deletes a message, or marks one as read.
func (w *town) changeSomething(ctx context.Context) {
	r := w.someRoom()
	m, ok := r.oneOf()
	if !ok {
		return
	}
	by := w.rooms.people[m.SenderID]
	path := fmt.Sprintf("/chats/%d/messages/%d/", r.id, m.ID)
	switch rand.IntN(6) {
	case 0:
		w.deleteMessage(ctx, r, m)
	case 1, 2:
		text := fmt.Sprintf("%s says so at %d", by.name, time.Now().UnixNano())
		if a := w.persist(ctx, by.token, "PATCH", path, map[string]any{"content": text}); a.status == 200 {
			w.tally.edits.Add(1)
			w.history.note("message %d of chat %d is edited, v%d", m.ID, r.id, decode[message](a).Version)
		}
	default:
		if reader := r.member(); reader != nil {
			a := w.persist(ctx, reader.token, "PATCH", fmt.Sprintf("/chats/%d/users/%d/messages/%d/", r.id, reader.id, m.ID), nil)
			if a.status == 200 {
				w.tally.markers.Add(1)
			}
		}
	}
}

// deleteMessage gives the version of the deletion, 0 when it was not answered.
func (w *town) deleteMessage(ctx context.Context, r *room, m message) int64 {
	a := w.persist(ctx, w.rooms.people[m.SenderID].token, "PATCH", fmt.Sprintf("/chats/%d/messages/%d/", r.id, m.ID), map[string]any{"deleted": true})
	if a.status != 200 {
		return 0
	}
	w.rooms.markDeleted(m.ID, w.weather.wellFor())
	w.tally.deletions.Add(1)
	version := decode[message](a).Version
	w.history.note("message %d of chat %d is deleted, v%d", m.ID, r.id, version)
	return version
}

// moveSomebody has somebody join or leave a group, or delete a direct chat for themselves, or change a title.
func (w *town) moveSomebody(ctx context.Context) {
	r := w.someRoom()
	if r.direct {
		if p := r.member(); p != nil && rand.IntN(3) == 0 {
			if a := w.persist(ctx, p.token, "DELETE", fmt.Sprintf("/chats/%d/", r.id), nil); a.status == 204 {
				w.history.note("%s deletes direct chat %d", p.name, r.id)
				w.tally.leaves.Add(1)
			}
			// A side that is not in it cannot send: it opens the chat again.
			w.persist(ctx, p.token, "POST", "/chats/", map[string]any{"kind": "direct", "user_ids": []int64{r.otherThan(p).id}})
		}
		return
	}
	p := w.people[rand.IntN(len(w.people))]
	path := fmt.Sprintf("/chats/%d/users/%d/", r.id, p.id)
	switch {
	case p == r.owner:
		w.persist(ctx, p.token, "PATCH", fmt.Sprintf("/chats/%d/", r.id), map[string]any{"title": fmt.Sprint("title ", rand.IntN(1000))})
	case rand.IntN(2) == 0:
		by := []*person{p, r.owner}[rand.IntN(2)]
		if a := w.persist(ctx, by.token, "DELETE", path, nil); a.status == 204 {
			r.set(p, false)
			w.tally.leaves.Add(1)
			w.history.note("%s is out of chat %d", p.name, r.id)
		}
	default:
		if a := w.persist(ctx, r.owner.token, "POST", path, nil); a.status == 201 || a.status == 200 {
			r.set(p, true)
			w.tally.joins.Add(1)
			w.history.note("%s is in chat %d", p.name, r.id)
		}
	}
}

func (r *room) otherThan(p *person) *person {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.in {
		if q != p {
			return q
		}
	}
	return p
}
