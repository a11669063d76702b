package chat_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"doran/chat"
)

func TestOutbox(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		a, b := s.group(t, u...), s.group(t, u...)
		s.clock.advance(time.Minute)
		m := s.send(t, u[0], a, "x")
		must(t, second(s.MarkRead(t.Context(), u[1], a, m.ID)))
		s.send(t, u[0], b, "x")
		list := func(limit int, chats ...int64) (out []string, ids []int64) {
			t.Helper()
			events, err := s.Outbox(t.Context(), chats, limit)
			must(t, err)
			for _, e := range events {
				out = append(out, fmt.Sprintf("%d %d %s", e.ChatID, e.Version, e.Type))
				ids = append(ids, e.ID)
			}
			return out, ids
		}
		in := func(chatID int64, what string) string { return fmt.Sprint(chatID, " ", what) }
		all, ids := list(10, b, a)
		wantLines(t, "by chat, version and id", all, in(a, "1 chat.created"), in(a, "2 message.created"), in(a, "2 message.read"), in(b, "1 chat.created"), in(b, "2 message.created"))
		some, _ := list(2, a, b)
		wantLines(t, "at most two", some, all[:2]...)
		of, _ := list(10, b)
		wantLines(t, "of one", of, all[3:]...)
		none, _ := list(10)
		wantLines(t, "of none", none)

		overdue := func(before time.Time, limit int) int {
			t.Helper()
			chats, err := s.OverdueChats(t.Context(), chat.At(before), limit)
			must(t, err)
			return len(chats)
		}
		now := s.clock.Now()
		if n := overdue(now.Add(-time.Minute), 9); n != 0 {
			t.Errorf("%d chats are overdue before there was any", n)
		}
		if n := overdue(now, 9); n != 2 {
			t.Errorf("%d chats are overdue, want both, each once", n)
		}
		if n := overdue(now.Add(time.Hour), 1); n != 1 {
			t.Errorf("%d chats, asked for one", n)
		}
		must(t, s.Delivered(t.Context(), 1, ids))
		if left, _ := list(10, a, b); len(left) != 5 {
			t.Errorf("before the first epoch events went: %v are left", left)
		}
		began, err := s.BeginEpoch(t.Context(), 0, "redis")
		if err != nil || !began {
			t.Fatal(began, err)
		}
		must(t, s.Delivered(t.Context(), 1, ids[1:4]))
		left, _ := list(10, a, b)
		wantLines(t, "left", left, all[0], all[4])
		for version, want := range map[int64]bool{1: true, 2: false, 3: false} {
			if got, err := s.Outstanding(t.Context(), a, version); got != want || err != nil {
				t.Errorf("version %d outstanding: %v, %v", version, got, err)
			}
		}
		must(t, second(s.MarkRead(t.Context(), u[1], b, m.ID+1)))
		must(t, s.Delivered(t.Context(), 1, ids[4:]))
		if got, err := s.Outstanding(t.Context(), b, 2); got || err != nil {
			t.Errorf("message.read, which has no version of its own, stands for one: %v, %v", got, err)
		}
	})
}

// Of the nodes that want to begin an epoch one does, also the first one of all.
func TestOneBeginsAnEpoch(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t)}
		if number, redis, err := s.Epoch(t.Context()); number != 0 || redis != "" || err != nil {
			t.Errorf("before the first: %d, %q, %v", number, redis, err)
		}
		for after := range int64(4) {
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					began, err := nodes[i%2].BeginEpoch(t.Context(), after, fmt.Sprint("redis ", i))
					if err != nil {
						t.Error(err)
					}
					if began {
						won.Add(int64(i + 1))
						return
					}
				})
			}
			wg.Wait()
			number, redis, err := s.Epoch(t.Context())
			if want := fmt.Sprint("redis ", won.Load()-1); number != after+1 || redis != want || err != nil {
				t.Errorf("after %d: %d, %q, %v; want that of who was told so, %q", after, number, redis, err, want)
			}
		}
		if began, err := s.BeginEpoch(t.Context(), 2, "late"); began || err != nil {
			t.Errorf("after one that passed: %v, %v", began, err)
		}
	})
}

// Once an epoch has begun, nothing leaves the outbox in the name of the one before, not even what was on its way out.
func TestNothingLeavesTheOutboxInAnOldEpoch(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann")
		g := s.group(t, u...)
		must(t, second(s.BeginEpoch(t.Context(), 0, "redis")))
		for epoch := int64(1); epoch < 20; epoch++ {
			s.send(t, u[0], g, "x")
			events, err := s.Outbox(t.Context(), []int64{g}, 100)
			must(t, err)
			var ids []int64
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			gone := make(chan error, 1)
			go func() { gone <- s.Delivered(t.Context(), epoch, ids) }()
			must(t, second(s.BeginEpoch(t.Context(), epoch, "redis")))
			atBirth, err := s.Versions(t.Context(), u[0])
			must(t, err)
			must(t, <-gone)
			after, err := s.Versions(t.Context(), u[0])
			must(t, err)
			if atBirth[g] != after[g] {
				t.Fatalf("epoch %d: an inbox born at version %d waits for what has left the outbox; now it is %d", epoch, atBirth[g], after[g])
			}
		}
	})
}

