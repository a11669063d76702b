package chat_test

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/database"
	"doran/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// onEach runs the test with a new service on each database that Doran knows.
func onEach(t *testing.T, test func(t *testing.T, s *service)) {
	t.Helper()
	t.Parallel()
	testenv.Databases(t, func(t *testing.T, url string) {
		t.Parallel()
		test(t, newService(t, url))
	})
}

// service is a chat.Service on a database of its own, with a clock that only the test moves and an outlet that remembers.
type service struct {
	*chat.Service
	url   string
	db    *database.DB
	clock *clock
	told  *outlet
}

// newService migrates the database and makes a service on it. A second one with the same url is a second node.
func newService(t *testing.T, url string, change ...func(*chat.Config)) *service {
	t.Helper()
	db, err := database.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &service{url: url, db: db, clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, told: &outlet{}}
	config := chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Outlet: s.told, Limits: chat.DefaultLimits(),
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: s.clock.Now}
	for _, c := range change {
		c(&config)
	}
	s.Service = chat.New(config)
	t.Cleanup(s.Close)
	return s
}

// again is another node on the same database and the same clock.
func (s *service) again(t *testing.T, change ...func(*chat.Config)) *service {
	t.Helper()
	return newService(t, s.url, append([]func(*chat.Config){func(c *chat.Config) { c.Now = s.clock.Now }}, change...)...)
}

const password = "correct horse"

// signUp makes an account whose password is password.
func (s *service) signUp(t *testing.T, username string) chat.SignedIn {
	t.Helper()
	in, err := s.SignUp(t.Context(), username, password, "phone")
	if err != nil {
		t.Fatalf("signing up %q: %v", username, err)
	}
	return in
}

// users makes accounts and gives their ids.
func (s *service) users(t *testing.T, usernames ...string) []int64 {
	t.Helper()
	ids := make([]int64, len(usernames))
	for i, name := range usernames {
		ids[i] = s.signUp(t, name).User.ID
	}
	return ids
}

// session proves the token.
func (s *service) session(t *testing.T, in chat.SignedIn) chat.Session {
	t.Helper()
	who, err := s.Authenticate(t.Context(), in.Token)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// outlet remembers what was announced.
type outlet struct {
	mu   sync.Mutex
	news []chat.News
}

func (o *outlet) Announce(n chat.News) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.news = append(o.news, n)
}

// take gives all news since the last time.
func (o *outlet) take() []chat.News {
	o.mu.Lock()
	defer o.mu.Unlock()
	news := o.news
	o.news = nil
	return news
}

// takeEnded gives the tokens that were announced to have ended since the last time, ascending.
func (o *outlet) takeEnded() []int64 {
	var ended []int64
	for _, n := range o.take() {
		ended = append(ended, n.EndedTokens...)
	}
	slices.Sort(ended)
	return ended
}

// wantCode fails the test unless err is a refusal with this code; "" is no error.
func wantCode(t *testing.T, err error, code chat.Code) {
	t.Helper()
	if got := codeOf(err); got != code || code == "" && err != nil {
		t.Errorf("error %v, want code %q", err, code)
	}
}

func codeOf(err error) chat.Code {
	var e *chat.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// wantField fails the test unless err is CodeValidation that says code of this field.
func wantField(t *testing.T, err error, field, code string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeValidation || !slices.ContainsFunc(e.Fields, func(f chat.FieldError) bool { return f.Field == field && f.Code == code }) {
		t.Errorf("error %v, want %q of field %q", err, code, field)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s it is still not so that %s", what)
		}
	}
}
