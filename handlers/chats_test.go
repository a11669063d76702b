package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpeningChats(t *testing.T) {
	t.Parallel()
	p, one, two := shared.person(t, "opener"), shared.person(t, "one"), shared.person(t, "two")
	for name, c := range map[string]struct {
		body   string
		status int
		fields []string
	}{
		"a group":                  {fmt.Sprintf(`{"user_ids":[%d,%d],"title":"Hiking"}`, one.id, two.id), 201, nil},
		"a group of one":           {`{"user_ids":[]}`, 201, nil},
		"no users":                 {`{}`, 422, []string{"user_ids required"}},
		"null":                     {`{"user_ids":null}`, 422, []string{"user_ids type"}},
		"one id for many":          {fmt.Sprintf(`{"user_ids":%d}`, one.id), 422, []string{"user_ids type"}},
		"ids as strings":           {fmt.Sprintf(`{"user_ids":["%d"]}`, one.id), 422, []string{"user_ids type"}},
		"ids with a point":         {`{"user_ids":[1.0]}`, 422, []string{"user_ids type"}},
		"ids with an exponent":     {`{"user_ids":[1e2]}`, 422, []string{"user_ids type"}},
		"an id past int64":         {`{"user_ids":[9223372036854775808]}`, 422, []string{"user_ids out_of_range"}},
		"an id past 2^53":          {`{"user_ids":[9007199254740992]}`, 422, []string{"user_ids out_of_range"}},
		"a negative id":            {`{"user_ids":[-1]}`, 422, []string{"user_ids out_of_range"}},
		"the id 0":                 {`{"user_ids":[0]}`, 422, []string{"user_ids out_of_range"}},
		"an unknown id":            {`{"user_ids":[999999999]}`, 422, []string{"user_ids not_found"}},
		"a doubled id":             {fmt.Sprintf(`{"user_ids":[%d,%[1]d]}`, one.id), 422, []string{"user_ids duplicate"}},
		"the own id":               {fmt.Sprintf(`{"user_ids":[%d]}`, p.id), 422, []string{"user_ids invalid"}},
		"a long title":             {`{"user_ids":[],"title":"` + strings.Repeat("가", 101) + `"}`, 422, []string{"title too_long"}},
		"a title that just fits":   {`{"user_ids":[],"title":"` + strings.Repeat("가", 100) + `"}`, 201, nil},
		"another kind":             {`{"user_ids":[],"kind":"channel"}`, 422, []string{"kind invalid"}},
		"an empty kind":            {`{"user_ids":[],"kind":""}`, 422, []string{"kind too_short"}},
		"an empty client_id":       {`{"user_ids":[],"client_id":""}`, 422, []string{"client_id too_short"}},
		"a client_id with a space": {`{"user_ids":[],"client_id":"a b"}`, 422, []string{"client_id invalid"}},
		"direct with two":          {fmt.Sprintf(`{"user_ids":[%d,%d],"kind":"direct"}`, one.id, two.id), 422, []string{"user_ids invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := p.says("POST", c.body, "/chats/").must(t, c.status)
			if diff := cmp.Diff(c.fields, a.fieldErrors(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADirectChatIsOne(t *testing.T) {
	t.Parallel()
	p, other := shared.person(t, "one"), shared.person(t, "other")
	direct := fmt.Sprintf(`{"user_ids":[%d],"kind":"direct"}`, other.id)
	first := p.says("POST", direct, "/chats/").must(t, 201)
	if got := p.says("POST", direct, "/chats/").must(t, 200).id(t); got != first.id(t) {
		t.Errorf("the second direct chat is %d, not %d", got, first.id(t))
	}
	if got := other.direct(p); got != first.id(t) {
		t.Errorf("the direct chat of the other side is %d, not %d", got, first.id(t))
	}
	other.does("POST", "/accounts/{}/blocks/{}/", other, p).must(t, 201)
	p.says("POST", direct, "/chats/").must(t, 200)

	stranger := shared.person(t, "stranger")
	stranger.does("POST", "/accounts/{}/blocks/{}/", stranger, p).must(t, 201)
	if a := p.says("POST", fmt.Sprintf(`{"user_ids":[%d],"kind":"direct"}`, stranger.id), "/chats/").must(t, 403); a.code(t) != "blocked" {
		t.Errorf("the code is %s", a.code(t))
	}
}

func TestAChatIsMadeOnce(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "maker")
	first := p.says("POST", `{"user_ids":[],"title":"Books","client_id":"books-1"}`, "/chats/").must(t, 201)
	if again := p.says("POST", `{"user_ids":[],"title":"Books","client_id":"books-1"}`, "/chats/").must(t, 200); again.id(t) != first.id(t) {
		t.Errorf("the same client_id made chat %d after %d", again.id(t), first.id(t))
	}
	if a := p.says("POST", `{"user_ids":[],"title":"Films","client_id":"books-1"}`, "/chats/").must(t, 409); a.code(t) != "client_id_reused" {
		t.Errorf("the code is %s", a.code(t))
	}
	p.does("DELETE", "/chats/{}/", first.id(t)).must(t, 204)
	p.says("POST", `{"user_ids":[],"title":"Books","client_id":"books-1"}`, "/chats/").must(t, 404)
}

func TestListingChats(t *testing.T) {
	t.Parallel()
	p := shared.person(t, "lister")
	var ids []int64
	for range 5 {
		ids = append(ids, p.group())
	}
	p.sends(ids[1], "this one moves up")
	newestFirst := []int64{ids[1], ids[4], ids[3], ids[2], ids[0]}

	pages := func(query, next string) (got []int64) {
		for range 10 {
			page := p.does("GET", "/accounts/{}/chats/?"+query, p).must(t, 200).object(t)
			for _, c := range page["chats"].([]any) {
				got = append(got, int64(c.(map[string]any)["id"].(float64)))
			}
			if page["next"] == nil {
				return got
			}
			query = "limit=2&" + next + "=" + page["next"].(string)
		}
		t.Error("the pages do not end")
		return got
	}
	if diff := cmp.Diff(newestFirst, pages("limit=2", "next")); diff != "" {
		t.Errorf("the newest first: %s", diff)
	}
	if diff := cmp.Diff(ids, pages("limit=2&after=0", "after")); diff != "" {
		t.Errorf("by id: %s", diff)
	}
	if diff := cmp.Diff(ids[3:], pages(fmt.Sprintf("after=%d", ids[2]), "after")); diff != "" {
		t.Errorf("after the third: %s", diff)
	}
	for query, field := range map[string]string{
		"next=x": "next invalid", "next=": "next invalid", "next=1.1&after=1": "next conflict", "after=x": "after type", "after=-1": "after out_of_range",
		"after=": "after type", "limit=0": "limit out_of_range", "limit=101": "limit out_of_range", "limit=2&limit=2": "limit duplicate",
	} {
		a := p.does("GET", "/accounts/{}/chats/?"+query, p).must(t, 422)
		if diff := cmp.Diff([]string{field}, a.fieldErrors(t)); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestAChatOfAGroup(t *testing.T) {
	t.Parallel()
	p, member, stranger := shared.person(t, "owner"), shared.person(t, "member"), shared.person(t, "stranger")
	id := p.group(member)
	p.sends(id, "안녕하세요")
	mine := member.does("GET", "/chats/{}/", id).must(t, 200).object(t)
	if mine["unread_count"] != 1.0 || mine["owner_id"] != float64(p.id) || mine["last_message"].(map[string]any)["content"] != "안녕하세요" {
		t.Errorf("the member's chat is %v", mine)
	}
	if got := p.says("PATCH", `{"title":"Climbing"}`, "/chats/{}/", id).must(t, 200).object(t)["title"]; got != "Climbing" {
		t.Errorf("the title is %v", got)
	}
	p.says("PATCH", `{"title":""}`, "/chats/{}/", id).must(t, 200)
	p.says("PATCH", `{}`, "/chats/{}/", id).must(t, 422)
	member.says("PATCH", `{"title":"Mine"}`, "/chats/{}/", id).must(t, 403)
	stranger.says("PATCH", `{"title":"Mine"}`, "/chats/{}/", id).must(t, 404)
	member.does("POST", "/chats/{}/typing/", id).must(t, 204)
	stranger.does("POST", "/chats/{}/typing/", id).must(t, 404)
	member.does("DELETE", "/chats/{}/", id).must(t, 403)
	p.does("DELETE", "/chats/{}/", id).must(t, 204)
	for _, each := range []*person{p, member, stranger} {
		each.does("GET", "/chats/{}/", id).must(t, 404)
	}
	direct := p.direct(member)
	if a := p.says("PATCH", `{"title":"Two"}`, "/chats/{}/", direct).must(t, 403); a.code(t) != "direct_chat" {
		t.Errorf("the code is %s", a.code(t))
	}
	p.does("DELETE", "/chats/{}/", direct).must(t, 204)
	p.does("GET", "/chats/{}/", direct).must(t, 404)
	member.does("GET", "/chats/{}/", direct).must(t, 200)
}
