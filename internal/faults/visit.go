package faults

import (
	"context"
	"math/rand/v2"
	"time"
)

// browse has people look at all that their inbox keeps, from the oldest on: what was deleted, or is not theirs, is not there.
func (w *town) browse(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, time.Duration(rand.IntN(400))*time.Millisecond)
		d := w.browser(w.people[rand.IntN(len(w.people))])
		for d.readSome(ctx) {
		}
	}
}

// browser only looks, and holds nothing.
func (w *town) browser(p *person) *device {
	d := newDevice(w, p, p.name+"/browser")
	d.cursor = "0"
	w.tally.mu.Lock()
	defer w.tally.mu.Unlock()
	w.browsers = append(w.browsers, d)
	return d
}

// readSome looks at the next batch, where there is one.
func (d *device) readSome(ctx context.Context) bool {
	n, began := d.node(), d.weather.wellFor()
	a := n.ask(ctx, d.token, "GET", "/realtime/poll"+query(d.cursor, "wait", "0"), nil)
	b := decode[batch](a)
	if a.status != 200 || b.Gap || len(b.Events) == 0 {
		return false
	}
	for _, e := range b.Events {
		if e.ID == "" || e.Type == "message.read" {
			continue
		}
		d.saw("chat %d v%d %s %.120s", e.ChatID, e.Version, e.Type, e.Data)
		m, isMessage := d.messageOf(e)
		d.checkTold(e, m, isMessage, "poll@"+n.name, began)
	}
	d.cursor = b.Cursor
	return true
}

// How long a connection may outlive its token.
const (
	cutWithin       = 1 * time.Second
	cutWithoutRedis = 15 * time.Second
	leeway          = 1500 * time.Millisecond // of a busy machine
)

// visit has somebody log in, open a WebSocket and log out over another node, again and again: the token is dead at once, the socket soon.
func (w *town) visit(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, time.Duration(1000+rand.IntN(2000))*time.Millisecond)
		p := w.people[rand.IntN(len(w.people))]
		a := w.node().ask(ctx, "", "POST", "/accounts/login/", map[string]any{"username": p.name, "password": p.password})
		token := decode[struct{ Token string }](a).Token
		if token == "" {
			continue
		}
		w.logOut(ctx, p, token)
	}
}

func (w *town) logOut(ctx context.Context, p *person, token string) {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	s, err := openSocket(ctx, w.node(), token, "")
	if err != nil {
		return
	}
	defer s.close()
	broken, calm := w.weather.count(), w.weather.calm()
	a := w.persist(ctx, token, "POST", "/accounts/logout/", nil)
	if a.status != 204 && a.status != 401 { // 401: the answer to the first try was lost
		return
	}
	ended := time.Now()
	for _, n := range w.nodes {
		if a := n.ask(ctx, token, "GET", "/accounts/me/", nil); a.known() && a.status != 401 {
			w.history.violation("leak", nil, "a token of %s that ended is answered with %v by %s", p.name, a, n.name)
		}
	}
	for err == nil && ctx.Err() == nil {
		_, err = s.next(ctx)
	}
	limit := cutWithin
	if !calm || !w.weather.calm() || w.weather.count() != broken {
		limit = cutWithoutRedis
	}
	if took := time.Since(ended); took > limit+leeway && ctx.Err() == nil {
		w.history.violation("leak", nil, "a WebSocket of %s outlived its token by %v", p.name, took.Round(time.Millisecond))
	}
	w.tally.visits.Add(1)
}