func TestStays(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve")
		ann, bob := u[0], u[1]
		g, d := s.group(t, ann), s.direct(t, ann, bob) // version 1
		s.send(t, ann, g, "x")                         // 2
		must(t, third(s.AddMember(t.Context(), ann, g, bob)))
		must(t, s.RemoveMember(t.Context(), ann, g, bob)) // 4
		s.send(t, ann, g, "x")
		must(t, third(s.AddMember(t.Context(), ann, g, bob))) // 6
		want := []chat.Stay{
			{ChatID: g, UserID: ann, Joined: 1},
			{ChatID: g, UserID: bob, Joined: 3, Left: 4, JoinedSeq: 1},
			{ChatID: g, UserID: bob, Joined: 6, JoinedSeq: 2},
			{ChatID: d, UserID: ann, Joined: 1, Direct: true},
			{ChatID: d, UserID: bob, Joined: 1, Direct: true},
		}
		got, err := s.Stays(t.Context(), []int64{d, g})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("stays %+v, %v", got, err)
		}
		last, err := s.LastStays(t.Context(), []int64{bob, u[2], ann}, []int64{d, 1 << 40, g})
		if want := []chat.Stay{want[0], want[2], {ChatID: d, UserID: ann, Joined: 1}, {ChatID: d, UserID: bob, Joined: 1}}; err != nil || !slices.Equal(last, want) {
			t.Errorf("last stays %+v, %v", last, err)
		}
		must(t, s.RemoveMember(t.Context(), bob, g, bob)) // 7
		last, err = s.LastStays(t.Context(), []int64{bob}, []int64{g})
		if err != nil || len(last) != 1 || last[0].Joined != 6 || last[0].Left != 7 {
			t.Errorf("last stays of who left %+v, %v", last, err)
		}
		s.takeEvents(t, g, nil)
		s.takeEvents(t, d, nil)
		versions, err := s.Versions(t.Context(), bob)
		if err != nil || len(versions) != 2 || versions[g] != 7 || versions[d] != 1 {
			t.Errorf("versions %v, %v", versions, err)
		}
		s.send(t, ann, g, "x")
		s.send(t, ann, g, "x")
		m := s.send(t, ann, d, "x")
		s.takeEvents(t, d, nil)
		must(t, second(s.MarkRead(t.Context(), bob, d, m.ID)))
		versions, err = s.Versions(t.Context(), bob)
		if err != nil || versions[g] != 7 || versions[d] != 2 {
			t.Errorf("versions while events stand in the outbox %v, %v", versions, err)
		}
		if versions, err := s.Versions(t.Context(), u[2]); err != nil || len(versions) != 0 {
			t.Errorf("versions of who is nowhere %v, %v", versions, err)
		}
	})
}

func TestBodiesAndInfos(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "a1", "a2", "a3", "a4", "a5", "a6", "a7")
		g, d := s.group(t, u...), s.direct(t, u[1], u[0])
		m, _, err := s.SendMessage(t.Context(), u[0], g, "x", "key")
		must(t, err)
		bodies, err := s.Bodies(t.Context(), []int64{m.ID, 1 << 40})
		if err != nil || len(bodies) != 1 || *bodies[0].ClientID != "key" || bodies[0].Content != "x" || bodies[0].CreatedAt != m.CreatedAt {
			t.Errorf("bodies %+v, %v", bodies, err)
		}
		must(t, s.RemoveMember(t.Context(), u[0], g, u[0]))
		must(t, s.DeleteChat(t.Context(), u[0], d))
		infos, err := s.Infos(t.Context(), []int64{d, g, 1 << 40})
		must(t, err)
		shown := map[int64][]int64{}
		for _, info := range infos {
			for _, user := range info.Users {
				shown[info.ID] = append(shown[info.ID], user.ID)
			}
		}
		if len(infos) != 2 || !slices.Equal(shown[g], u[1:6]) || !slices.Equal(shown[d], u[:2]) || infos[0].MemberCount != 6 || infos[1].MemberCount != 2 || *infos[0].OwnerID != u[1] {
			t.Errorf("infos %+v", infos)
		}
		for _, none := range [][]int64{nil, {}} {
			bodies, err1 := s.Bodies(t.Context(), none)
			infos, err2 := s.Infos(t.Context(), none)
			stays, err3 := s.Stays(t.Context(), none)
			last, err4 := s.LastStays(t.Context(), none, none)
			if len(bodies)+len(infos)+len(stays)+len(last) != 0 || err1 != nil || err2 != nil || err3 != nil || err4 != nil {
				t.Errorf("of none: %v, %v, %v, %v; %v, %v, %v, %v", bodies, infos, stays, last, err1, err2, err3, err4)
			}
		}
	})
}
