package presence

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"doran/internal/embedded"
	"doran/internal/testenv"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var quick = Timing{Lease: 1500 * time.Millisecond, Renew: 300 * time.Millisecond, Grace: 300 * time.Millisecond}

// world is a Redis and what its nodes told.
type world struct {
	t      *testing.T
	client *redis.Client

	mu    sync.Mutex
	told  []string
	ended []int64
}

func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	run := func(url string) func(t *testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			options, err := redis.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(options)
			t.Cleanup(func() { _ = client.Close() })
			test(t, &world{t: t, client: client})
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

func (w *world) node() *Keeper {
	k := New(Config{
		Timing: quick,
		Log:    slog.New(slog.DiscardHandler),
		Tell: func(_ context.Context, user int64, online bool) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, fmt.Sprint(user, online))
			return nil
		},
		Ended: func(users []int64) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ended = append(w.ended, users...)
		},
	})
	k.Start(func() redis.UniversalClient { return w.client })
	w.t.Cleanup(k.Close)
	return k
}

// die ends a node as a power cut does: its leases stay.
func (k *Keeper) die() {
	k.cancel()
	k.work.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.holds)
}

func (w *world) online(k *Keeper, user int64, want bool) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		online, err := k.Online([]int64{user})
		if err == nil && online[user] == want {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("user %d: online %v, %v", user, online, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *world) wasTold(want ...string) {
	w.t.Helper()
	var got []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		got = slices.Clone(w.told)
		w.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
	}
	w.t.Fatalf("told %v, want %v", got, want)
}

func (w *world) hasEnded(user int64) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		found := slices.Contains(w.ended, user)
		w.mu.Unlock()
		if found {
			return
		}
	}
	w.t.Fatalf("the foreground of %d did not end", user)
}

func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	worlds(t, func(t *testing.T, w *world) {
		a, b := w.node(), w.node()
		w.online(b, 1, false)
		a.Enter(1, 10)
		w.online(b, 1, true)
		a.Enter(1, 10)
		a.Enter(1, 11) // another device
		a.Leave(10)
		time.Sleep(2 * quick.Lease) // nothing changes while it lasts
		w.wasTold("1 true")
		a.Leave(10)
		w.hasEnded(1)
		w.online(b, 1, true)
		a.Leave(11)
		w.online(b, 1, false)
		w.wasTold("1 true", "1 false")
		if n := w.client.Exists(t.Context(), Key(1), untilKey).Val(); n != 0 {
			t.Errorf("%d keys are left", n)
		}
	})
}

// Who hops between nodes, faster than the grace, is never offline.
func TestHoppingNeverFlickers(t *testing.T) {
	t.Parallel()
	worlds(t, func(t *testing.T, w *world) {
		nodes := []*Keeper{w.node(), w.node(), w.node()}
		nodes[0].Enter(1, 10)
		w.wasTold("1 true")
		for i := range 12 {
			from, to := nodes[i%3], nodes[(i+1)%3]
			from.Leave(10)
			time.Sleep(quick.Grace / 3)
			to.Enter(1, 10)
			if i%3 == 0 { // stays for longer than the grace and the renewal
				time.Sleep(quick.Grace + quick.Renew)
			}
			if online, err := to.Online([]int64{1}); err != nil || !online[1] {
				t.Fatalf("hop %d: %v %v", i, online, err)
			}
		}
		w.wasTold("1 true")
	})
}

func TestANodeThatDies(t *testing.T) {
	t.Parallel()
	worlds(t, func(t *testing.T, w *world) {
		a, b := w.node(), w.node()
		a.Enter(1, 10)
		a.Enter(2, 20)
		w.online(b, 1, true)
		w.online(b, 2, true)
		b.Enter(2, 21) // the other device of 2 is on a node that lives
		a.die()
		begin := time.Now()
		w.online(b, 1, false)
		w.hasEnded(1)
		w.hasEnded(2) // a foreground of theirs ended, although they are online
		if took := time.Since(begin); took > quick.Lease+quick.Renew+lookEvery+time.Second {
			t.Errorf("took %v", took)
		}
		w.online(b, 2, true)
	})
}

func TestANodeThatGoesAwayHandsOver(t *testing.T) {
	t.Parallel()
	worlds(t, func(t *testing.T, w *world) {
		a, b := w.node(), w.node()
		a.Enter(1, 10)
		a.Enter(2, 20)
		w.online(b, 1, true)
		w.online(b, 2, true)
		a.Close()
		b.Enter(1, 10)
		w.online(b, 2, false)
		w.online(b, 1, true)
		w.mu.Lock()
		defer w.mu.Unlock()
		if slices.Contains(w.told, "1 false") {
			t.Errorf("told %v", w.told)
		}
	})
}

func TestRedisThatIsEmptiedLearnsAgain(t *testing.T) {
	t.Parallel()
	worlds(t, func(t *testing.T, w *world) {
		a := w.node()
		a.Enter(1, 10)
		w.online(a, 1, true)
		w.client.FlushAll(t.Context())
		w.online(a, 1, true)
	})
}

func TestTheBackgroundGoesOnFromWhatWasConfirmed(t *testing.T) {
	const at = "1.1.0000abcd.1000-5.x"
	t.Parallel()
	tests := map[string]struct{ stands, confirmed, want string }{
		"later":              {at, "1.1.0000abcd.1001-0.y", "1.1.0000abcd.1001-0.y"},
		"later, same ms":     {at, "1.1.0000abcd.1000-10.y", "1.1.0000abcd.1000-10.y"},
		"earlier":            {at, "1.1.0000abcd.999-9.y", at},
		"the same":           {at, at, at},
		"of an inbox after":  {at, "1.1.0000ffff.1-0.y", "1.1.0000ffff.1-0.y"},
		"of an epoch after":  {at, "1.2.0000abcd.1-0.y", "1.2.0000abcd.1-0.y"},
		"nothing":            {at, "", at},
		"the gap owed is it": {"", "1.1.0000ffff.1-0.y", "1.1.0000ffff.1-0.y"},
	}
	worlds(t, func(t *testing.T, w *world) {
		a := w.node()
		users := map[string]int64{}
		for name, test := range tests {
			user := int64(len(users) + 1)
			users[name] = user
			w.client.HSet(t.Context(), fmt.Sprintf("mqtt:{%d}", user), "100", "7 "+at, fmt.Sprint(user), "8 "+test.stands)
			a.Enter(user, user)
			a.Confirm(user, test.confirmed)
		}
		for _, user := range users {
			w.online(a, user, true)
			a.Leave(user)
		}
		for name, user := range users {
			w.online(a, user, false)
			got := w.client.HGetAll(t.Context(), fmt.Sprintf("mqtt:{%d}", user)).Val()
			if want := "8 " + tests[name].want; got[fmt.Sprint(user)] != want || got["100"] != "7 "+at {
				t.Errorf("%s: %v, want %s", name, got, want)
			}
		}
	})
}
