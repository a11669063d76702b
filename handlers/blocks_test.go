package handlers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "blocker"), shared.person(t, "blocked")
	p.does("POST", "/accounts/{}/friends/{}/", p, other).must(t, 201)
	p.does("POST", "/accounts/{}/blocks/{}/", p, other).must(t, 201)
	p.does("POST", "/accounts/{}/blocks/{}/", p, other).must(t, 200)
	if diff := cmp.Diff([]int64{other.id}, listed(t, p.does("GET", "/accounts/{}/blocks/", p), "blocks")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{}, listed(t, p.does("GET", "/accounts/{}/friends/", p), "friends")); diff != "" {
		t.Errorf("blocking leaves the friendship: %s", diff)
	}
	p.does("POST", "/accounts/{}/blocks/{}/", p, p).must(t, 422)
	p.does("POST", "/accounts/{}/blocks/{}/", p, 999999999).must(t, 404)
	other.does("GET", "/accounts/{}/blocks/", p).must(t, 403)
	p.does("DELETE", "/accounts/{}/blocks/{}/", p, other).must(t, 204)
	p.does("DELETE", "/accounts/{}/blocks/{}/", p, other).must(t, 204)
	if diff := cmp.Diff([]int64{}, listed(t, p.does("GET", "/accounts/{}/blocks/", p), "blocks")); diff != "" {
		t.Error(diff)
	}
}
