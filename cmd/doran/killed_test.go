package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"doran/internal/testenv"

	paho "github.com/eclipse/paho.mqtt.golang"
)

var killedMessages = flag.Int("killed.messages", 300, "how many messages are sent while a node and the broker are killed")

// serveAsChild makes this test's own program a server.
const serveAsChild = "TEST_SERVE"

// spawn runs a node as a process of its own, which can be killed.
func spawn(t *testing.T, environ ...string) (*server, *exec.Cmd) {
	t.Helper()
	s := &server{t: t, stdout: &testenv.Output{}, stderr: &testenv.Output{}, http: fmt.Sprintf("http://127.0.0.1:%d", testenv.Port(t)), admin: fmt.Sprintf("http://127.0.0.1:%d", testenv.Port(t))}
	cmd := exec.Command(os.Args[0], "serve")
	cmd.Env = append(environ, serveAsChild+"=1", "DORAN_HTTP_ADDR="+strings.TrimPrefix(s.http, "http://"), "DORAN_ADMIN_ADDR="+strings.TrimPrefix(s.admin, "http://"))
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(s.admin + "/readyz?all")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == 200 {
				return s, cmd
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not ready: %v %s", err, s.stderr)
		}
	}
}

// device heeds cursors, as docs/protocol.md asks: a batch that follows where it stands is shown; after any other, and after a
// connection that found no session, it polls once. After a gap it reads the chat from where it stands in that.
type device struct {
	node     *server // that it polls
	token    string
	grant    map[string]any
	messages string // of the chat, a path

	mu          sync.Mutex
	cursor      string
	last        int64 // message
	shown       []string
	polls, gaps int
	wrong       string
}

type batch struct {
	After, Cursor string
	Gap           bool
	Events        []struct {
		Type string
		Data message
	}
}

type message struct {
	ID      int64
	Content string
}

func (d *device) hear(payload []byte) {
	var b batch
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := json.Unmarshal(payload, &b); err != nil {
		d.wrong = err.Error()
	}
	if b.After != d.cursor || b.Gap {
		d.poll()
		return
	}
	d.apply(b)
}

func (d *device) apply(b batch) {
	for _, e := range b.Events {
		if e.Type == "message.created" && e.Data.ID > d.last { // what was read after a gap may come once more
			d.show(e.Data)
		}
	}
	d.cursor = b.Cursor
}

func (d *device) show(m message) {
	d.shown = append(d.shown, m.Content)
	d.last = m.ID
}

func (d *device) poll() {
	for {
		var b batch
		if !d.get("/realtime/poll?wait=0&after="+d.cursor, &b) {
			return
		}
		d.polls++
		if b.Gap && !d.mend() {
			return
		}
		d.apply(b)
		if len(b.Events) == 0 {
			return
		}
	}
}

// mend reads what the inbox no longer has.
func (d *device) mend() bool {
	d.gaps++
	for {
		var page struct {
			Messages []message
			HasMore  bool `json:"has_more"`
		}
		if !d.get(fmt.Sprintf("%s?limit=100&after=%d", d.messages, d.last), &page) {
			return false
		}
		for _, m := range page.Messages {
			d.show(m)
		}
		if !page.HasMore {
			return true
		}
	}
}

