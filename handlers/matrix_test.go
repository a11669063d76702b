package handlers_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"doran/handlers"
)

// The callers of the matrix, all of the same group chat but the stranger. The path's {user_id} is the caller's own, but for "another", who is
// a member and asks for the owner's.
var callers = []string{"nobody", "ended", "stranger", "friend", "blocked", "left", "member", "another", "owner"}

// expectations is what each caller is answered on one route, in the order of callers.
type expectations [9]int

// everywhere is the same answer for all who have a token.
func everywhere(status int) expectations {
	return expectations{401, 401, status, status, status, status, status, status, status}
}

// own is a path of the caller's own, which is another's for "another".
func own(status int) expectations {
	return expectations{401, 401, status, status, status, status, status, 403, status}
}

// inside is for members of the chat.
func inside(member, owner int) expectations {
	return expectations{401, 401, 404, 404, 404, 404, member, member, owner}
}

// ownInside is for a member's own place in the chat.
func ownInside(status int) expectations {
	return expectations{401, 401, 404, 404, 404, 404, status, 403, status}
}

// proves is a realtime endpoint, which finds out itself who calls; the stand-ins let everybody in.
func proves(status int) expectations {
	return expectations{status, status, status, status, status, status, status, status, status}
}

// matrix says for every route what to send and who may. A route that has no row here fails the test.
var matrix = map[string]struct {
	body string
	want expectations
}{
	"POST /accounts/signup/":   {`{}`, expectations{422, 422, 422, 422, 422, 422, 422, 422, 422}},
	"POST /accounts/login/":    {`{}`, expectations{422, 422, 422, 422, 422, 422, 422, 422, 422}},
	"POST /accounts/logout/":   {``, everywhere(204)},
	"POST /accounts/password/": {`{"old_password":"not the one","new_password":"staple in the rain"}`, everywhere(403)},
	"GET /accounts/":           {`?username=nobody`, everywhere(200)},
	"GET /accounts/me/":        {``, everywhere(200)},
	"PATCH /accounts/me/":      {`{"presence":true}`, everywhere(200)},
	"DELETE /accounts/me/":     {`{"password":"not the one"}`, everywhere(403)},
	"GET /accounts/{user_id}/": {``, everywhere(200)},

	"GET /accounts/{user_id}/tokens/":               {``, own(200)},
	"DELETE /accounts/{user_id}/tokens/{token_id}/": {``, own(404)}, // it is the owner's, whose own is 204

	"GET /accounts/{user_id}/friends/":                {``, own(200)},
	"POST /accounts/{user_id}/friends/{friend_id}/":   {``, own(201)},
	"DELETE /accounts/{user_id}/friends/{friend_id}/": {``, own(204)},
	"GET /accounts/{user_id}/blocks/":                 {``, own(200)},
	"POST /accounts/{user_id}/blocks/{target_id}/":    {``, own(201)},
	"DELETE /accounts/{user_id}/blocks/{target_id}/":  {``, own(204)},
	"GET /accounts/{user_id}/chats/":                  {``, own(200)},

	"GET /accounts/{user_id}/devices/":                 {``, own(200)},
	"PUT /accounts/{user_id}/devices/{device_id}/":     {`{"kind":"fcm","token":"the-same"}`, own(201)}, // for each the app is new
	"DELETE /accounts/{user_id}/devices/{device_id}/":  {``, own(204)},
	"GET /accounts/{user_id}/devices/{device_id}/log/": {``, own(200)},

	"POST /chats/":                  {`{"user_ids":[]}`, everywhere(201)},
	"GET /chats/{chat_id}/":         {``, inside(200, 200)},
	"PATCH /chats/{chat_id}/":       {`{"title":"Mine"}`, inside(403, 200)},
	"DELETE /chats/{chat_id}/":      {``, inside(403, 204)},
	"POST /chats/{chat_id}/typing/": {``, inside(204, 204)},

	"GET /chats/{chat_id}/messages/":                {``, inside(200, 200)},
	"POST /chats/{chat_id}/messages/":               {`{"content":"x"}`, inside(201, 201)},
	"PATCH /chats/{chat_id}/messages/{message_id}/": {``, inside(403, 200)}, // it is the owner's

	"GET /chats/{chat_id}/users/":                                   {``, inside(200, 200)},
	"POST /chats/{chat_id}/users/{user_id}/":                        {``, inside(200, 200)},
	"PATCH /chats/{chat_id}/users/{user_id}/":                       {`{"muted":true}`, ownInside(200)},
	"DELETE /chats/{chat_id}/users/{user_id}/":                      {``, expectations{401, 401, 404, 404, 404, 404, 204, 403, 204}},
	"PATCH /chats/{chat_id}/users/{user_id}/messages/{message_id}/": {``, ownInside(200)},

	"GET /realtime/ws":       {``, proves(426)},
	"GET /realtime/sse":      {``, proves(200)},
	"GET /realtime/poll":     {``, proves(200)},
	"POST /realtime/ticket/": {``, proves(200)},
	"POST /realtime/mqtt/":   {``, everywhere(200)},
	"DELETE /realtime/mqtt/": {``, everywhere(204)},
	"GET /realtime/webpush/": {``, everywhere(200)},
}

