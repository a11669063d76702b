package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"doran/internal/testenv"
)

// Two people chat; the server ends and starts again: what was said is there.
func TestServeEndsInTimeAndKeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	database := "DORAN_DATABASE_URL=sqlite://" + filepath.Join(t.TempDir(), "doran.db")
	s := start(t, database)
	mina, token := s.signUp("mina")
	joon, joonsToken := s.signUp("joon")
	status, answer := s.call("POST", s.http+"/chats/", token, fmt.Sprintf(`{"kind": "direct", "user_ids": [%d]}`, joon))
	if status != 201 {
		t.Fatalf("opening a chat: %d %v", status, answer)
	}
	messages := fmt.Sprintf("/chats/%d/messages/", int64(answer["id"].(float64)))
	if status, answer = s.call("POST", s.http+messages, token, `{"content": "안녕"}`); status != 201 {
		t.Fatalf("sending: %d %v", status, answer)
	}
	for cursor := "0"; !strings.Contains(fmt.Sprint(answer["events"]), "안녕"); cursor = answer["cursor"].(string) {
		if status, answer = s.call("GET", s.http+"/realtime/poll/?wait=5&after="+cursor, joonsToken, ""); status != 200 || len(answer["events"].([]any)) == 0 {
			t.Fatalf("polling: %d %v", status, answer)
		}
	}

	parked := make(chan error, 1) // a poll that waits when the server ends is answered
	go func() {
		res, err := http.DefaultClient.Do(mustRequest(t, s.http+"/realtime/poll/?wait=60&after="+answer["cursor"].(string), joonsToken))
		if err == nil {
			err = res.Body.Close()
		}
		parked <- err
	}()
	s.await("/metrics", `doran_realtime_connections{transport="poll"} 1`)
	if took := s.end(); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if err := <-parked; err != nil {
		t.Errorf("the parked poll: %v", err)
	}

	again := start(t, database)
	if status, answer := again.call("GET", again.http+messages, token, ""); status != 200 || !strings.Contains(answer["text"].(string), "안녕") {
		t.Errorf("after a restart: %d %v", status, answer)
	}
	if status, answer := again.call("GET", fmt.Sprintf("%s/accounts/%d/", again.http, mina), joonsToken, ""); status != 200 || answer["username"] != "mina" {
		t.Errorf("after a restart: %d %v", status, answer)
	}
	again.end()
}

func mustRequest(t *testing.T, url, token string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}

func TestFirstScreen(t *testing.T) {
	t.Parallel()
	s := start(t)
	defer s.end()
	screen := s.stdout.String()
	for _, want := range []string{s.http, s.admin, "sqlite://", "curl \\S+ --json", `redis-cli -p \d+ XRANGE 'inbox:\{1\}' - \+`} {
		if !regexp.MustCompile(want).MatchString(screen) {
			t.Errorf("the screen lacks %s:\n%s", want, screen)
		}
	}
	for line := range strings.Lines(screen) {
		if len([]rune(line)) > 100 {
			t.Errorf("a long line: %s", line)
		}
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	for variable, value := range map[string]string{"DORAN_HTTP_ADDR": addr, "DORAN_ADMIN_ADDR": addr, "DORAN_REDIS_URL": "embedded://" + addr,
		"DORAN_MQTT_URL": "embedded://" + addr} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"serve"}, []string{"DORAN_HTTP_ADDR=127.0.0.1:0", "DORAN_ADMIN_ADDR=127.0.0.1:0",
			"DORAN_REDIS_URL=embedded://127.0.0.1:0", "DORAN_MQTT_URL=embedded://127.0.0.1:0", "DORAN_DATABASE_URL=" + testenv.SQLite(t), variable + "=" + value}, &stdout, &stderr)
		want := fmt.Sprintf("doran: %s is taken by another program: end it, or set %s to another address\n", addr, variable)
		if status != 1 || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("%s: status %d, %q, want %q", variable, status, stderr.String(), want)
		}
	}
}

