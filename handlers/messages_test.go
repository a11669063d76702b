package handlers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSending(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "sender"), shared.person(t, "other")
	id := p.group(other)
	for name, c := range map[string]struct {
		body   string
		status int
		fields []string
	}{
		"nothing":                  {`{}`, 422, []string{"content required"}},
		"null":                     {`{"content":null}`, 422, []string{"content type"}},
		"a number":                 {`{"content":7}`, 422, []string{"content type"}},
		"empty":                    {`{"content":""}`, 422, []string{"content too_short"}},
		"white space":              {`{"content":" \n\t"}`, 422, []string{"content blank"}},
		"invisible":                {`{"content":"\u200b\u2060"}`, 422, []string{"content blank"}},
		"4,000 characters":         {`{"content":"` + strings.Repeat("가", 4000) + `"}`, 201, nil},
		"4,001 characters":         {`{"content":"` + strings.Repeat("가", 4001) + `"}`, 422, []string{"content too_long"}},
		"4,000 emoji, escaped":     {`{"content":"` + strings.Repeat(`\ud83d\ude00`, 4000) + `"}`, 201, nil},
		"another's name on it":     {fmt.Sprintf(`{"content":"x","sender_id":%d}`, other.id), 422, []string{"sender_id unknown"}},
		"two unknown fields":       {`{"content":"x","b":1,"a":2}`, 422, []string{"a unknown", "b unknown"}},
		"an empty client_id":       {`{"content":"x","client_id":""}`, 422, []string{"client_id too_short"}},
		"a client_id of null":      {`{"content":"x","client_id":null}`, 422, []string{"client_id type"}},
		"a client_id with a slash": {`{"content":"x","client_id":"a/b"}`, 422, []string{"client_id invalid"}},
		"a client_id of 64":        {`{"content":"x","client_id":"` + strings.Repeat("a", 64) + `"}`, 201, nil},
		"a client_id of 65":        {`{"content":"x","client_id":"` + strings.Repeat("a", 65) + `"}`, 422, []string{"client_id too_long"}},
		"an array":                 {`[]`, 422, []string{"body type"}},
		"a string":                 {`"hello"`, 422, []string{"body type"}},
		"quotes and line breaks":   {`{"content":"'\"\\\r\n"}`, 201, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := p.says("POST", c.body, "/chats/{}/messages/", id).must(t, c.status)
			if diff := cmp.Diff(c.fields, a.fieldErrors(t)); diff != "" {
				t.Error(diff)
			}
			if c.status != 201 {
				return
			}
			var sent, got struct{ Content string }
			must(json.Unmarshal([]byte(c.body), &sent))
			must(json.Unmarshal(a.body, &got))
			if got != sent {
				t.Errorf("the content came back as %.80q", got.Content)
			}
		})
	}
}

