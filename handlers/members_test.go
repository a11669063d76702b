package handlers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	owner, member, joiner, stranger := shared.person(t, "owner"), shared.person(t, "member"), shared.person(t, "joiner"), shared.person(t, "stranger")
	id := owner.group(member)
	before := owner.sends(id, "before you came")

	added := member.does("POST", "/chats/{}/users/{}/", id, joiner).must(t, 201).object(t)
	if added["role"] != "member" || added["username"] != joiner.name {
		t.Errorf("the new member is %v", added)
	}
	member.says("POST", `{}`, "/chats/{}/users/{}/", id, joiner).must(t, 200)
	member.says("POST", `{"role":"owner"}`, "/chats/{}/users/{}/", id, stranger).must(t, 422)
	stranger.does("POST", "/chats/{}/users/{}/", id, stranger).must(t, 404)
	owner.does("POST", "/chats/{}/users/999999999/", id).must(t, 404)
	if diff := cmp.Diff([]int64{owner.id, member.id, joiner.id}, listed(t, joiner.does("GET", "/chats/{}/users/", id), "users")); diff != "" {
		t.Error(diff)
	}
	stranger.does("GET", "/chats/{}/users/", id).must(t, 404)
	if got := joiner.does("GET", "/chats/{}/messages/", id).must(t, 200).object(t)["messages"].([]any); len(got) != 0 {
		t.Errorf("the new member sees %v from before", got)
	}
	joiner.does("PATCH", "/chats/{}/messages/{}/", id, before).must(t, 404)

	member.does("DELETE", "/chats/{}/users/{}/", id, joiner).must(t, 403)
	stranger.does("DELETE", "/chats/{}/users/{}/", id, joiner).must(t, 404)
	owner.does("DELETE", "/chats/{}/users/{}/", id, stranger).must(t, 404)
	owner.does("DELETE", "/chats/{}/users/{}/", id, joiner).must(t, 204)
	joiner.does("GET", "/chats/{}/", id).must(t, 404)
	owner.does("DELETE", "/chats/{}/users/{}/", id, owner).must(t, 204)
	if got := member.does("GET", "/chats/{}/", id).must(t, 200).object(t)["owner_id"]; got != float64(member.id) {
		t.Errorf("the owner who left handed over to %v, want %d", got, member.id)
	}

	direct := owner.direct(member)
	if a := owner.does("POST", "/chats/{}/users/{}/", direct, joiner).must(t, 403); a.code(t) != "direct_chat" {
		t.Errorf("the code is %s", a.code(t))
	}
	joiner.does("POST", "/accounts/{}/blocks/{}/", joiner, member).must(t, 201)
	if a := member.does("POST", "/chats/{}/users/{}/", id, joiner).must(t, 403); a.code(t) != "blocked" {
		t.Errorf("the code is %s", a.code(t))
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	p, other, stranger := shared.person(t, "reader"), shared.person(t, "writer"), shared.person(t, "stranger")
	id := p.group(other)
	first, second := other.sends(id, "one"), other.sends(id, "two")
	elsewhere := other.sends(other.group(), "elsewhere")

	marker := func(message int64) any {
		t.Helper()
		return p.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, p, message).must(t, 200).object(t)["last_message_id"]
	}
	if got := marker(second); got != float64(second) {
		t.Errorf("the marker is %v, want %d", got, second)
	}
	if got := marker(first); got != float64(second) {
		t.Errorf("an older message moves the marker back to %v", got)
	}
	if got := p.does("GET", "/chats/{}/", id).must(t, 200).object(t)["unread_count"]; got != 0.0 {
		t.Errorf("%v are unread", got)
	}
	p.says("PATCH", `{}`, "/chats/{}/users/{}/messages/{}/", id, p, first).must(t, 200)
	p.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, p, elsewhere).must(t, 404)
	p.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, other, first).must(t, 403)
	stranger.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, stranger, first).must(t, 404)
	stranger.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, other, first).must(t, 404)
}

func TestMuting(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "sleeper"), shared.person(t, "other")
	id := p.group(other)
	if me := p.says("PATCH", `{"muted":true}`, "/chats/{}/users/{}/", id, p).must(t, 200).object(t); me["muted"] != true {
		t.Errorf("my membership is %v", me)
	}
	if got := p.does("GET", "/chats/{}/", id).must(t, 200).object(t)["muted"]; got != true {
		t.Errorf("muted is %v", got)
	}
	p.says("PATCH", `{"muted":1}`, "/chats/{}/users/{}/", id, p).must(t, 422)
	p.says("PATCH", `{"muted":true}`, "/chats/{}/users/{}/", id, other).must(t, 403)
}
