package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// busChannel is the one channel of Redis pub/sub that all nodes publish to and hear:
// `redis-cli SUBSCRIBE doran:wake` shows every wake-up as it happens.
const busChannel = "doran:wake"

// notice is one message on the bus. An empty one is a probe: a node that hears its own knows that its subscription lives.
type notice struct {
	Node      string    `json:"node"` // who sent it, and has acted on it already
	Wake      []int64   `json:"wake,omitempty"`
	Ephemeral []passing `json:"ephemeral,omitempty"`
	Ended     []int64   `json:"ended,omitempty"` // token ids
}

// bus carries to the other nodes what the hub of this one was told. It may lose everything at any moment: inboxes are also
// read in silence, and tokens are looked at again.
type bus struct {
	server *Server
	node   string

	filled    chan struct{} // of size one: something is to be sent
	confirmed chan struct{} // of size one: the subscription stands, again

	mu      sync.Mutex
	waiting struct {
		wake      map[int64]struct{}
		ephemeral []passing
		ended     []int64
	}
}

func newBus(s *Server) *bus {
	b := &bus{server: s, node: fmt.Sprintf("%016x", rand.Uint64()), filled: make(chan struct{}, 1), confirmed: make(chan struct{}, 1)}
	b.waiting.wake = map[int64]struct{}{}
	return b
}

// listen keeps a subscription, until ctx ends.
func (b *bus) listen(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		heard, err := b.subscribe(ctx)
		if ctx.Err() != nil {
			return
		}
		if heard {
			failures = 0
			b.server.Log.Warn("realtime: the subscription to Redis ended; until it is back, wake-ups from other nodes are late", "error", err)
		}
		failures++
		b.server.metrics.busFailures.Inc()
		sleep(ctx, backoff(failures))
	}
}

var errSilent = errors.New("what this node publishes does not come back")

// subscribe hears notices until the subscription fails, or is silent: one that hangs on a demoted master has no error, so it
// lives only as long as this node's own notices come back by it. It says whether it heard anything. Nothing in it blocks,
// as Redis ends subscribers that do not keep up.
func (b *bus) subscribe(ctx context.Context) (heard bool, err error) {
	sub := b.server.redis().Subscribe(ctx, busChannel)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // Receive does not end with its context (go-redis#2556)
	patience := b.server.Timing.Probe * 5 / 2
	for until := time.Now().Add(patience); ; {
		left := time.Until(until)
		if left <= 0 {
			return heard, errSilent
		}
		message, err := sub.ReceiveTimeout(ctx, left)
		if err != nil {
			return heard, err
		}
		heard = true
		switch m := message.(type) {
		case *redis.Subscription:
			signal(b.confirmed)
		case *redis.Message:
			if own := b.hear(m.Payload); own {
				until = time.Now().Add(patience)
			}
		}
	}
}

// hear acts on a notice, and says whether it is this node's own.
func (b *bus) hear(payload string) (own bool) {
	var n notice
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		b.server.Log.Warn("realtime: a message on "+busChannel+" is no notice and is passed over", "error", err)
		return false
	}
	if n.Node == b.node {
		return true
	}
	b.server.hub.endTokens(n.Ended)
	b.server.hub.wake(n.Wake)
	for _, p := range n.Ephemeral {
		b.server.hub.pass(p)
	}
	return false
}

// refresh has everybody read whenever the subscription stands again, as nobody knows what was said meanwhile.
func (b *bus) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.confirmed:
			b.server.hub.wakeAll(ctx, 2*time.Second)
		}
	}
}
