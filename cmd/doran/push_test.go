package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A device's log says what the parts of a server made of a message together: it is connected, it has polled, this server has no FCM.
func TestPush(t *testing.T) {
	t.Parallel()
	s := start(t, "DORAN_RATE_LIMITS=off")
	_, mina := s.signUp("mina")
	id, narae := s.signUp("narae")
	device := fmt.Sprintf("%s/accounts/%d/devices/phone/", s.http, id)
	if status, answer := s.call("PUT", device, narae, `{"kind":"fcm","token":"t"}`); status != 201 {
		t.Fatalf("%d %v", status, answer)
	}
	says := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			_, answer := s.call("GET", device+"log/", narae, "")
			if log, _ := answer["log"].([]any); len(log) > 0 && log[0].(map[string]any)["result"] == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the log is %v, want %s", answer, want)
			}
		}
	}
	_, chat := s.call("POST", s.http+"/chats/", mina, fmt.Sprintf(`{"user_ids":[%d]}`, id))
	messages := fmt.Sprintf("%s/chats/%.0f/messages/", s.http, chat["id"])
	says("off")
	s.call("POST", messages, mina, `{"content":"hello"}`)
	says("waiting")

	_, now := s.call("GET", s.http+"/realtime/poll", narae, "")
	polled := make(chan string, 1)
	go func() {
		_, answer := s.call("GET", fmt.Sprintf("%s/realtime/poll?wait=60&after=%s", s.http, now["cursor"]), narae, "")
		polled <- answer["text"].(string)
	}()
	s.await("/metrics", `doran_realtime_connections{transport="poll"} 1`)
	s.call("POST", messages, mina, `{"content":"are you there?"}`)
	if text := <-polled; !strings.Contains(text, "are you there?") {
		t.Errorf("the poll brought %s", text)
	}
	says("foreground")
	says("off") // its grace is over, it has not said that it has the message, and nobody has read it
	s.end()
}
