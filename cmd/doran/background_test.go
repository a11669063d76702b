package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"doran/internal/testenv"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// phone is a device in the background: the batches that it heard.
type phone struct {
	paho.Client
	heard chan map[string]any
	lost  chan struct{}
}

func connect(t *testing.T, grant map[string]any) (*phone, error) {
	t.Helper()
	p := &phone{heard: make(chan map[string]any, 1000), lost: make(chan struct{})}
	text := func(name string) string { return fmt.Sprint(grant[name]) }
	p.Client = paho.NewClient(paho.NewClientOptions().AddBroker(strings.Replace(text("url"), "mqtt://", "tcp://", 1)).
		SetClientID(text("client_id")).SetUsername(text("username")).SetPassword(text("password")).
		SetCleanSession(false).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second).
		SetConnectionLostHandler(func(paho.Client, error) { close(p.lost) }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			var batch map[string]any
			if err := json.Unmarshal(m.Payload(), &batch); err != nil {
				t.Errorf("heard %q", m.Payload())
			}
			p.heard <- batch
		}))
	for _, step := range []func() paho.Token{p.Connect, func() paho.Token { return p.Subscribe(text("topic"), 1, nil) }} {
		token := step()
		token.WaitTimeout(10 * time.Second)
		if token.Error() != nil || !p.IsConnected() {
			return p, fmt.Errorf("not let in: %w", token.Error())
		}
	}
	t.Cleanup(func() { p.Disconnect(0) })
	return p, nil
}

// contents hears until it has so many messages, and gives them and the last cursor.
func (p *phone) contents(t *testing.T, n int) (contents []string, cursor string) {
	t.Helper()
	for deadline := time.After(30 * time.Second); len(contents) < n; {
		select {
		case batch := <-p.heard:
			cursor = batch["cursor"].(string)
			for _, e := range batch["events"].([]any) {
				if e := e.(map[string]any); e["type"] == "message.created" {
					contents = append(contents, e["data"].(map[string]any)["content"].(string))
				}
			}
		case <-deadline:
			t.Fatalf("heard %v of %d messages", contents, n)
		}
	}
	return contents, cursor
}

func TestADeviceInTheBackground(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string]func(t *testing.T) []string{
		"embedded": func(*testing.T) []string { return nil },
		"real services": func(t *testing.T) []string {
			return []string{"DORAN_MQTT_URL=" + testenv.Mosquitto(t).URL, "DORAN_REDIS_URL=" + testenv.Redis(t).URL}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, environ(t)...)
			s.await("/readyz", `{"name":"mqtt","up":true}`)
			_, minas := s.signUp("mina")
			joon, joons := s.signUp("joon")
			_, answer := s.call("POST", s.http+"/chats/", minas, fmt.Sprintf(`{"kind":"direct","user_ids":[%d]}`, joon))
			messages := fmt.Sprintf("%s/chats/%v/messages/", s.http, answer["id"])
			say := func(from, to int) {
				for i := from; i < to; i++ {
					if status, answer := s.call("POST", messages, minas, fmt.Sprintf(`{"content":"%d"}`, i)); status != 201 {
						t.Fatalf("sending: %d %v", status, answer)
					}
				}
			}
			status, grant := s.call("POST", s.http+"/realtime/mqtt/", joons, "")
			if status != 200 || grant["qos"] != 1.0 || grant["username"] == "" || !strings.HasPrefix(grant["topic"].(string), fmt.Sprintf("inbox/%d/", joon)) {
				t.Fatalf("the grant: %d %v", status, grant)
			}
			p, err := connect(t, grant)
			if err != nil {
				t.Fatal(err)
			}
			say(0, 3)
			got, _ := p.contents(t, 3)
			p.Disconnect(100)
			say(3, 6)
			if p, err = connect(t, grant); err != nil {
				t.Fatal(err)
			}
			more, cursor := p.contents(t, 3)
			if fmt.Sprint(got, more) != "[0 1 2] [3 4 5]" {
				t.Errorf("heard %v and, back again, %v", got, more)
			}
			say(6, 7)
			_, answer = s.call("GET", s.http+"/realtime/poll?wait=5&after="+cursor, joons, "")
			if !strings.Contains(fmt.Sprint(answer["events"]), "content:6") || len(answer["events"].([]any)) != 1 {
				t.Errorf("the cursor of MQTT goes on over a poll with %v", answer)
			}

			_, again := s.call("POST", s.http+"/realtime/mqtt/", joons, "")
			if again["client_id"] != grant["client_id"] || again["password"] == grant["password"] || again["topic"] != grant["topic"] {
				t.Errorf("asked again: %v", again)
			}
			<-p.lost
			if _, err := connect(t, grant); err == nil {
				t.Error("the old password lets in")
			}
			if p, err = connect(t, again); err != nil {
				t.Fatal(err)
			}
			if status, answer := s.call("POST", s.http+"/accounts/logout/", joons, ""); status != 204 {
				t.Fatalf("logout: %d %v", status, answer)
			}
			select {
			case <-p.lost:
			case <-time.After(time.Second):
				t.Error("logout does not cut the connection within a second")
			}
			if _, err := connect(t, again); err == nil {
				t.Error("the grant of a dead token lets in")
			}
			if took := s.end(); took > 10*time.Second {
				t.Errorf("it took %v to end", took)
			}
		})
	}
}

