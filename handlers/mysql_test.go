package handlers_test

import (
	"testing"

	"doran/chat"
	"doran/handlers"
	"doran/internal/testenv"
)

// What the domain's own tests do not see: that one conversation reads the same over HTTP on every database.
func TestAConversationOnEveryDatabase(t *testing.T) {
	t.Parallel()
	testenv.Databases(t, func(t *testing.T, url string) {
		s, stop := start(url, func(*handlers.Config, *chat.Config) {})
		t.Cleanup(stop)
		p, other := s.person(t, "Minji"), s.person(t, "준호")
		id := p.group(other)
		message := p.sends(id, "안녕하세요 👋🏽 ß ẞ 𝕏")
		other.says("POST", `{"content":"오랜만이에요","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 201)
		other.says("POST", `{"content":"오랜만이에요","client_id":"c-1"}`, "/chats/{}/messages/", id).must(t, 200)
		other.says("POST", `{"content":"두 번째","client_id":"C-1"}`, "/chats/{}/messages/", id).must(t, 201)
		p.does("PATCH", "/chats/{}/users/{}/messages/{}/", id, p, message).must(t, 200)
		p.says("PATCH", `{"content":"안녕하세요!"}`, "/chats/{}/messages/{}/", id, message).must(t, 200)
		page := p.does("GET", "/chats/{}/messages/?limit=2", id).must(t, 200).object(t)
		if got := page["messages"].([]any); len(got) != 2 || page["has_more"] != true {
			t.Errorf("the page is %v", page)
		}
		if got := p.does("GET", "/accounts/{}/chats/", p).must(t, 200).object(t)["chats"].([]any); len(got) != 1 {
			t.Errorf("the chats are %v", got)
		}
		p.does("DELETE", "/chats/{}/", id).must(t, 204)
		other.does("GET", "/chats/{}/", id).must(t, 404)
	})
}
