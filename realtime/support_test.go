package realtime_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"
	"doran/realtime"
	"doran/realtime/inbox"

	"github.com/alicebob/miniredis/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// setting is what nodes share: a database and a Redis.
type setting struct {
	t        testing.TB
	database string
	redis    string
	embedded string
	timing   realtime.Timing
}

// settings runs a test on both kinds of Redis.
func settings(t *testing.T, test func(t *testing.T, s *setting)) {
	t.Run("redis", func(t *testing.T) { t.Parallel(); test(t, onRedis(t)) })
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, onEmbedded(t)) })
}

func onRedis(t testing.TB) *setting { return newSetting(t, testenv.Redis(t).URL, "") }

func onEmbedded(t testing.TB) *setting {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return newSetting(t, "redis://"+server.Addr(), "embedded-1")
}

func newSetting(t testing.TB, redisURL, embedded string) *setting {
	t.Helper()
	s := &setting{t: t, database: testenv.SQLite(t), redis: redisURL, embedded: embedded}
	if _, err := s.open().Migrate(t.Context()); err != nil {
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
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// node is one server with everything but the HTTP API.
type node struct {
	t       testing.TB
	db      *database.DB
	service *chat.Service
	inbox   *inbox.Inbox
	server  *realtime.Server
	host    string
	metrics *prometheus.Registry
}

func (s *setting) node() *node { return s.nodeWith(realtime.Config{}) }

func (s *setting) nodeWith(c realtime.Config) *node {
	s.t.Helper()
	c.Timing, c.Log = s.timing, slog.New(slog.DiscardHandler)
	db := s.open()
	n := &node{t: s.t, db: db, server: realtime.New(c), metrics: prometheus.NewRegistry()}
	n.metrics.MustRegister(n.server.Collectors()...)
	n.service = chat.New(chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Outlet: n.server, Limits: chat.DefaultLimits(), Log: c.Log})
	s.t.Cleanup(n.service.Close)
	var err error
	n.inbox, err = inbox.Open(inbox.Config{Service: n.service, Redis: s.redis, Embedded: s.embedded, Wake: n.server.Wake, Log: c.Log, Sweep: 200 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(n.inbox.Close)
	n.server.Start(n.service, n.inbox)
	s.t.Cleanup(func() { n.within(n.server.Close) })
	n.listen()
	return n
}

func (n *node) listen() {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ErrorHandler: answerError, WriteTimeout: time.Second})
	app.Get("/realtime/ws", n.server.WebSocket)
	app.Get("/realtime/poll", n.server.Poll)
	app.Get("/realtime/sse", n.server.SSE)
	app.Post("/realtime/ticket", n.server.Ticket)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	n.host = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- app.Listener(l) }()
	n.t.Cleanup(func() {
		n.drain()
		if err := errors.Join(app.ShutdownWithTimeout(5*time.Second), <-served); err != nil {
			n.t.Errorf("shutting down: %v", err)
		}
	})
}

// drain ends every connection. It may be called again.
func (n *node) drain() { n.within(n.server.Drain) }

func (n *node) within(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := end(ctx); err != nil {
		n.t.Errorf("connections did not end: %v", err)
	}
}

// answerError stands for the API's: the status, and the code in a header.
func answerError(c *fiber.Ctx, err error) error {
	status := map[chat.Code]int{chat.CodeUnauthenticated: 401, chat.CodeForbidden: 403, chat.CodeValidation: 422, chat.CodeUnavailable: 503}
	var refused *chat.Error
	var http *fiber.Error
	switch {
	case errors.As(err, &refused) && status[refused.Code] != 0:
		return c.Status(status[refused.Code]).SendString(err.Error())
	case errors.As(err, &http):
		return c.Status(http.Code).SendString(err.Error())
	default:
		return c.Status(500).SendString(err.Error())
	}
}

// person is somebody who is signed in.
type person struct {
	id    int64
	token string
}

var people atomic.Int64

// person makes an account and a token, without the cost of a password.
func (n *node) person() person {
	n.t.Helper()
	name, now := fmt.Sprint("person", people.Add(1)), time.Now()
	user, err := n.db.Client.User.Create().SetUsername(name).SetUsernameKey(name).SetCreatedAt(now).Save(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	token := "dorn_" + base64.RawURLEncoding.EncodeToString(secret)
	hash := sha256.Sum256([]byte(token))
	_, err = n.db.Client.Token.Create().SetUserID(user.ID).SetHash(hash[:]).SetCreatedAt(now).SetUsedAt(now).SetExpiresAt(now.Add(time.Hour)).Save(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return person{user.ID, token}
}

// logout ends the person's token, on this node.
func (n *node) logout(p person) {
	n.t.Helper()
	session, err := n.service.Authenticate(n.t.Context(), p.token)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.service.EndToken(n.t.Context(), session, session.TokenID); err != nil {
		n.t.Fatal(err)
	}
}

// group makes a chat and gives its id.
func (n *node) group(owner person, others ...person) int64 {
	n.t.Helper()
	var ids []int64
	for _, p := range others {
		ids = append(ids, p.id)
	}
	c, _, err := n.service.CreateChat(n.t.Context(), owner.id, chat.NewChat{UserIDs: ids})
	if err != nil {
		n.t.Fatal(err)
	}
	return c.ID
}

func (n *node) send(from person, chatID int64, content string) {
	n.t.Helper()
	if _, _, err := n.service.SendMessage(n.t.Context(), from.id, chatID, content, ""); err != nil {
		n.t.Fatal(err)
	}
}

// get asks with the token and gives the status.
func (n *node) get(path, token string) *http.Response {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, "http://"+n.host+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.do(r, token)
}

func (n *node) do(r *http.Request, token string) *http.Response {
	n.t.Helper()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		n.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	n.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// count is a metric of this label; 0 when it was never counted.
func (n *node) count(name, label string) float64 {
	n.t.Helper()
	families, err := n.metrics.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// eventually waits for what can be observed.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
