package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/embedded"
	"doran/internal/testenv"
	"doran/realtime/inbox"
	"doran/realtime/presence"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/redis/go-redis/v9"
)

var (
	quick        = Timing{Lease: 2 * time.Second, Idle: time.Second, Pass: 500 * time.Millisecond}
	quickLeases  = presence.Timing{Lease: 2 * time.Second, Renew: 500 * time.Millisecond, Grace: 200 * time.Millisecond}
	patientPass  = Timing{Lease: 2 * time.Second, Idle: time.Second, Pass: time.Hour}
	nothingComes = 700 * time.Millisecond // long enough for what comes to have come
)

// stack is what nodes share, and the nodes.
type stack struct {
	*world
	redisURL, redisID string
	redis             *redis.Client
	broker            *site
	nodes             []*node
	openBroker        func(Events) *site
}

// node is one server: service, inbox, presence, forwarder.
type node struct {
	*Forwarder
	service  *chat.Service
	inbox    *inbox.Inbox
	presence *presence.Keeper
	deaf     bool // it wakes nobody, as if each wake-up were lost
}

// stacks runs a test on what a fresh server has inside, and on the real services.
func stacks(t *testing.T, timing Timing, test func(t *testing.T, s *stack)) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, embeddedStack(t, timing))
	})
	t.Run("mosquitto", func(t *testing.T) {
		t.Parallel()
		test(t, realStack(t, timing))
	})
}

func embeddedStack(t *testing.T, timing Timing) *stack {
	t.Helper()
	r, err := embedded.StartRedis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	w := newWorld(t)
	s := &stack{world: w, redisURL: r.URL, redisID: r.ID, openBroker: w.embedded}
	s.dial()
	s.start(timing)
	return s
}

func realStack(t *testing.T, timing Timing) *stack {
	t.Helper()
	s := sharedServices(t)
	s.start(timing)
	return s
}

// sharedServices are the real ones, with no node yet.
func sharedServices(t *testing.T) *stack {
	t.Helper()
	w, server := newWorld(t), testenv.Mosquitto(t)
	s := &stack{world: w, redisURL: testenv.Redis(t).URL, openBroker: func(e Events) *site { return w.mosquitto(server, e) }}
	s.dial()
	return s
}

