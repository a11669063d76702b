package chat_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"doran/chat"
)

func TestPagesOfChats(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve")
		a, b, c := s.group(t, u[0]), s.direct(t, u[0], u[1]), s.group(t, u[0]) // all at one time
		s.group(t, u[2])                                                       // of somebody else
		left := s.group(t, u[0], u[1])
		must(t, s.RemoveMember(t.Context(), u[0], left, u[0]))
		s.clock.advance(time.Millisecond)
		s.send(t, u[0], a, "x")
		d := s.group(t, u[0])
		list := func(p chat.Page) (ids []int64, next *string) {
			t.Helper()
			page, err := s.Chats(t.Context(), u[0], p)
			must(t, err)
			for _, c := range page.Chats {
				ids = append(ids, c.ID)
			}
			return ids, page.Next
		}
		for _, p := range []struct {
			name string
			page chat.Page
			want []int64
		}{
			{"newest first", chat.Page{}, []int64{d, a, c, b}},
			{"by id", chat.Page{AfterSet: true}, []int64{a, b, c, d}},
			{"by id, after", chat.Page{AfterSet: true, After: b}, []int64{c, d}},
		} {
			for limit := 1; limit <= 5; limit++ {
				var got []int64
				page := p.page
				page.Limit = limit
				for calls := 1; ; calls++ {
					ids, next := list(page)
					got = append(got, ids...)
					if next == nil {
						if want := max(1, (len(p.want)+limit-1)/limit); calls != want {
							t.Errorf("%s by %d: %d pages, want %d", p.name, limit, calls, want)
						}
						break
					}
					if page.AfterSet && *next != fmt.Sprint(ids[len(ids)-1]) {
						t.Errorf("%s: next is %q after %v", p.name, *next, ids)
					}
					page.Next, page.After = *next, ids[len(ids)-1]
				}
				if !slices.Equal(got, p.want) {
					t.Errorf("%s by %d: %v, want %v", p.name, limit, got, p.want)
				}
			}
		}
		for _, next := range []string{"x", "1", "1.", ".1", "1.2.3", "-1.1", "1.0", "01.1", "1.01", "99999999999999999999.1", "999999999999999.1", "1.99999999999999999999", " 1.1"} {
			_, err := s.Chats(t.Context(), u[0], chat.Page{Limit: 1, Next: next})
			wantField(t, err, "next", "invalid")
		}
	})
}

// A page of chats takes as many questions whether there are two or forty on it.
func TestAPageOfChatsTakesAFixedNumberOfQuestions(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		var n atomic.Int64
		node := s.watched(t, func(string) { n.Add(1) })
		var names []string
		for i := range 20 {
			names = append(names, fmt.Sprint("user", i))
		}
		u := s.users(t, names...)
		took := map[int]int64{}
		for i, other := range u[1:] {
			g := s.group(t, u[0], other)
			s.send(t, u[0], g, "x")
			s.send(t, other, s.direct(t, other, u[0]), "x")
			n.Store(0)
			page, err := node.Chats(t.Context(), u[0], chat.Page{Limit: 100})
			must(t, err)
			if len(page.Chats) != 2*(i+1) {
				t.Fatalf("%d chats on the page", len(page.Chats))
			}
			for _, c := range page.Chats {
				if c.LastMessage == nil || len(c.Users) != 2 {
					t.Fatalf("shows %+v", c)
				}
			}
			took[len(page.Chats)] = n.Load()
		}
		if took[2] != took[38] || took[38] == 0 {
			t.Errorf("questions by chats: %v", took)
		}
	})
}