// A broker that is down is a grant that is not to be had, and nothing else.
func TestABrokerThatIsDown(t *testing.T) {
	t.Parallel()
	broker := testenv.Mosquitto(t)
	broker.Kill()
	s := start(t, "DORAN_MQTT_URL="+broker.URL)
	_, minas := s.signUp("mina")
	joon, joons := s.signUp("joon")
	begin := time.Now()
	if status, answer := s.call("POST", s.http+"/realtime/mqtt/", joons, ""); status != 503 || answer["code"] != "unavailable" {
		t.Errorf("a grant: %d %v", status, answer)
	}
	if status, answer := s.call("DELETE", s.http+"/realtime/mqtt/", joons, ""); status != 204 {
		t.Errorf("giving it back: %d %v", status, answer)
	}
	_, answer := s.call("POST", s.http+"/chats/", minas, fmt.Sprintf(`{"kind":"direct","user_ids":[%d]}`, joon))
	if status, answer := s.call("POST", fmt.Sprintf("%s/chats/%v/messages/", s.http, answer["id"]), minas, `{"content":"hello"}`); status != 201 {
		t.Errorf("sending: %d %v", status, answer)
	}
	if status, answer := s.call("POST", s.http+"/accounts/logout/", joons, ""); status != 204 {
		t.Errorf("logout: %d %v", status, answer)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("all that took %v", took)
	}
	if status, _ := s.call("GET", s.admin+"/readyz", "", ""); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	if status, answer := s.call("GET", s.admin+"/readyz?all", "", ""); status != 503 || strings.Contains(fmt.Sprint(answer), "password") {
		t.Errorf("readyz?all: %d %v", status, answer)
	}
	broker.Restart()
	s.await("/readyz", `{"name":"mqtt","up":true}`)
	if status, answer := s.call("POST", s.http+"/realtime/mqtt/", minas, ""); status != 200 {
		t.Errorf("a grant, once it is back: %d %v", status, answer)
	}
}

// watch opens an event stream and gives the presence events that it brings.
func (s *server) watch(token string) (presence chan string, leave func()) {
	s.t.Helper()
	req := mustRequest(s.t, s.http+"/realtime/sse", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 200 {
		s.t.Fatalf("an event stream: %v, %v", res, err)
	}
	presence = make(chan string, 100)
	go func() {
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			var batch struct {
				Events []struct {
					Type string
					Data json.RawMessage
				}
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &batch) == nil {
				for _, e := range batch.Events {
					if e.Type == "presence" {
						presence <- string(e.Data)
					}
				}
			}
		}
	}()
	leave = func() { _ = res.Body.Close() }
	s.t.Cleanup(leave)
	return presence, leave
}

func TestFriendsSeeEachOtherComeAndGo(t *testing.T) {
	t.Parallel()
	s := start(t)
	mina, minas := s.signUp("mina")
	joon, joons := s.signUp("joon")
	_, strangers := s.signUp("stranger")
	for token, friend := range map[string]int64{minas: joon, joons: mina} {
		me := map[string]int64{minas: mina, joons: joon}[token]
		if status, answer := s.call("POST", fmt.Sprintf("%s/accounts/%d/friends/%d/", s.http, me, friend), token, ""); status != 201 {
			t.Fatalf("friends: %d %v", status, answer)
		}
	}
	told, _ := s.watch(minas)
	stranger, _ := s.watch(strangers)
	says := func(want string) {
		t.Helper()
		select {
		case got := <-told:
			if got != fmt.Sprintf(`{"user_id":%d,"online":%s}`, joon, want) {
				t.Errorf("told %s, want %s", got, want)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("not told that joon is online: %s", want)
		}
	}
	list := func(want string) {
		t.Helper()
		_, answer := s.call("GET", fmt.Sprintf("%s/accounts/%d/friends/", s.http, mina), minas, "")
		if !strings.Contains(answer["text"].(string), `"online":`+want) {
			t.Errorf("the list says %s, want %s", answer["text"], want)
		}
	}
	list("false")
	_, leave := s.watch(joons)
	says("true")
	list("true")
	s.call("PATCH", s.http+"/accounts/me/", joons, `{"presence":false}`)
	says("false")
	list("null")
	s.call("PATCH", s.http+"/accounts/me/", joons, `{"presence":true}`)
	says("true")
	list("true")
	leave()
	// A stream that is not written to does not notice; the next ping of an event does, and then the grace begins.
	s.call("POST", s.http+"/accounts/logout/", joons, "")
	says("false")
	list("false")
	if len(stranger) > 0 {
		t.Errorf("a stranger was told %s", <-stranger)
	}
}