func (s *stack) dial() {
	s.t.Helper()
	options, err := redis.ParseURL(s.redisURL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.redis = redis.NewClient(options)
	s.t.Cleanup(func() { _ = s.redis.Close() })
}

// start adds a node.
func (s *stack) start(timing Timing) *node {
	s.t.Helper()
	f := NewForwarder(Config{URL: "mqtt://here", Timing: timing, Log: logger(s.log)})
	b := s.openBroker(f.Events())
	if s.broker == nil {
		s.broker = b
	}
	return s.startWith(f, b)
}

func (s *stack) startWith(f *Forwarder, b Broker) *node {
	s.t.Helper()
	n := &node{Forwarder: f}
	config := s.world.service.Config
	config.Outlet = n
	n.service = chat.New(config)
	s.t.Cleanup(n.service.Close)
	var err error
	n.inbox, err = inbox.Open(inbox.Config{Service: n.service, Redis: s.redisURL, Embedded: s.redisID, Wake: n.wake, Log: logger(s.log)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(n.inbox.Close)
	n.presence = presence.New(presence.Config{Ended: n.wake, Timing: quickLeases, Log: logger(s.log)})
	n.presence.Start(n.inbox.Client)
	s.t.Cleanup(n.presence.Close)
	f.Start(n.service, n.inbox, b)
	s.t.Cleanup(f.Close)
	s.nodes = append(s.nodes, n)
	return n
}

func (n *node) wake(users []int64) {
	if !n.deaf {
		n.Wake(users)
	}
}

// Announce is the node's outlet.
func (n *node) Announce(news chat.News) {
	if n.inbox != nil && len(news.Chats) > 0 {
		n.inbox.Publish(news.Chats)
	}
	n.Forwarder.Announce(news)
}

// grant is what POST /realtime/mqtt/ does.
func (s *stack) grant(who chat.Session) pass {
	s.t.Helper()
	n, ctx := s.nodes[0], context.Background()
	g, password, err := n.service.MakeGrant(ctx, who)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := n.beginCursor(ctx, g); err != nil {
		s.t.Fatal(err)
	}
	if err := n.broker.Admit(ctx, g, password); err != nil {
		s.t.Fatal(err)
	}
	return pass{g, password}
}

// group makes a chat of the first with the others.
func (s *stack) group(users ...int64) int64 {
	s.t.Helper()
	c, _, err := s.nodes[0].service.CreateChat(context.Background(), users[0], chat.NewChat{UserIDs: users[1:]})
	if err != nil {
		s.t.Fatal(err)
	}
	return c.ID
}

func (s *stack) say(user, chatID int64, text string) chat.Message {
	s.t.Helper()
	m, _, err := s.nodes[0].service.SendMessage(context.Background(), user, chatID, text, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// client is a device that does what docs/protocol.md asks of it: it applies a batch that follows where it stands, and polls
// once where it does not. After a connection without a session it polls too.
type client struct {
	s      *stack
	pass   pass
	mu     sync.Mutex
	cursor string
	shown  []string // contents, in order
	seen   map[int64]int64
	polls  int
	gaps   int
	errs   []string
	paho.Client
}

func (s *stack) client(p pass) *client {
	s.t.Helper()
	b, _, err := s.nodes[0].inbox.Read(context.Background(), p.UserID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{s: s, pass: p, cursor: b.Cursor, seen: map[int64]int64{}}
}

// connect comes online; the session on the broker stays when it leaves.
func (c *client) connect() {
	c.s.t.Helper()
	options := c.pass.options(c.s.broker.addr).SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { c.hear(m.Payload()) })
	var last paho.Client
	eventually(c.s.t, "connecting", func() error {
		last = paho.NewClient(options)
		token := last.Connect()
		if err := done(token); err != nil {
			return err
		}
		if !last.IsConnected() {
			return errRefused
		}
		topic := deviceOf(c.pass.Grant).Topic()
		if err := done(last.Subscribe(topic, 1, nil)); err != nil {
			return err
		}
		if !token.(*paho.ConnectToken).SessionPresent() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.poll()
		}
		return nil
	})
	c.Client = last
	c.s.t.Cleanup(func() { last.Disconnect(0) })
}

// leave disconnects once what the device has is known to have arrived: what is cut off before is sent again.
func (c *client) leave() {
	c.s.t.Helper()
	eventually(c.s.t, "confirmed", func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		stands := c.s.redis.HGet(context.Background(), cursorsKey(c.pass.UserID), fmt.Sprint(c.pass.TokenID)).Val()
		if want := fmt.Sprintf("%d %s", c.pass.Grant.ID, c.cursor); stands != want {
			return fmt.Errorf("at %q, want %q", stands, want)
		}
		return nil
	})
	c.Disconnect(50)
}

func (c *client) hear(payload []byte) {
	var b struct {
		After, Cursor string
		Gap           bool
		Events        []wireEvent
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := json.Unmarshal(payload, &b); err != nil {
		c.errs = append(c.errs, err.Error())
		return
	}
	switch {
	case b.Gap:
		c.mend(b.Cursor)
	case b.After != c.cursor:
		c.poll()
	default:
		c.apply(b.Events)
		c.cursor = b.Cursor
	}
}

type wireEvent struct {
	Type    string
	ChatID  int64 `json:"chat_id"`
	Version int64
	Data    struct{ Content string }
}

func (c *client) apply(events []wireEvent) {
	for _, e := range events {
		if e.Version <= c.seen[e.ChatID] {
			c.errs = append(c.errs, fmt.Sprintf("%s %d after version %d", e.Type, e.Version, c.seen[e.ChatID]))
		}
		c.seen[e.ChatID] = e.Version
		if e.Type == "message.created" {
			c.shown = append(c.shown, e.Data.Content)
		}
	}
}

// poll is GET /realtime/poll from the device's own cursor.
func (c *client) poll() {
	for more := true; more; {
		var b inbox.Batch
		var err error
		b, more, err = c.s.nodes[0].inbox.Read(context.Background(), c.pass.UserID, c.cursor)
		if err != nil {
			return // it keeps its cursor, and finds the next batch to be another's
		}
		c.polls++
		if b.Gap {
			c.mend(b.Cursor)
			return
		}
		payload, _ := json.Marshal(b.Events)
		var events []wireEvent
		_ = json.Unmarshal(payload, &events)
		c.apply(events)
		c.cursor = b.Cursor
	}
}

// mend reads what changed in the chats, as a client does after a gap.
func (c *client) mend(cursor string) {
	c.gaps++
	ctx := context.Background()
	service := c.s.nodes[0].service
	chats, err := service.Chats(ctx, c.pass.UserID, chat.Page{Limit: 100})
	if err != nil {
		c.errs = append(c.errs, err.Error())
		return
	}
	for _, ch := range chats.Chats {
		for more := true; more; {
			page, err := service.ChangedAfter(ctx, c.pass.UserID, ch.ID, c.seen[ch.ID], 100)
			if err != nil {
				c.errs = append(c.errs, err.Error())
				return
			}
			for _, m := range page.Messages {
				c.shown = append(c.shown, m.Content)
				c.seen[ch.ID] = m.Version
			}
			more = page.HasMore
		}
		c.seen[ch.ID] = max(c.seen[ch.ID], ch.Version)
	}
	c.cursor = cursor
}

// shows waits until the device shows exactly these.
func (c *client) shows(want ...string) {
	c.s.t.Helper()
	eventually(c.s.t, "the device shows all", func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.shown) < len(want) {
			return fmt.Errorf("shows %d of %d, %d polls, %d gaps", len(c.shown), len(want), c.polls, c.gaps)
		}
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.shown, want) || len(c.errs) > 0 {
		c.s.t.Errorf("shows %v\nwant  %v\n%v", c.shown, want, c.errs)
	}
}

func (c *client) wants(t *testing.T, polls, gaps int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.polls != polls || c.gaps != gaps {
		t.Errorf("%d polls and %d gaps, want %d and %d", c.polls, c.gaps, polls, gaps)
	}
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}
