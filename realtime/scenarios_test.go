package realtime_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/realtime"
	"doran/realtime/inbox"

	"github.com/redis/go-redis/v9"
)

// scenarios hold on every transport. Two nodes share a database and a Redis; Ann writes, Bob follows.
var scenarios = []struct {
	name string
	run  func(t *testing.T, w *world, kind string)
}{
	{"without a cursor it starts at now and says so", func(t *testing.T, w *world, kind string) {
		w.send(1)
		w.settle()
		c := w.a.follow(kind, w.bob, "")
		if b := c.take(); len(b.Events) != 0 || b.Gap {
			t.Errorf("the first batch is %+v, want an empty one", b)
		}
		w.send(1)
		w.expect(c.texts(1), 1, 2)
	}},
	{"0 is the oldest that is kept", func(t *testing.T, w *world, kind string) {
		w.send(3)
		w.expect(w.a.follow(kind, w.bob, "0").texts(3), 0, 3)
	}},
	{"what was there and what comes is one order", func(t *testing.T, w *world, kind string) {
		w.send(8)
		c := w.b.follow(kind, w.bob, w.start)
		w.expect(c.texts(8), 0, 8)
		w.send(8)
		w.expect(c.texts(8), 8, 16)
	}},
	{"more than a batch holds comes in several", func(t *testing.T, w *world, kind string) {
		w.sendAtOnce(inbox.MaxEvents + 20)
		c := w.a.follow(kind, w.bob, w.start)
		b := c.take()
		for len(b.Events) == 0 {
			b = c.take()
		}
		if len(b.Events) > inbox.MaxEvents {
			t.Errorf("%d events in a batch", len(b.Events))
		}
		events := append(b.Events, c.events(inbox.MaxEvents+20-len(b.Events))...)
		for i, e := range events {
			if want := int64(i) + 2; e.Version != want { // 1 is the chat's creation
				t.Fatalf("event %d is version %d, want %d", i, e.Version, want)
			}
		}
	}},
	{"a cursor goes on from any event, on another node", func(t *testing.T, w *world, kind string) {
		w.send(5)
		middle := w.a.follow(kind, w.bob, w.start).events(5)[2].ID
		w.expect(w.b.follow(kind, w.bob, middle).texts(2), 3, 5)
	}},
	{"an emptied Redis is a gap, and it goes on from there", func(t *testing.T, w *world, kind string) {
		w.send(2)
		c := w.a.follow(kind, w.bob, w.start)
		c.texts(2)
		w.empty()
		w.send(1) // wakes whoever waits
		b := c.take()
		for !b.Gap {
			b = c.take()
		}
		w.send(2) // behind the gap's cursor may be what is read from the database as well
		w.expect(lastOf(c.textsUntil("m4"), 2), 3, 5)
	}},
	{"a stale cursor is a gap", func(t *testing.T, w *world, kind string) {
		w.empty()
		if b := w.a.follow(kind, w.bob, w.start).take(); !b.Gap {
			t.Errorf("got %+v, want a gap", b)
		}
	}},
	{"no cursor of this user is refused", func(t *testing.T, w *world, kind string) {
		damaged := w.start[:len(w.start)-1] + string('0'+(w.start[len(w.start)-1]-'0'+1)%10)
		foreign := w.a.follow(kind, w.ann, "").take().Cursor
		for name, cursor := range map[string]string{"foreign": foreign, "damaged": damaged, "made up": "x", "negative": "-1", "long": strings.Repeat("1", 3000)} {
			if _, err := connectAndTake(w.a, kind, w.bob, cursor); ending(err) != 422 {
				t.Errorf("%s cursor: %v, want 422", name, err)
			}
		}
	}},
	{"no token is refused", func(t *testing.T, w *world, kind string) {
		if _, err := connectAndTake(w.a, kind, person{token: "nonsense"}, w.start); ending(err) != 401 {
			t.Errorf("got %v, want 401", err)
		}
	}},
	{"a token that ends on another node ends it within a second", func(t *testing.T, w *world, kind string) {
		c := w.a.follow(kind, w.bob, "")
		c.take()
		ended := make(chan int, 1)
		go func() { ended <- c.end() }()
		w.open(w.a, kind, 1)
		begin := time.Now()
		w.b.logout(w.bob)
		want := map[string]int{"websocket": 4401, "sse": 0, "poll": 401}[kind]
		if got := <-ended; got != want || time.Since(begin) > time.Second {
			t.Errorf("ended with %d after %v, want %d within a second", got, time.Since(begin), want)
		}
	}},
	{"who is removed is told last of that chat", func(t *testing.T, w *world, kind string) {
		c := w.a.follow(kind, w.bob, "")
		c.take()
		if err := w.b.service.RemoveMember(t.Context(), w.ann.id, w.chat, w.bob.id); err != nil {
			t.Fatal(err)
		}
		w.b.send(w.ann, w.chat, "not for bob")
		other := w.b.group(w.ann, w.bob)
		for _, e := range c.events(2) { // in whatever order, of two chats
			if removed := e.Type == chat.MemberRemoved && e.ChatID == w.chat; !removed && e.ChatID != other {
				t.Errorf("told of %s in chat %d", e.Type, e.ChatID)
			}
		}
	}},
	{"a lost wake-up costs time, and no event", func(t *testing.T, w *world, kind string) {
		c := w.a.follow(kind, w.bob, "")
		c.take()
		// A node without a Server publishes and wakes nobody.
		mute := w.mute()
		if _, _, err := mute.SendMessage(t.Context(), w.ann.id, w.chat, "m0", ""); err != nil {
			t.Fatal(err)
		}
		w.expect(c.texts(1), 0, 1)
	}},
	{"a node that stops sends its clients to another one", func(t *testing.T, w *world, kind string) {
		c := w.a.follow(kind, w.bob, "")
		c.take()
		ended := make(chan int, 1)
		go func() {
			if kind == "poll" {
				c.take() // an empty one, and then nobody listens
			}
			ended <- c.end()
		}()
		w.open(w.a, kind, 1)
		w.a.drain()
		if _, err := connectAndTake(w.a, kind, w.bob, w.start); ending(err) != 503 {
			t.Errorf("a new one: %v, want 503", err)
		}
		if got, want := <-ended, map[string]int{"websocket": 1001, "sse": 0, "poll": 503}[kind]; got != want {
			t.Errorf("ended with %d, want %d", got, want)
		}
		w.send(1)
		w.expect(w.b.follow(kind, w.bob, c.cursor).texts(1), 0, 1)
	}},
}

