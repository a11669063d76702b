package handlers_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// person is a user with a token.
type person struct {
	*server
	t     testing.TB
	id    int64
	name  string
	token string
}

const password = "correct horse battery"

var people atomic.Int64

// person signs up somebody whose name is like this one.
func (s *server) person(t testing.TB, name string) *person {
	t.Helper()
	name = fmt.Sprintf("%s%d", name, people.Add(1))
	a := s.call(t, "", "POST", "/accounts/signup/", fmt.Sprintf(`{"username":%q,"password":%q,"device":"Laptop"}`, name, password)).must(t, 201)
	signedIn := a.object(t)
	return &person{s, t, int64(signedIn["user"].(map[string]any)["id"].(float64)), name, signedIn["token"].(string)}
}

// String is the id.
func (p *person) String() string { return fmt.Sprint(p.id) }

// does sends a request in the person's name. Each {} of the path is the next of these ids.
func (p *person) does(method, path string, ids ...any) answer {
	p.t.Helper()
	return p.says(method, "", path, ids...)
}

// says does so with a body.
func (p *person) says(method, body, path string, ids ...any) answer {
	p.t.Helper()
	for _, id := range ids {
		path = strings.Replace(path, "{}", fmt.Sprint(id), 1)
	}
	return p.call(p.t, p.token, method, path, body)
}

// group opens one with these others.
func (p *person) group(others ...*person) int64 {
	p.t.Helper()
	return p.says("POST", fmt.Sprintf(`{"user_ids":[%s],"title":"Hiking"}`, joinIDs(others)), "/chats/").must(p.t, 201).id(p.t)
}

func (p *person) direct(other *person) int64 {
	p.t.Helper()
	a := p.says("POST", fmt.Sprintf(`{"user_ids":[%d],"kind":"direct"}`, other.id), "/chats/")
	if a.status != 200 {
		a.must(p.t, 201)
	}
	return a.id(p.t)
}

func (p *person) sends(chatID int64, content string) int64 {
	p.t.Helper()
	return p.says("POST", fmt.Sprintf(`{"content":%q}`, content), "/chats/{}/messages/", chatID).must(p.t, 201).id(p.t)
}

func joinIDs(others []*person) string {
	var ids []string
	for _, other := range others {
		ids = append(ids, fmt.Sprint(other.id))
	}
	return strings.Join(ids, ",")
}
