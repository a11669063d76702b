package handlers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doran/chat"
	"doran/handlers"
	"doran/internal/database"
	"doran/internal/testenv"

	"github.com/gofiber/fiber/v2"
)

// shared is one server on SQLite without limits, for every test that needs nothing special.
var shared *server

func TestMain(m *testing.M) { testenv.Main(withShared{m}) }

// withShared runs the tests beside the shared server.
type withShared struct{ *testing.M }

func (w withShared) Run() int {
	dir, err := os.MkdirTemp("", "doran-handlers-")
	must(err)
	defer func() { _ = os.RemoveAll(dir) }()
	s, stop := start("sqlite://"+filepath.Join(dir, "doran.db"), func(*handlers.Config, *chat.Config) {})
	defer stop()
	shared = s
	return w.M.Run()
}

// server is the real application over a real Service, on a port of its own.
type server struct {
	url string
	log *testenv.Output
}

// endpoints stand in for the realtime package, which tests its own.
var endpoints = handlers.Endpoints{
	WebSocket: func(*fiber.Ctx) error { return fiber.ErrUpgradeRequired },
	Poll:      func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"after": "c1", "events": []int{}, "cursor": "c1"}) },
	SSE: func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, "text/event-stream")
		return c.SendString("id: c1\ndata: {}\n\n")
	},
	DeviceLog: func(c *fiber.Ctx) error {
		if err := chat.CheckDeviceID(c.Params("device_id")); err != nil {
			return err
		}
		return c.JSON(fiber.Map{"log": []int{}})
	},
	MQTTGrant: func(c *fiber.Ctx) error {
		return c.JSON(fiber.Map{"url": "mqtt://127.0.0.1:1884", "ws_url": "ws://127.0.0.1:1884/mqtt", "client_id": "doran-1-a", "username": "doran-1-a",
			"password": "p", "topic": "inbox/1/1", "qos": 1, "expires_at": chat.At(time.Now())})
	},
	MQTTRevoke: func(c *fiber.Ctx) error { return c.SendStatus(fiber.StatusNoContent) },
	Ticket: func(c *fiber.Ctx) error {
		return c.JSON(fiber.Map{"ticket": "t", "expires_at": chat.At(time.Now())})
	},
}

func newServer(t *testing.T, change func(*handlers.Config, *chat.Config)) *server {
	t.Helper()
	s, stop := start(testenv.SQLite(t), change)
	t.Cleanup(stop)
	return s
}

func start(databaseURL string, change func(*handlers.Config, *chat.Config)) (*server, func()) {
	ctx := context.Background()
	db, err := database.Open(ctx, databaseURL)
	must(err)
	_, err = db.Migrate(ctx)
	must(err)
	s := &server{log: &testenv.Output{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	domain := chat.Config{Client: db.Client, DB: db.SQL, Dialect: db.Dialect, Limits: chat.DefaultLimits(), Log: log}
	config := handlers.Config{Realtime: endpoints, Log: log, Timeout: time.Minute}
	change(&config, &domain)
	config.Service = chat.New(domain)
	app := handlers.New(config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.url = "http://" + listener.Addr().String()
	done := make(chan error, 1)
	go func() { done <- app.Listener(listener) }()
	return s, func() {
		must(app.ShutdownWithTimeout(5 * time.Second))
		must(<-done)
		config.Service.Close()
		must(db.Close())
	}
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request, with JSON when there is a body, and holds the exchange to the document.
func (s *server) call(t testing.TB, token, method, path, body string) answer {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}
	return s.send(t, method, path, header, body)
}

func (s *server) send(t testing.TB, method, path string, header http.Header, body string) answer {
	t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{response.StatusCode, response.Header, content}
	checkAnswer(t, method, path, a)
	if isAPI(path) {
		checkAgainstDocument(t, method, path, header, body, a)
	}
	return a
}

func isAPI(path string) bool {
	return !strings.HasPrefix(path, "/docs") && !strings.HasPrefix(path, "/openapi.")
}

// checkAnswer holds every answer to what they all have in common.
func checkAnswer(t testing.TB, method, path string, a answer) {
	t.Helper()
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Server": ""} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s %s: %s is %q, want %q", method, path, name, got, want)
		}
	}
	if a.header.Get("X-Request-Id") == "" || a.header.Get("Content-Security-Policy") == "" {
		t.Errorf("%s %s: no X-Request-Id or Content-Security-Policy in %v", method, path, a.header)
	}
	if a.status < 400 || method == http.MethodHead {
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s %s: %d is %s, want application/problem+json", method, path, a.status, got)
	}
	if status := handlers.Kinds()[a.code(t)]; status != a.status {
		t.Errorf("%s %s: %d with the code %s, which is %d", method, path, a.status, a.code(t), status)
	}
	if a.status == 429 || a.status == 503 {
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d without Retry-After", method, path, a.status)
		}
	}
	if a.status == 500 {
		t.Errorf("%s %s: %s", method, path, a.body)
	}
}

// object is the body as a JSON object.
func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := json.Unmarshal(a.body, &object); err != nil {
		t.Fatalf("%d %s is no JSON object: %v", a.status, a.body, err)
	}
	return object
}

func (a answer) code(t testing.TB) string {
	t.Helper()
	code, _ := a.object(t)["code"].(string)
	return code
}

// fieldErrors are "field code" of a validation_failed.
func (a answer) fieldErrors(t testing.TB) []string {
	t.Helper()
	var out []string
	errors, _ := a.object(t)["errors"].([]any)
	for _, each := range errors {
		e := each.(map[string]any)
		out = append(out, fmt.Sprint(e["field"], " ", e["code"]))
	}
	return out
}

func (a answer) id(t testing.TB) int64 {
	t.Helper()
	id, ok := a.object(t)["id"].(float64)
	if !ok {
		t.Fatalf("%d %s has no id", a.status, a.body)
	}
	return int64(id)
}

// must is an answer of this status.
func (a answer) must(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d %s, want %d", a.status, a.body, status)
	}
	return a
}