func TestTheMatrixHasEveryRoute(t *testing.T) {
	for route := range handlers.Routes(endpoints) {
		if _, ok := matrix[route]; !ok {
			t.Errorf("%s has no row in the matrix: who may call it?", route)
		}
	}
	for route := range matrix {
		if _, ok := handlers.Routes(endpoints)[route]; !ok {
			t.Errorf("%s is in the matrix, and no route", route)
		}
	}
}

// cast is one set of callers, with the chat, message and token of the owner that they all ask for.
type cast struct {
	people                 map[string]*person
	chat, message, tokenID int64
}

func newCast(t *testing.T) *cast {
	c := &cast{people: map[string]*person{}}
	for _, name := range callers {
		c.people[name] = shared.person(t, name)
	}
	owner, left := c.people["owner"], c.people["left"]
	c.chat = owner.group(left, c.people["member"], c.people["another"])
	c.message = owner.sends(c.chat, "hello")
	left.does("DELETE", "/chats/{}/users/{}/", c.chat, left).must(t, 204)
	owner.does("POST", "/accounts/{}/friends/{}/", owner, c.people["friend"]).must(t, 201)
	owner.does("POST", "/accounts/{}/blocks/{}/", owner, c.people["blocked"]).must(t, 201)
	tokens := owner.does("GET", "/accounts/{}/tokens/", owner).must(t, 200).object(t)["tokens"].([]any)
	c.tokenID = int64(tokens[0].(map[string]any)["id"].(float64))
	c.people["ended"].does("POST", "/accounts/logout/").must(t, 204)
	c.people["nobody"].token = ""
	return c
}

// asks calls a route in somebody's name, with the ids of the cast.
func (c *cast) asks(name, route string, target *person) answer {
	method, path, _ := strings.Cut(route, " ")
	userID := c.people[name].id
	if name == "another" {
		userID = c.people["owner"].id
	}
	path = strings.NewReplacer("{user_id}", fmt.Sprint(userID), "{chat_id}", fmt.Sprint(c.chat), "{message_id}", fmt.Sprint(c.message),
		"{token_id}", fmt.Sprint(c.tokenID), "{device_id}", "phone", "{friend_id}", target.String(), "{target_id}", target.String()).Replace(path)
	body := matrix[route].body
	if strings.HasPrefix(body, "?") {
		path, body = path+body, ""
	}
	return c.people[name].says(method, body, path)
}

// destructive routes take away what the others ask for.
var destructive = []string{
	"POST /accounts/logout/", "DELETE /accounts/{user_id}/tokens/{token_id}/", "DELETE /chats/{chat_id}/", "DELETE /chats/{chat_id}/users/{user_id}/",
}

// TestWhoMayDoWhat asks every route as every caller. Destructive ones get a cast of their own.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	common, target := newCast(t), shared.person(t, "target")
	for _, route := range slices.Sorted(maps.Keys(matrix)) {
		t.Run(route, func(t *testing.T) {
			c := common
			if slices.Contains(destructive, route) {
				t.Parallel()
				c = newCast(t)
			}
			for i, name := range callers {
				want := matrix[route].want[i]
				if name == "owner" && strings.Contains(route, "{token_id}") {
					want = 204
				}
				a := c.asks(name, route, target)
				if a.status != want {
					t.Errorf("%s is answered %d %s, want %d", name, a.status, a.body, want)
				}
				if a.status == 404 && strings.Contains(string(a.body), "hello") {
					t.Errorf("%s is told what they may not know: %s", name, a.body)
				}
			}
		})
	}
}
