package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"
	"doran/realtime/inbox"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// setting is what nodes share: a database and a Redis.
type setting struct {
	t        *testing.T
	database string
	redis    string
	embedded string
	db       *database.DB // for the test's own look
	look     redis.UniversalClient
}

// settings runs the test on each pair of parts that Doran runs on.
func settings(t *testing.T, test func(t *testing.T, s *setting)) {
	t.Run("mysql+redis", func(t *testing.T) {
		t.Parallel()
		test(t, newSetting(t, testenv.MariaDB(t), testenv.Redis(t).URL, ""))
	})
	t.Run("sqlite+embedded", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		test(t, newSetting(t, testenv.SQLite(t), "redis://"+m.Addr(), "embedded-1"))
	})
}

func newSetting(t *testing.T, databaseURL, redisURL, embedded string) *setting {
	t.Helper()
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	s := newSettingOn(t, databaseURL, redisURL, redis.NewClient(options))
	s.embedded = embedded
	return s
}

func newSettingOn(t *testing.T, databaseURL, redisURL string, look redis.UniversalClient) *setting {
	t.Helper()
	s := &setting{t: t, database: databaseURL, redis: redisURL, look: look}
	t.Cleanup(func() { s.look.Close() })
	s.db = s.open()
	if _, err := s.db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *setting) open() *database.DB {
	s.t.Helper()
	db, err := database.Open(context.Background(), s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

// node is one server: the domain and its inbox.
type node struct {
	*chat.Service
	*inbox.Inbox
	woken wakes
	log   testenv.Output
}

// wakes remembers whom a node was told to wake.
type wakes struct {
	mu    sync.Mutex
	users map[int64]int
}

func (w *wakes) add(users []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.users == nil {
		w.users = map[int64]int{}
	}
	for _, u := range users {
		w.users[u]++
	}
}

func (w *wakes) of(user int64) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.users[user]
}

// Announce hands chats to the inbox, as the server does.
func (n *node) Announce(news chat.News) {
	if n.Inbox != nil {
		n.Inbox.Publish(news.Chats)
	}
}

// nodes are three, or three times the one that the embedded parts are for.
func (s *setting) nodes() []*node {
	if s.embedded != "" {
		n := s.node()
		return []*node{n, n, n}
	}
	return []*node{s.node(), s.node(), s.node()}
}

// node starts a node; silent ones commit and never publish, as one that is killed after the commit.
func (s *setting) node() *node { return s.start(&node{}, 200*time.Millisecond) }

func (s *setting) start(n *node, sweep time.Duration) *node {
	s.t.Helper()
	n.Service = s.service(n)
	var err error
	n.Inbox, err = inbox.Open(inbox.Config{Service: n.Service, Redis: s.redis, Embedded: s.embedded, Wake: n.woken.add,
		Log: slog.New(slog.NewTextHandler(&n.log, nil)), Sweep: sweep})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(n.Inbox.Close)
	return n
}

func (s *setting) service(outlet chat.Outlet) *chat.Service {
	db := s.open()
	service := chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Outlet: outlet, Limits: chat.DefaultLimits(), Log: slog.New(slog.DiscardHandler)})
	s.t.Cleanup(service.Close)
	return service
}

// users makes accounts without the cost of their passwords.
func (s *setting) users(n int) []int64 {
	s.t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		name := fmt.Sprintf("user%d", i)
		u, err := s.db.Client.User.Create().SetUsername(name).SetUsernameKey(name).SetCreatedAt(time.Now()).Save(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		ids[i] = u.ID
	}
	return ids
}

func (n *node) group(t *testing.T, owner int64, others ...int64) int64 {
	t.Helper()
	c, _, err := n.CreateChat(t.Context(), owner, chat.NewChat{UserIDs: others, Kind: chat.KindGroup})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func (n *node) send(t *testing.T, user, chatID int64, content string) chat.Message {
	t.Helper()
	m, _, err := n.SendMessage(t.Context(), user, chatID, content, "")
	if err != nil {
		t.Fatalf("user %d sends %q to chat %d: %v", user, content, chatID, err)
	}
	return m
}

func isUnavailable(err error) bool { return errors.Is(err, &chat.Error{Code: chat.CodeUnavailable}) }

// sendOnce repeats a send that had no answer in time, as clients do and busy machines make them do.
func (n *node) sendOnce(t *testing.T, user, chatID int64, content, clientID string) {
	var err error
	for range 10 {
		if _, _, err = n.SendMessage(t.Context(), user, chatID, content, clientID); !isUnavailable(err) {
			break
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// device is a client that keeps its cursor, and what it was shown.
type device struct {
	t      *testing.T
	user   int64
	cursor string
	events []inbox.Event
	gaps   int
}

func (s *setting) device(user int64, n *node) *device {
	d := &device{t: s.t, user: user}
	d.poll(n)
	return d
}

// poll reads once, and goes on from where the batch says.
func (d *device) poll(n *node) inbox.Batch {
	d.t.Helper()
	b, _, err := n.Read(d.t.Context(), d.user, d.cursor)
	for try := 0; isUnavailable(err) && try < 5; try++ { // as clients do, and busy machines make them do
		b, _, err = n.Read(d.t.Context(), d.user, d.cursor)
	}
	if err != nil {
		d.t.Fatalf("user %d reads from %q: %v", d.user, d.cursor, err)
	}
	if b.Gap {
		d.gaps++
	} else if d.cursor != "" && b.After != d.cursor {
		d.t.Fatalf("a batch after %q answers a read from %q", b.After, d.cursor)
	}
	d.cursor = b.Cursor
	d.events = append(d.events, b.Events...)
	return b
}

// until polls the nodes in turn until the device has seen enough.
func (d *device) until(enough func() bool, nodes ...*node) {
	d.t.Helper()
	deadline := time.Now().Add(45 * time.Second) // a busy machine, with the race detector
	for i := 0; !enough(); i++ {
		if time.Now().After(deadline) {
			d.t.Fatalf("user %d waited in vain; was shown %d events and %d gaps: %v", d.user, len(d.events), d.gaps, d.told())
		}
		if b := d.poll(nodes[i%len(nodes)]); len(b.Events) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (d *device) told() []string {
	var out []string
	for _, e := range d.events {
		out = append(out, fmt.Sprintf("%s:%d.%d", e.Type, e.ChatID, e.Version))
	}
	return out
}

func (d *device) saw(t chat.EventType) func() bool {
	return func() bool {
		return slices.ContainsFunc(d.events, func(e inbox.Event) bool { return e.Type == t })
	}
}

// texts are the contents of the messages that were created, in the order shown.
func (d *device) texts() (out []string) {
	for _, e := range d.events {
		if e.Type == chat.MessageCreated {
			out = append(out, e.Data.(chat.Message).Content)
		}
	}
	return out
}

// inOrder fails unless each chat's versions ascend, and each kept event came once.
func (d *device) inOrder() {
	d.t.Helper()
	last := map[int64]int64{}
	for _, e := range d.events {
		if e.Type == chat.MessageRead {
			continue
		}
		if e.Version <= last[e.ChatID] {
			d.t.Errorf("user %d is shown version %d of chat %d after %d: %v", d.user, e.Version, e.ChatID, last[e.ChatID], d.told())
		}
		last[e.ChatID] = e.Version
	}
}