func (d *device) get(path string, answer any) bool {
	req, _ := http.NewRequest("GET", d.node.http+path, nil)
	req.Header.Set("Authorization", "Bearer "+d.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode == 200 && json.NewDecoder(res.Body).Decode(answer) == nil
}

// live connects, and again whenever the connection ends, until stop is closed.
func (d *device) live(stop chan struct{}) {
	for {
		lost := make(chan struct{})
		client := paho.NewClient(paho.NewClientOptions().AddBroker(strings.Replace(d.grant["url"].(string), "mqtt://", "tcp://", 1)).
			SetClientID(d.grant["client_id"].(string)).SetUsername(d.grant["username"].(string)).SetPassword(d.grant["password"].(string)).
			SetCleanSession(false).SetAutoReconnect(false).SetConnectTimeout(5 * time.Second).
			SetConnectionLostHandler(func(paho.Client, error) { close(lost) }).
			SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { d.hear(m.Payload()) }))
		connected := client.Connect().(*paho.ConnectToken)
		if connected.WaitTimeout(10*time.Second) && connected.Error() == nil && client.Subscribe(d.grant["topic"].(string), 1, nil).WaitTimeout(10*time.Second) {
			if !connected.SessionPresent() {
				d.mu.Lock()
				d.poll()
				d.mu.Unlock()
			}
			select {
			case <-lost:
			case <-stop:
				client.Disconnect(100)
				return
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// A node is frozen, and then killed, and so is the broker, in the middle of many messages to fifty devices. Each shows every message once, in order.
func TestNothingIsLostWhateverIsKilled(t *testing.T) {
	t.Parallel()
	broker := testenv.Mosquitto(t)
	environ := []string{"DORAN_DATABASE_URL=" + testenv.MariaDB(t), "DORAN_REDIS_URL=" + testenv.Redis(t).URL, "DORAN_MQTT_URL=" + broker.URL,
		"DORAN_RATE_LIMITS=off", "DORAN_LOG_LEVEL=debug"}
	stays, _ := spawn(t, environ...)
	killed, process := spawn(t, environ...)

	const people = 50
	_, sender := stays.signUp("sender")
	var devices []*device
	var ids []string
	for i := range people {
		id, token := stays.signUp(fmt.Sprintf("person%d", i))
		ids = append(ids, fmt.Sprint(id))
		devices = append(devices, &device{node: stays, token: token})
	}
	_, answer := stays.call("POST", stays.http+"/chats/", sender, `{"user_ids":[`+strings.Join(ids, ",")+`]}`)
	messages := fmt.Sprintf("/chats/%v/messages/", answer["id"])
	stop := make(chan struct{})
	var living sync.WaitGroup
	t.Cleanup(func() { close(stop); living.Wait() })
	for _, d := range devices {
		status, grant := stays.call("POST", stays.http+"/realtime/mqtt/", d.token, "")
		if status != 200 {
			t.Fatalf("a grant: %d %v", status, grant)
		}
		_, now := stays.call("GET", stays.http+"/realtime/poll", d.token, "")
		d.grant, d.cursor, d.messages = grant, now["cursor"].(string), messages
		living.Go(func() { d.live(stop) })
	}

	n := *killedMessages
	var want []string
	nodes := []*server{stays, killed}
	begin := time.Now()
	for i := range n {
		switch i {
		case n / 6: // it stands still, and wakes up to what others have done meanwhile
			_ = process.Process.Signal(syscall.SIGSTOP)
			nodes = []*server{stays}
		case n / 4:
			_ = process.Process.Signal(syscall.SIGCONT)
			nodes = []*server{stays, killed}
		case n / 3:
			_, _ = process.Process.Kill(), process.Wait()
			nodes = []*server{stays}
		case 2 * n / 3:
			broker.Kill()
		case 2*n/3 + n/10:
			broker.Restart()
		}
		want = append(want, fmt.Sprint(i))
		for try := 0; ; try++ { // with its client_id a message may be sent again
			status, err := post(nodes[(i+try)%len(nodes)].http+messages, sender, fmt.Sprintf(`{"content":"%d","client_id":"c%d"}`, i, i))
			if err == nil && (status == 200 || status == 201) {
				break
			}
			if try > 100 {
				t.Fatalf("message %d: %d %v", i, status, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	t.Logf("%d messages were sent in %v", n, time.Since(begin))
	for i, d := range devices {
		if err := d.shows(want); err != nil {
			t.Errorf("device %d: %v", i, err)
		}
	}
	polls, gaps := 0, 0
	for _, d := range devices {
		polls, gaps = polls+d.polls, gaps+d.gaps
	}
	t.Logf("every device had them after %v, with %d polls and %d gaps together", time.Since(begin), polls, gaps)
}

func (d *device) shows(want []string) (err error) {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		d.mu.Lock()
		err = errors.Join(same(d.shown, want), wrong(d.wrong))
		d.mu.Unlock()
		if err == nil {
			return nil
		}
	}
	return err
}

func wrong(what string) error {
	if what == "" {
		return nil
	}
	return errors.New(what)
}

func same(got, want []string) error {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Errorf("shows %s as number %d, want %s", got[i], i, want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("shows %d of %d", len(got), len(want))
	}
	return nil
}

// impatient gives up on a node that stands still.
var impatient = &http.Client{Timeout: 2 * time.Second}

func post(url, token, body string) (int, error) {
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := impatient.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