func TestOperatorsAreToldHowItIs(t *testing.T) {
	t.Parallel()
	redis := testenv.Redis(t)
	s := start(t, "DORAN_REDIS_URL="+redis.URL, "DORAN_DATABASE_URL="+testenv.MariaDB(t))
	s.signUp("mina")
	for _, path := range []string{"/healthz", "/readyz", "/readyz?all", "/metrics", "/debug/pprof/"} {
		if status, answer := s.call("GET", s.admin+path, "", ""); status != 200 {
			t.Errorf("%s: %d %v", path, status, answer)
		}
		if status, _ := s.call("GET", s.http+path, "", ""); status == 200 {
			t.Errorf("%s is served to everybody", path)
		}
	}
	if _, answer := s.call("GET", s.admin+"/metrics", "", ""); !strings.Contains(answer["text"].(string), "doran_inbox_appended_total") {
		t.Error("the inbox is not measured")
	}
	var answer, complaint bytes.Buffer
	if status := run(t.Context(), []string{"ready"}, []string{"DORAN_ADMIN_ADDR=" + strings.TrimPrefix(s.admin, "http://")}, &answer, &complaint); status != 0 ||
		!strings.Contains(answer.String(), `"ready":true`) {
		t.Errorf("doran ready: %d %s%s", status, answer.String(), complaint.String())
	}
	redis.Kill()
	if status, answer := s.call("GET", s.admin+"/readyz", "", ""); status != 200 || !strings.Contains(answer["text"].(string), `"name":"redis","up":false`) {
		t.Errorf("without Redis: %d %v", status, answer)
	}
	if status, _ := s.call("GET", s.admin+"/readyz?all", "", ""); status != 503 {
		t.Errorf("?all without Redis: %d", status)
	}
	s.end()
	if log := s.stderr.String(); strings.Contains(log, "doran:doran@") {
		t.Errorf("the log shows the database's password: %s", log)
	}
}

// An address at which there is no Redis is said in the log, as the server starts without it.
func TestStartSaysThatRedisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, fmt.Sprintf("DORAN_REDIS_URL=redis://127.0.0.1:%d", testenv.Port(t)))
	for deadline := time.Now().Add(10 * time.Second); !regexp.MustCompile(`Redis does not answer.*refused`).MatchString(s.stderr.String()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say it: %s", s.stderr.String())
		}
	}
	s.end()
	if s := start(t); s.end() > 0 && strings.Contains(s.stderr.String(), "does not answer") {
		t.Errorf("the log says it of a Redis that answers: %s", s.stderr.String())
	}
}

func TestServerThatIsToldToEndAtOnceEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx, []string{"serve"}, []string{"DORAN_HTTP_ADDR=127.0.0.1:0", "DORAN_ADMIN_ADDR=127.0.0.1:0",
			"DORAN_REDIS_URL=embedded://127.0.0.1:0", "DORAN_MQTT_URL=embedded://127.0.0.1:0", "DORAN_DATABASE_URL=" + testenv.SQLite(t)}, io.Discard, io.Discard)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it is still running")
	}
}

// With a database that does not answer the server still ends in time, and has said 503 before.
func TestServeEndsInTimeWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	mariadb := testenv.NewMariaDB(t)
	s := start(t, "DORAN_DATABASE_URL="+mariadb.Database(t))
	_, token := s.signUp("mina")
	mariadb.Stop()
	defer mariadb.Cont()
	begin := time.Now()
	if status, answer := s.call("GET", s.http+"/accounts/me/", token, ""); status != 503 || answer["code"] != "unavailable" || time.Since(begin) > 3*time.Second {
		t.Errorf("%d %v after %v", status, answer, time.Since(begin))
	}
	if status, _ := s.call("GET", s.admin+"/readyz", "", ""); status != 503 {
		t.Errorf("/readyz: %d", status)
	}
	if took := s.end(); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
}
