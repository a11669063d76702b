package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"doran/internal/testenv"
)

// server is a run of `doran serve`.
type server struct {
	t           *testing.T
	stdout      *testenv.Output
	stderr      *testenv.Output
	cancel      context.CancelFunc
	status      chan int
	http, admin string
}

func start(t *testing.T, environ ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{t: t, stdout: &testenv.Output{}, stderr: &testenv.Output{}, cancel: cancel, status: make(chan int, 1)}
	environ = append([]string{"DORAN_HTTP_ADDR=127.0.0.1:0", "DORAN_ADMIN_ADDR=127.0.0.1:0", "DORAN_REDIS_URL=embedded://127.0.0.1:0",
		"DORAN_MQTT_URL=embedded://127.0.0.1:0", "DORAN_DATABASE_URL=" + testenv.SQLite(t)}, environ...)
	go func() { s.status <- run(ctx, []string{"serve"}, environ, s.stdout, s.stderr) }()
	t.Cleanup(cancel)
	addresses := regexp.MustCompile(`(?s)http\S*[ :="]+(http://[0-9.:]+).*admin\S*[ :="]+(http://[0-9.:]+)`)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if m := addresses.FindStringSubmatch(strings.ToLower(s.stdout.String() + s.stderr.String())); m != nil {
			s.http, s.admin = m[1], m[2]
			return s
		}
		select {
		case status := <-s.status:
			t.Fatalf("serve ended with %d: %s", status, s.stderr)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("serve does not say where it is: %s%s", s.stdout, s.stderr)
		}
	}
}

// end is SIGTERM; it says how long the server took.
func (s *server) end() time.Duration {
	s.t.Helper()
	begin := time.Now()
	s.cancel()
	select {
	case status := <-s.status:
		if status != 0 {
			s.t.Errorf("serve ended with %d: %s", status, s.stderr)
		}
	case <-time.After(15 * time.Second):
		s.t.Fatalf("serve does not end: %s", s.stderr)
	}
	return time.Since(begin)
}

// call gives the status and the answer, decoded.
func (s *server) call(method, url, token, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	answer := map[string]any{}
	_ = json.Unmarshal(text, &answer)
	answer["text"] = string(text)
	return res.StatusCode, answer
}

// await asks the admin address until the answer has what is wanted.
func (s *server) await(path, want string) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, answer := s.call("GET", s.admin+path, "", ""); strings.Contains(answer["text"].(string), want) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s never has %s", path, want)
		}
	}
}

func (s *server) signUp(name string) (id int64, token string) {
	s.t.Helper()
	status, answer := s.call("POST", s.http+"/accounts/signup/", "", fmt.Sprintf(`{"username": %q, "password": "dorandoran"}`, name))
	if status != 201 {
		s.t.Fatalf("signing up: %d %v", status, answer)
	}
	return int64(answer["user"].(map[string]any)["id"].(float64)), answer["token"].(string)
}
