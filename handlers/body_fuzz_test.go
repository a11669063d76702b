package handlers_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever is sent, the answer is an answer: no 5xx, a problem where it is refused, and, where it is taken, the text to the letter.
func FuzzRequestBody(f *testing.F) {
	for _, seed := range []string{
		`{"content":"안녕"}`, `{"content":"a","content":"b"}`, `{"content":"a","client_id":"x.y-Z_1"}`, `{"content":"\ud800"}`, `{"content":"\ud83d\ude00"}`, `{"content":null}`,
		`{"content":["a"]}`, `{"content":{"$ne":null}}`, `{"content":"a","id":1}`, `{}`, `[]`, `null`, `"a"`, `1e999`, `{"content":"a"}{}`, "{\"content\":\"\xff\"}", "\xef\xbb\xbf{}",
		strings.Repeat("[", 10_001), `{"content":"` + strings.Repeat("a", 4001) + `"}`, `{"content":"` + "\u200b" + `"}`, `{"content":" \n "}`, `{"title":"a","user_ids":[2]}`,
		`{"user_ids":[9007199254740993]}`, `{"user_ids":[1.0]}`, `{"deleted":true}`, `{"deleted":false}`, `{"\u0063ontent":"a","content":"b"}`, `{"content":"a\u0000b"}`,
	} {
		f.Add(seed)
	}
	me := shared.person(f, "fuzzer")
	chatID := me.group(shared.person(f, "other"))
	messages := fmt.Sprintf("/chats/%d/messages/", chatID)
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 64<<10 {
			return
		}
		header := func() http.Header {
			return http.Header{"Authorization": {"Bearer " + me.token}, "Content-Type": {"application/json"}}
		}
		a := shared.send(t, "POST", messages, header(), body)
		checkTaken(t, body, a)
		if a.status == 201 {
			shared.send(t, "PATCH", fmt.Sprintf("%s%.0f/", messages, a.object(t)["id"]), header(), body)
		}
		shared.send(t, "PATCH", fmt.Sprintf("/chats/%d/", chatID), header(), body)
		shared.send(t, "POST", "/chats/", header(), body)
		shared.send(t, "PATCH", "/accounts/me/", header(), body)
	})
}

// checkTaken: what was taken is one strict object, and its text came through.
func checkTaken(t *testing.T, body string, a answer) {
	if a.status != 201 && a.status != 200 {
		return
	}
	var sent struct{ Content string }
	var strict map[string]any
	if err := json.Unmarshal([]byte(body), &strict); err != nil || !utf8.ValidString(body) {
		t.Errorf("%q was taken", body)
	}
	_ = json.Unmarshal([]byte(body), &sent)
	if got := a.object(t)["content"]; got != sent.Content && a.status == 201 {
		t.Errorf("%q was sent and %q stored", sent.Content, got)
	}
}
