package push

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/embedded"
	"doran/internal/testenv"
	"doran/realtime/inbox"
	"doran/realtime/presence"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// town is what nodes share: a database, a Redis, and the push services.
type town struct {
	t        *testing.T
	database string
	redis    string
	embedded string
	look     redis.UniversalClient
	timing   Timing
	fcm      *fcmService
	web      *webService
}

// towns runs a test on each pair of parts that Doran runs on.
func towns(t *testing.T, test func(t *testing.T, w *town)) {
	t.Parallel()
	t.Run("mysql+redis", func(t *testing.T) {
		t.Parallel()
		test(t, newTown(t, testenv.MariaDB(t), testenv.Redis(t).URL, ""))
	})
	t.Run("sqlite+embedded", func(t *testing.T) {
		t.Parallel()
		r, err := embedded.StartRedis("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		test(t, newTown(t, testenv.SQLite(t), r.URL, r.ID))
	})
}

func newTown(t *testing.T, databaseURL, redisURL, embeddedID string) *town {
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, database: databaseURL, redis: redisURL, embedded: embeddedID, look: redis.NewClient(options), fcm: newFCMService(t), web: newWebService(t),
		timing: Timing{Claim: 10 * time.Second, Idle: 15 * time.Second, Backoff: 40 * time.Millisecond, Look: 20 * time.Millisecond, Call: 2 * time.Second}}
	t.Cleanup(func() { _ = w.look.Close() })
	return w
}

// node is one server, as far as push goes.
type node struct {
	*chat.Service
	w        *town
	db       *database.DB
	inbox    *inbox.Inbox
	presence *presence.Keeper
	sender   *Sender
	close    func()
}

// Announce hands chats to the inbox, as the server does.
func (n *node) Announce(news chat.News) {
	if n.inbox != nil {
		n.inbox.Publish(news.Chats)
	}
}

func (w *town) node() *node {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := database.Open(context.Background(), w.database)
	if err == nil {
		_, err = db.Migrate(context.Background())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{w: w, db: db}
	n.sender, err = New(Config{FCMCredentials: w.fcm.credentials, FCMEndpoint: w.fcm.URL + "/v1/", WebPushSubject: "mailto:admin@chat.example", Timing: w.timing, Log: log})
	if err != nil {
		w.t.Fatal(err)
	}
	n.sender.services[chat.KindWebPush].(*webPush).client = w.web.client()
	n.presence = presence.New(presence.Config{Entered: n.sender.Entered, Ended: n.sender.Ended, Log: log,
		Timing: presence.Timing{Lease: 10 * time.Second, Renew: time.Second, Grace: 100 * time.Millisecond}})
	n.Service = chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Outlet: n, Limits: chat.DefaultLimits(), Log: log})
	n.inbox, err = inbox.Open(inbox.Config{Service: n.Service, Redis: w.redis, Embedded: w.embedded, Published: n.sender.Published, Log: log, Sweep: 200 * time.Millisecond})
	if err != nil {
		w.t.Fatal(err)
	}
	n.sender.Start(n.Service, n.inbox.Client)
	n.presence.Start(n.inbox.Client)
	n.close = sync.OnceFunc(func() {
		n.presence.Close()
		n.sender.Close()
		n.inbox.Close()
		n.Service.Close()
		_ = db.Close()
	})
	w.t.Cleanup(n.close)
	return n
}

// person is somebody with a token.
type person struct {
	chat.Session
	n    *node
	name string
}

func (n *node) person(name string) *person {
	n.w.t.Helper()
	in, err := n.SignUp(context.Background(), name, "dorandoran", "")
	if err != nil {
		n.w.t.Fatal(err)
	}
	return &person{n.session(in), n, name}
}

func (n *node) session(in chat.SignedIn) chat.Session {
	n.w.t.Helper()
	who, err := n.Authenticate(context.Background(), in.Token)
	if err != nil {
		n.w.t.Fatal(err)
	}
	return who
}

// again is the same person on another device.
func (p *person) again() *person {
	p.n.w.t.Helper()
	in, err := p.n.Login(context.Background(), p.name, "dorandoran", "")
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	return &person{p.n.session(in), p.n, p.name}
}

// phone registers a device of FCM, whose token is the name of the device.
func (p *person) phone(id string) {
	p.n.w.t.Helper()
	if _, _, err := p.n.PutDevice(context.Background(), p.Session, chat.NewDevice{ID: id, Kind: chat.KindFCM, Token: id}); err != nil {
		p.n.w.t.Fatal(err)
	}
}

