// Package presence knows who is connected, on whatever node: leases in Redis, one for each token on each node that it is
// connected to.
//
//	online:{42}   sorted set: "TOKEN/NODE" by when its lease ends, in ms; expires with the last of them
//	online:until  sorted set: user id by when the last of the user's leases ends; who is past it is taken out within a second
//
// A node renews the leases of its connections, so those of a node that dies end by themselves. A connection that closes keeps
// its lease for a moment of grace: a hop to another node or transport, and the pause between two polls, are no absence.
package presence

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Timing is how long things take. Fields that are 0 are those of DefaultTiming.
type Timing struct {
	Lease time.Duration // after which who is not renewed is offline: 45 s
	Renew time.Duration // between two renewals: 15 s
	Grace time.Duration // that a token may be without a connection: 5 s
}

// DefaultTiming is for everything but tests.
func DefaultTiming() Timing {
	return Timing{Lease: 45 * time.Second, Renew: 15 * time.Second, Grace: 5 * time.Second}
}

// Config is what a Keeper is made of.
type Config struct {
	Tell   func(ctx context.Context, user int64, online bool) error // the user came or went; may be nil
	Ended  func(users []int64)                                      // a foreground of theirs ended; does not block; may be nil
	Timing Timing
	Log    *slog.Logger

	Entered func(user, token int64) // a token connected that was not connected here; does not block; may be nil
}

// Keeper keeps the leases of one node's connections. Enter, Leave and Confirm neither block nor fail; while Redis is down, what they
// say waits for it.
type Keeper struct {
	Config
	node   string
	redis  func() redis.UniversalClient
	fresh  chan struct{} // of size one: somebody entered who has no lease yet
	told   chan struct{} // of size one: telling has something
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	holds   map[int64]*hold // by token
	telling map[int64]bool  // user: online, still to be told
}

// hold is one token that is, or just was, connected to this node.
type hold struct {
	user, token int64
	conns       int
	left        time.Time // when conns became 0
	confirmed   string    // the newest cursor that the device is known to have handled here
	until       int64     // when the lease ends, in ms; 0: none was taken yet
}

// New makes a Keeper; it asks Redis nothing before Start.
func New(c Config) *Keeper {
	d := DefaultTiming()
	for _, f := range []struct{ have, other *time.Duration }{{&c.Timing.Lease, &d.Lease}, {&c.Timing.Renew, &d.Renew}, {&c.Timing.Grace, &d.Grace}} {
		if *f.have == 0 {
			*f.have = *f.other
		}
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, int64, bool) error { return nil }
	}
	if c.Ended == nil {
		c.Ended = func([]int64) {}
	}
	if c.Entered == nil {
		c.Entered = func(int64, int64) {}
	}
	return &Keeper{Config: c, node: fmt.Sprintf("%016x", rand.Uint64()), fresh: make(chan struct{}, 1), told: make(chan struct{}, 1),
		holds: map[int64]*hold{}, telling: map[int64]bool{}}
}

// Start begins to keep leases in the Redis that the function gives at each use.
func (k *Keeper) Start(client func() redis.UniversalClient) {
	k.redis = client
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	k.work.Go(func() { k.keep(ctx) })
	k.work.Go(func() { k.tell(ctx) })
}

// Close leaves the leases of this node to whoever takes them over within the time of grace.
func (k *Keeper) Close() {
	if k.cancel == nil {
		return
	}
	k.cancel()
	k.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	k.mu.Lock()
	var all []hold
	for _, h := range k.holds {
		all = append(all, *h)
	}
	clear(k.holds)
	k.mu.Unlock()
	k.letGo(ctx, all, time.Now().Add(k.Timing.Grace).UnixMilli())
}

// Enter counts a connection of the token.
func (k *Keeper) Enter(user, token int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.holds[token]
	if h == nil {
		h = &hold{user: user, token: token}
		k.holds[token] = h
	}
	h.conns++
	if h.until == 0 {
		k.Entered(user, token)
		signal(k.fresh)
	}
}

// Leave counts a connection less.
func (k *Keeper) Leave(token int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.holds[token]; h != nil {
		if h.conns--; h.conns == 0 {
			h.left = time.Now()
		}
	}
}

// Confirm says up to where the token's device has handled its inbox. When the foreground ends, background delivery goes on from there.
func (k *Keeper) Confirm(token int64, cursor string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.holds[token]; h != nil {
		h.confirmed = cursor
	}
}

// Online says which of these users are connected to any node.
func (k *Keeper) Online(users []int64) (map[int64]bool, error) {
	if k.redis == nil {
		return nil, errors.New("presence is not started yet")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	members := make([]string, len(users))
	for i, user := range users {
		members[i] = strconv.FormatInt(user, 10)
	}
	online, now := make(map[int64]bool, len(users)), float64(time.Now().UnixMilli())
	if len(users) == 0 {
		return online, nil
	}
	until, err := k.redis().ZMScore(ctx, untilKey, members...).Result()
	if err != nil {
		return nil, fmt.Errorf("asking Redis who is online: %w", err)
	}
	for i, user := range users {
		online[user] = until[i] > now
	}
	return online, nil
}

// Key is where the leases of a user stand.
func Key(user int64) string { return "online:{" + strconv.FormatInt(user, 10) + "}" }

const untilKey = "online:until"

// Token is whose lease a member of Key's set is.
func Token(member string) int64 {
	token, _, _ := strings.Cut(member, "/")
	id, _ := strconv.ParseInt(token, 10, 64)
	return id
}

func (k *Keeper) member(token int64) string { return fmt.Sprintf("%d/%s", token, k.node) }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

//go:embed scripts/*.lua
var scriptFiles embed.FS

func script(name string) *redis.Script {
	b, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return redis.NewScript(string(b))
}

var (
	endScript   = script("end")
	untilScript = script("until")
)
