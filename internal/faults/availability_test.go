package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Each part that is down takes with it what is said of it, and nothing else.
func TestPartsThatAreDown(t *testing.T) {
	w := newTown(t, Options{Nodes: 1, Users: 4, Seed: 1})
	w.settle()
	type outage struct {
		what       string
		down, up   func()
		send, poll int // what is answered meanwhile
		within     time.Duration
	}
	outages := []outage{
		{"the broker is gone", w.broker.Kill, w.broker.Restart, 201, 200, time.Second},
		{"the broker is frozen", w.broker.Stop, w.broker.Cont, 201, 200, time.Second},
		{"Redis is gone", w.redis.Kill, w.redis.Restart, 201, 503, time.Second},
		{"Redis is frozen", w.redis.Stop, w.redis.Cont, 201, 503, time.Second},
		{"the database is frozen", w.mariadb.Stop, w.mariadb.Cont, 503, 503, 3 * time.Second},
		{"the database is gone", w.mariadb.Kill, w.restartDatabase, 503, 503, 3 * time.Second},
	}
	if w.ownDisks {
		outages = append(outages,
			outage{"the disk of Redis is full", func() { w.fillRedisDisk(t) }, func() { w.growDisk(w.redisDisk) }, 201, 503, time.Second})
	}
	for _, c := range outages {
		t.Run(c.what, func(t *testing.T) { w.whileDown(t, c.down, c.up, c.send, c.poll, c.within) })
	}
}

// fillRedisDisk returns when Redis has noticed: what it took before, it could not write down.
func (w *town) fillRedisDisk(t *testing.T) {
	w.fillDisk(w.redisDisk)
	if err := waitFor(20*time.Second, "Redis refuses to write", func() bool {
		return redis.HasErrorPrefix(w.look.Set(t.Context(), "canary", 1, 0).Err(), "MISCONF")
	}); err != nil {
		t.Fatal(err)
	}
}

// whileDown sends and polls while a part is down, and looks whether a socket that was open before stays, and brings what was sent.
func (w *town) whileDown(t *testing.T, down, up func(), send, poll int, within time.Duration) {
	n, r := w.nodes[0], w.rooms.all[0]
	by, other := r.in[0], r.in[1]
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	w.waitForOutbox(20 * time.Second)
	s, err := openSocket(ctx, n, other.token, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	first, err := s.next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	down()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			a := n.ask(ctx, by.token, "POST", fmt.Sprintf("/chats/%d/messages/", r.id), map[string]any{"content": fmt.Sprint("meanwhile ", i)})
			if a.status != send || a.took > within+500*time.Millisecond {
				t.Errorf("a send is answered with %v, want %d within %v", a, send, within)
			}
		})
	}
	all.Go(func() {
		a := n.ask(ctx, other.token, "GET", "/realtime/poll"+query(first.Cursor, "wait", "0"), nil)
		if a.status != poll {
			t.Errorf("a poll is answered with %v, want %d", a, poll)
		}
	})
	all.Wait()
	up()
	w.mustBeReady(w.nodes, 30*time.Second)
	last := "and on after " + t.Name()
	for {
		a := n.ask(ctx, by.token, "POST", fmt.Sprintf("/chats/%d/messages/", r.id), map[string]any{"content": last})
		if a.status == 201 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("after everything is up again, a send is answered with %v", a)
		}
		time.Sleep(50 * time.Millisecond)
	}
	told := 0
	for {
		b, err := s.next(ctx)
		if err != nil {
			t.Fatalf("the socket that was open before did not stay: %v", err)
		}
		if b.Gap {
			return // the client reads the chats, which the other tests look at
		}
		for _, e := range b.Events {
			told++
			var m message
			if err := json.Unmarshal(e.Data, &m); err == nil && m.Content == last {
				if send == 201 && told < 8 {
					t.Errorf("the socket brought %d of what was sent meanwhile", told)
				}
				return
			}
		}
	}
}