// browser registers a device of Web Push, whose endpoint ends with its name.
func (p *person) browser(id string) {
	p.n.w.t.Helper()
	if _, _, err := p.n.PutDevice(context.Background(), p.Session, p.n.w.web.subscribe(id)); err != nil {
		p.n.w.t.Fatal(err)
	}
}

func (p *person) group(others ...*person) int64 {
	p.n.w.t.Helper()
	ids := make([]int64, len(others))
	for i, o := range others {
		ids[i] = o.UserID
	}
	c, _, err := p.n.CreateChat(context.Background(), p.UserID, chat.NewChat{UserIDs: ids})
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	return c.ID
}

func (p *person) says(chatID int64) chat.Message {
	p.n.w.t.Helper()
	m, _, err := p.n.SendMessage(context.Background(), p.UserID, chatID, secret, "")
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	return m
}

// secret is what no push may carry.
const secret = "a secret that is nobody else's business"

// log is the log of a device, the newest first, as its results: "sent", "waiting 3".
func (p *person) log(id string) []string {
	p.n.w.t.Helper()
	texts, err := p.n.w.look.LRange(context.Background(), logKey(p.UserID, id), 0, -1).Result()
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	results := []string{}
	for _, text := range texts {
		l, ok := parseLine(text)
		if !ok {
			p.n.w.t.Fatalf("a line of the log is %q", text)
		}
		result := l.Result
		if l.Count > 1 {
			result += fmt.Sprint(" ", l.Count)
		}
		results = append(results, result)
	}
	return results
}

// hasLog waits until the log of a device is this, the newest first.
func (p *person) hasLog(id string, want ...string) {
	p.n.w.t.Helper()
	var got []string
	if !soon(func() bool { got = p.log(id); return slices.Equal(got, want) }) {
		p.n.w.t.Errorf("the log of %s is %q, want %q", id, got, want)
	}
}

// connect is a connection of the token.
func (p *person) connect() (leave func()) {
	p.n.w.t.Helper()
	p.n.presence.Enter(p.UserID, p.TokenID)
	online := func() bool {
		return slices.ContainsFunc(p.n.w.look.ZRange(context.Background(), presence.Key(p.UserID), 0, -1).Val(),
			func(m string) bool { return presence.Token(m) == p.TokenID })
	}
	if !soon(online) {
		p.n.w.t.Fatal("the lease was not taken")
	}
	p.n.quiet()
	return func() { p.n.presence.Leave(p.TokenID) }
}

// confirm says that the token's device has handled all that is in the inbox.
func (p *person) confirm() {
	p.n.w.t.Helper()
	batch, _, err := p.n.inbox.Read(context.Background(), p.UserID, "")
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	p.n.presence.Confirm(p.TokenID, batch.Cursor)
}

// quiet waits until everything that happened was looked at.
func (n *node) quiet() {
	n.w.t.Helper()
	still := 0
	if !soon(func() bool {
		n.sender.mu.Lock()
		waiting := len(n.sender.waiting) + len(n.sender.entered) + len(n.sender.calls)
		n.sender.mu.Unlock()
		if waiting+n.db.Client.Outbox.Query().CountX(context.Background()) == 0 && n.w.look.XLen(context.Background(), "push:work").Val() == 0 {
			still++
		} else {
			still = 0
		}
		return still == 3
	}) {
		n.w.t.Fatal("it does not become quiet")
	}
}

// soon waits until the condition holds, and says whether it did.
func soon(holds func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// received are how often each device was pushed to.
type received struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *received) add(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[string]int{}
	}
	r.count[id]++
	return r.count[id]
}

func (r *received) of(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[id]
}

// reply is what a stand-in of a service answers. The zero value is that it took the push.
type reply struct {
	status int
	body   string
	after  string // Retry-After
	hang   bool   // no answer
}

// replies are what a stand-in answers for each device, the last for ever.
type replies struct {
	received
	mu   sync.Mutex
	next map[string][]reply
}

func (r *replies) will(id string, next ...reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = map[string][]reply{}
	}
	r.next[id] = next
}

func (r *replies) take(id string) reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.next[id]
	if len(next) == 0 {
		return reply{}
	}
	if len(next) > 1 {
		r.next[id] = next[1:]
	}
	return next[0]
}

// get asks for the log as HTTP clients do.
func (p *person) get(id string) (int, string) {
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error { return c.Status(422).SendString(err.Error()) }})
	app.Get("/:device_id", func(c *fiber.Ctx) error { c.Locals("session", p.Session); return p.n.sender.DeviceLog(c) })
	res, err := app.Test(httptest.NewRequest("GET", "/"+id, nil), -1)
	if err != nil {
		p.n.w.t.Fatal(err)
	}
	return res.StatusCode, readAll(res.Body)
}
