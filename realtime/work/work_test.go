package work

import (
	"fmt"
	"testing"
	"time"

	"doran/internal/embedded"
	"doran/internal/testenv"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// onEach runs the test with two nodes on each kind of Redis.
func onEach(t *testing.T, test func(t *testing.T, a, b *Stream)) {
	t.Parallel()
	run := func(url string) func(*testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			options, err := redis.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(options)
			t.Cleanup(func() { _ = client.Close() })
			node := func(name string) *Stream {
				return &Stream{Key: "work", Group: "nodes", Node: name, Entries: 1000, Redis: func() redis.UniversalClient { return client }}
			}
			test(t, node("a"), node("b"))
		}
	}
	t.Run("redis", run(testenv.Redis(t).URL))
	r, err := embedded.StartRedis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	t.Run("embedded", run(r.URL))
}

// take takes what there is; the first call of all makes the group.
func (s *Stream) take(t *testing.T, count int64) (ids []string, users []any) {
	t.Helper()
	for range 2 {
		messages, err := s.Take(t.Context(), count, 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			ids, users = append(ids, m.ID), append(users, m.Values["user"])
		}
		if len(messages) > 0 {
			break
		}
	}
	return ids, users
}

func TestEachEntryIsOneNodes(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		if err := a.Add(t.Context()); err != nil {
			t.Error(err)
		}
		if err := a.Add(t.Context(), []any{"user", 1}, []any{"user", 2}, []any{"user", 3}); err != nil {
			t.Fatal(err)
		}
		first, of := a.take(t, 2)
		second, rest := b.take(t, 2)
		if fmt.Sprint(of, rest) != "[1 2] [3]" {
			t.Fatalf("taken %v and %v", of, rest)
		}
		if none, _ := a.take(t, 2); none != nil {
			t.Errorf("taken twice: %v", none)
		}
		for _, done := range [][]string{first, second, nil} {
			if err := a.Finish(done...); err != nil {
				t.Error(err)
			}
		}
		if n := a.Redis().XLen(t.Context(), "work").Val(); n != 0 {
			t.Errorf("%d are left", n)
		}
		a.Redis().FlushAll(t.Context()) // and everything begins anew
		if err := b.Add(t.Context(), []any{"user", 4}); err != nil {
			t.Fatal(err)
		}
		if _, of := a.take(t, 2); fmt.Sprint(of) != "[4]" {
			t.Errorf("after Redis was emptied: %v", of)
		}
	})
}

func TestWhatADeadNodeHadIsTakenOver(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		for user := range 30 {
			if err := a.Add(t.Context(), []any{"user", user}); err != nil {
				t.Fatal(err)
			}
		}
		if ids, _ := a.take(t, 29); len(ids) != 29 {
			t.Fatalf("took %d", len(ids))
		}
		if messages, err := b.TakeOver(t.Context(), 10, time.Minute); err != nil || len(messages) != 0 {
			t.Errorf("taken from a node that lives: %v, %v", messages, err)
		}
		time.Sleep(50 * time.Millisecond)
		seen := map[any]bool{}
		for range 3 {
			messages, err := b.TakeOver(t.Context(), 10, 50*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				seen[m.Values["user"]] = true
				if err := b.Finish(m.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(seen) != 29 {
			t.Errorf("%d were taken over", len(seen))
		}
		b.DismissDead(t.Context()) // a took something just now
		nodes, err := a.Redis().XInfoConsumers(t.Context(), "work", "nodes").Result()
		if err != nil || len(nodes) != 2 {
			t.Errorf("nodes: %v, %v", nodes, err)
		}
	})
}
