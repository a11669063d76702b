package handlers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listed are the ids in a list of users.
func listed(t testing.TB, a answer, name string) []int64 {
	t.Helper()
	ids := []int64{}
	for _, user := range a.must(t, 200).object(t)[name].([]any) {
		ids = append(ids, int64(user.(map[string]any)["id"].(float64)))
	}
	return ids
}

func TestFriends(t *testing.T) {
	t.Parallel()
	p, one, two := shared.person(t, "friendly"), shared.person(t, "one"), shared.person(t, "two")
	friends := func(want ...int64) {
		t.Helper()
		if diff := cmp.Diff(append([]int64{}, want...), listed(t, p.does("GET", "/accounts/{}/friends/", p), "friends")); diff != "" {
			t.Error(diff)
		}
	}
	friends()
	p.does("POST", "/accounts/{}/friends/{}/", p, two).must(t, 201)
	p.says("POST", `{"action":"add"}`, "/accounts/{}/friends/{}/", p, one).must(t, 201)
	p.says("POST", `{}`, "/accounts/{}/friends/{}/", p, one).must(t, 200)
	friends(two.id, one.id)
	p.says("POST", `{"action":"remove"}`, "/accounts/{}/friends/{}/", p, two).must(t, 204)
	p.says("POST", `{"action":"remove"}`, "/accounts/{}/friends/{}/", p, two).must(t, 204)
	p.does("DELETE", "/accounts/{}/friends/{}/", p, two).must(t, 204)
	friends(one.id)

	p.does("POST", "/accounts/{}/friends/{}/", p, p).must(t, 422)
	p.does("POST", "/accounts/{}/friends/{}/", p, 999999999).must(t, 404)
	p.does("POST", "/accounts/{}/friends/me/", p).must(t, 404)
	p.says("POST", `{"action":"toggle"}`, "/accounts/{}/friends/{}/", p, two).must(t, 422)
	p.says("POST", `{"action":null}`, "/accounts/{}/friends/{}/", p, two).must(t, 422)
	one.does("GET", "/accounts/{}/friends/", p).must(t, 403)
	one.does("POST", "/accounts/{}/friends/{}/", p, two).must(t, 403)
	friends(one.id)
}