func TestSendingOnce(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "sender"), shared.person(t, "other")
	id, second := p.group(other), p.group()
	first := p.says("POST", `{"content":"once","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 201)
	if got := first.object(t)["client_id"]; got != "c-1" {
		t.Errorf("the sender sees the client_id %v", got)
	}
	again := p.says("POST", `{"content":"once","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 200)
	if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" {
		t.Error(diff)
	}
	for body, chatID := range map[string]int64{`{"content":"twice","client_id":"c-1"}`: id, `{"content":"once","client_id":"c-1"}`: second} {
		if a := p.says("POST", body, "/chats/{}/messages/", chatID).must(t, 409); a.code(t) != "client_id_reused" {
			t.Errorf("%s: the code is %s", body, a.code(t))
		}
	}
	other.says("POST", `{"content":"mine","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 201)
	messages := other.does("GET", "/chats/{}/messages/", id).must(t, 200)
	if strings.Count(string(messages.body), `"c-1"`) != 1 {
		t.Errorf("a member sees another's client_id: %s", messages.body)
	}
	p.does("DELETE", "/chats/{}/users/{}/", id, p).must(t, 204)
	p.says("POST", `{"content":"once","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 200)
	p.says("POST", `{"content":"more"}`, "/chats/{}/messages/", id).must(t, 404)
}

func TestReadingPages(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "writer")
	id := p.group()
	var sent []int64
	for i := range 7 {
		sent = append(sent, p.sends(id, fmt.Sprint("message ", i)))
	}
	for query, want := range map[string]struct {
		ids  []int64
		more bool
	}{
		"":                                     {sent, false},
		"limit=3":                              {sent[4:], true},
		fmt.Sprint("limit=3&before=", sent[4]): {sent[1:4], true},
		fmt.Sprint("limit=3&before=", sent[3]): {sent[:3], false},
		fmt.Sprint("before=", sent[0]):         {nil, false},
		"limit=3&after=0":                      {sent[:3], true},
		fmt.Sprint("limit=4&after=", sent[2]):  {sent[3:], false},
		"after=9007199254740991":               {nil, false},
		"limit=3&changed_after=0":              {sent[:3], true},
		"changed_after=9007199254740991":       {nil, false},
	} {
		page := p.does("GET", "/chats/{}/messages/?"+query, id).must(t, 200).object(t)
		var got []int64
		for _, m := range page["messages"].([]any) {
			got = append(got, int64(m.(map[string]any)["id"].(float64)))
		}
		if diff := cmp.Diff(want.ids, got); diff != "" || page["has_more"] != want.more {
			t.Errorf("%s: has_more is %v; %s", query, page["has_more"], diff)
		}
	}
	for query, field := range map[string]string{
		"before=1&after=1": "before conflict", "changed_after=1&after=1": "changed_after conflict", "changed_after=1&before=1": "changed_after conflict",
		"before=0": "before out_of_range", "before=-1": "before out_of_range", "before=9223372036854775808": "before out_of_range", "before=01": "before out_of_range",
		"before=1.0": "before type", "before=%2B1": "before type", "before=abc": "before type", "before=": "before type", "before=1&before=2": "before duplicate",
		"after=99999999999999999999999": "after out_of_range", "changed_after=-1": "changed_after out_of_range", "changed_after=%ff": "changed_after invalid",
		"limit=0": "limit out_of_range", "limit=-1": "limit out_of_range", "limit=101": "limit out_of_range", "limit=1.5": "limit type", "limit=abc": "limit type",
		"limit=%zz": "query invalid",
	} {
		a := p.does("GET", "/chats/{}/messages/?"+query, id).must(t, 422)
		if diff := cmp.Diff([]string{field}, a.fieldErrors(t)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestEditingAndDeleting(t *testing.T) {
	t.Parallel()
	owner, sender, member, stranger := shared.person(t, "owner"), shared.person(t, "sender"), shared.person(t, "member"), shared.person(t, "stranger")
	id := owner.group(sender, member)
	message := sender.sends(id, "a secret of "+t.Name())
	path := fmt.Sprintf("/chats/%d/messages/%d/", id, message)

	edited := sender.says("PATCH", `{"content":"better said"}`, path).must(t, 200).object(t)
	if edited["content"] != "better said" || edited["edited_at"] == nil {
		t.Errorf("edited, it is %v", edited)
	}
	owner.says("PATCH", `{"content":"not mine"}`, path).must(t, 403)
	member.says("PATCH", `{"content":"not mine"}`, path).must(t, 403)
	member.says("PATCH", `{"deleted":true}`, path).must(t, 403)
	stranger.says("PATCH", `{"deleted":true}`, path).must(t, 404)
	for body, field := range map[string]string{
		`{}`: "content required", `{"deleted":false}`: "deleted invalid", `{"deleted":1}`: "deleted type", `{"content":null}`: "content type",
		`{"deleted":true,"content":"x"}`: "content conflict", `{"content":" "}`: "content blank", `{"content":"x","seq":1}`: "seq unknown",
	} {
		a := sender.says("PATCH", body, path).must(t, 422)
		if diff := cmp.Diff([]string{field}, a.fieldErrors(t)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}

	deleted := owner.does("PATCH", path).must(t, 200)
	if m := deleted.object(t); m["content"] != "삭제된 메세지 입니다." || m["deleted"] != true {
		t.Errorf("deleted, it is %v", m)
	}
	if again := sender.says("PATCH", `{"deleted":true}`, path).must(t, 200); again.object(t)["version"] != deleted.object(t)["version"] {
		t.Errorf("deleting again changes %s to %s", deleted.body, again.body)
	}
	if a := sender.says("PATCH", `{"content":"back"}`, path).must(t, 409); a.code(t) != "message_deleted" {
		t.Errorf("the code is %s", a.code(t))
	}
	page := member.does("GET", "/chats/{}/messages/", id).must(t, 200)
	for _, gone := range []string{"secret", "better said"} {
		if strings.Contains(string(page.body), gone) {
			t.Errorf("the deleted text %q is still there: %s", gone, page.body)
		}
	}
}

func TestSendingInADirectChat(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "one"), shared.person(t, "other")
	id := p.direct(other)
	message := p.sends(id, "hello")
	other.does("POST", "/accounts/{}/blocks/{}/", other, p).must(t, 201)
	for _, each := range []*person{p, other} {
		if a := each.says("POST", `{"content":"?"}`, "/chats/{}/messages/", id).must(t, 403); a.code(t) != "blocked" {
			t.Errorf("the code is %s", a.code(t))
		}
		each.does("POST", "/chats/{}/typing/", id).must(t, 403)
	}
	p.says("PATCH", `{"content":"?"}`, "/chats/{}/messages/{}/", id, message).must(t, 403)
	p.does("PATCH", "/chats/{}/messages/{}/", id, message).must(t, 200)
	other.does("DELETE", "/accounts/{}/blocks/{}/", other, p).must(t, 204)
	other.says("DELETE", `{"password":"`+password+`"}`, "/accounts/me/").must(t, 204)
	if a := p.says("POST", `{"content":"?"}`, "/chats/{}/messages/", id).must(t, 403); a.code(t) != "user_gone" {
		t.Errorf("the code is %s", a.code(t))
	}
	p.does("GET", "/chats/{}/messages/", id).must(t, 200)
}