func TestEveryTransport(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			settings(t, func(t *testing.T, s *setting) {
				s.timing = realtime.Timing{Silence: 500 * time.Millisecond}
				for _, kind := range transports {
					sc.run(t, s.world(t), kind)
				}
			})
		})
	}
}

// world is two nodes and a chat, whose beginning both have seen.
type world struct {
	t        *testing.T
	s        *setting
	a, b     *node
	ann, bob person
	chat     int64
	sent     int
	start    string // Bob's cursor
}

func (s *setting) world(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, s: s, a: s.node(), b: s.node()}
	w.ann, w.bob = w.a.person(), w.a.person()
	c := w.a.follow("poll", w.bob, "")
	c.take()
	w.chat = w.b.group(w.ann, w.bob)
	c.events(1)
	w.start = c.cursor
	return w
}

// send has Ann write m0, m1, …, by both nodes.
func (w *world) send(n int) {
	w.t.Helper()
	for range n {
		[]*node{w.a, w.b}[w.sent%2].send(w.ann, w.chat, fmt.Sprint("m", w.sent))
		w.sent++
	}
}

// sendAtOnce has Ann write so many messages together, in whatever order.
func (w *world) sendAtOnce(n int) {
	w.t.Helper()
	var writing sync.WaitGroup
	for range n {
		writing.Go(func() {
			if _, _, err := w.a.service.SendMessage(w.t.Context(), w.ann.id, w.chat, "together", ""); err != nil {
				w.t.Error(err)
			}
		})
	}
	writing.Wait()
}

// settle waits until everything that Ann wrote is in Bob's inbox.
func (w *world) settle() {
	w.t.Helper()
	w.a.follow("poll", w.bob, w.start).texts(w.sent)
}

// expect compares with what Ann wrote, from one to before another.
func (w *world) expect(got []string, from, to int) {
	w.t.Helper()
	var want []string
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprint("m", i))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("got %v, want %v", got, want)
	}
}

// open waits until a node has so many connections of a transport.
func (w *world) open(n *node, kind string, want float64) {
	w.t.Helper()
	eventually(w.t, fmt.Sprintf("%v open %s", want, kind), func() bool { return n.count("doran_realtime_connections", kind) == want })
}

// empty is FLUSHALL.
func (w *world) empty() {
	w.t.Helper()
	options, err := redis.ParseURL(w.s.redis)
	if err != nil {
		w.t.Fatal(err)
	}
	look := redis.NewClient(options)
	defer func() { _ = look.Close() }()
	if err := look.FlushAll(w.t.Context()).Err(); err != nil {
		w.t.Fatal(err)
	}
}

// mute is the domain of a node that publishes to inboxes and wakes nobody.
func (w *world) mute() *chat.Service {
	w.t.Helper()
	var out outlet
	db := w.s.open()
	service := chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Outlet: &out, Limits: chat.DefaultLimits(), Log: w.a.server.Log})
	w.t.Cleanup(service.Close)
	in, err := inbox.Open(inbox.Config{Service: service, Redis: w.s.redis, Embedded: w.s.embedded, Log: w.a.server.Log})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(in.Close)
	out.inbox = in
	return service
}

type outlet struct{ inbox *inbox.Inbox }

func (o *outlet) Announce(n chat.News) { o.inbox.Publish(n.Chats) }

func lastOf(texts []string, n int) []string { return texts[len(texts)-n:] }

func connectAndTake(n *node, kind string, p person, after string) (batch, error) {
	c, err := n.connect(kind, p, after)
	if err != nil {
		return batch{}, err
	}
	return c.next()
}

// A client that changes transport and node at random, with its cursor in hand, sees each event once and in order.
func TestOneCursorOnEveryTransport(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		w := s.world(t)
		const total = 40
		var writing sync.WaitGroup
		writing.Go(func() { w.send(total) })
		defer writing.Wait()
		var got []string
		for cursor := w.start; len(got) < total; {
			kind, n := transports[rand.N(len(transports))], []*node{w.a, w.b}[rand.N(2)]
			c := n.follow(kind, w.bob, cursor)
			for range 1 + rand.N(3) {
				if len(got) == total {
					break
				}
				for _, e := range c.take().Events {
					got = append(got, text(t, e))
				}
			}
			cursor = c.cursor
			c.close()
		}
		w.expect(got, 0, total)
	})
}
