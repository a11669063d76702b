package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// person is one user.
type person struct {
	id       int64
	name     string
	password string
	token    string
}

// room is a chat as the workload knows it, which may be behind.
type room struct {
	id     int64
	direct bool
	owner  *person

	mu     sync.Mutex
	in     []*person
	recent []message // of the newest, to edit and delete
}

func (r *room) member() *person {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.in) == 0 {
		return nil
	}
	return r.in[rand.IntN(len(r.in))]
}

func (r *room) set(p *person, in bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.in = slices.DeleteFunc(r.in, func(q *person) bool { return q == p })
	if in {
		r.in = append(r.in, p)
	}
}

func (r *room) sent(m message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recent = append(r.recent, m); len(r.recent) > 100 {
		r.recent = slices.Clone(r.recent[50:])
	}
}

func (r *room) oneOf() (message, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.recent) == 0 {
		return message{}, false
	}
	if rand.IntN(3) == 0 { // what is being delivered just now
		return r.recent[len(r.recent)-1], true
	}
	return r.recent[rand.IntN(len(r.recent))], true
}

// rooms are all chats, and after how much good time which message was deleted.
type rooms struct {
	all     []*room
	people  map[int64]*person
	mu      sync.Mutex
	deleted map[int64]time.Duration // the weather's wellFor
}

func (r *rooms) deletedAt(id int64) (time.Duration, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.deleted[id]
	return at, ok
}

func (r *rooms) markDeleted(id int64, at time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, has := r.deleted[id]; !has {
		r.deleted[id] = at
	}
}

// canary stands in every password, and must stand in no log.
const canary = "canary-password-"

// settle makes accounts and chats: direct chats in a ring, groups of five, one of eight, one of everybody.
func (w *town) settle() {
	w.t.Helper()
	w.rooms = &rooms{people: map[int64]*person{}, deleted: map[int64]time.Duration{}}
	w.people = make([]*person, w.options.Users)
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range w.people {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			w.people[i] = w.signUp(fmt.Sprintf("person%d", i))
		})
	}
	all.Wait()
	for _, p := range w.people {
		if p == nil {
			w.t.Fatal("an account could not be made")
		}
		w.rooms.people[p.id] = p
	}
	n := len(w.people)
	active := min(n, 24)
	for i := range active / 2 {
		w.open("direct", w.people[2*i], w.people[2*i+1])
	}
	for i := 0; i+5 <= active; i += 4 {
		w.open("group", w.people[i:i+5]...)
	}
	w.open("group", w.people[:min(8, n)]...)
	w.open("group", w.people...)
}

func (w *town) signUp(name string) *person {
	p := &person{name: name, password: canary + name}
	a := w.persist(w.t.Context(), "", "POST", "/accounts/signup/", map[string]any{"username": p.name, "password": p.password})
	if a.status == 409 { // the answer to the first try was lost
		a = w.logIn(p)
	}
	got := decode[signedIn](a)
	if p.id, p.token = got.User.ID, got.Token; p.token == "" {
		w.t.Errorf("signing up gives %v: %s", a, a.body)
		return nil
	}
	return p
}

type signedIn struct {
	User  struct{ ID int64 }
	Token string
}

func (w *town) logIn(p *person) answer {
	return w.persist(w.t.Context(), "", "POST", "/accounts/login/", map[string]any{"username": p.name, "password": p.password})
}

// giveDevices gives the first people a device or two, each with a token of its own.
func (w *town) giveDevices(n int) {
	for i := range n {
		p := w.people[i/2%len(w.people)]
		if i/2 >= len(w.people) {
			return
		}
		d := newDevice(w, p, fmt.Sprintf("%s/%c", p.name, 'a'+i%2))
		if i%2 == 1 {
			d.token = decode[signedIn](w.logIn(p)).Token
		}
		d.slow = i%7 == 3
		w.devices = append(w.devices, d)
	}
}

func (w *town) open(kind string, who ...*person) {
	var others []int64
	for _, p := range who[1:] {
		others = append(others, p.id)
	}
	a := w.persist(context.Background(), who[0].token, "POST", "/chats/", map[string]any{"kind": kind, "user_ids": others, "client_id": fmt.Sprintf("open-%d", len(w.rooms.all))})
	c := decode[chatInfo](a)
	if c.ID == 0 {
		w.t.Fatalf("opening a %s chat gives %v: %s", kind, a, a.body)
	}
	w.rooms.all = append(w.rooms.all, &room{id: c.ID, direct: kind == "direct", owner: who[0], in: slices.Clone(who)})
}
