package realtime

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// The bounds of a notice, and of what waits to be sent.
const (
	maxWake    = 1000 // user ids in one notice
	maxPassed  = 32   // ephemeral events in one notice
	maxWaiting = 1024 // ephemeral events on their way to the bus; more are dropped
)

func (b *bus) wake(users []int64) {
	b.put(func() {
		for _, user := range users {
			b.waiting.wake[user] = struct{}{}
		}
	})
}

func (b *bus) pass(p passing) {
	b.put(func() {
		if len(b.waiting.ephemeral) < maxWaiting {
			b.waiting.ephemeral = append(b.waiting.ephemeral, p)
		}
	})
}

func (b *bus) ended(tokens []int64) {
	b.put(func() { b.waiting.ended = append(b.waiting.ended, tokens...) })
}

func (b *bus) put(add func()) {
	b.mu.Lock()
	add()
	b.mu.Unlock()
	signal(b.filled)
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// send publishes what waits, and a probe now and then, until ctx ends; then what is left.
func (b *bus) send(ctx context.Context) {
	probe := time.NewTicker(b.server.Timing.Probe)
	defer probe.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-b.filled:
		case <-probe.C:
			b.publish([]notice{{}})
		}
		b.publish(b.take())
	}
}

// take empties what waits into notices. What matters most comes first.
func (b *bus) take() []notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	var notices []notice
	if len(b.waiting.ended) > 0 {
		notices = append(notices, notice{Ended: b.waiting.ended})
		b.waiting.ended = nil
	}
	users := make([]int64, 0, len(b.waiting.wake))
	for user := range b.waiting.wake {
		users = append(users, user)
	}
	clear(b.waiting.wake)
	for wake := range slices.Chunk(users, maxWake) {
		notices = append(notices, notice{Wake: wake})
	}
	for ephemeral := range slices.Chunk(b.waiting.ephemeral, maxPassed) {
		notices = append(notices, notice{Ephemeral: ephemeral})
	}
	b.waiting.ephemeral = nil
	return notices
}

// publish sends notices in one round trip. What Redis does not take is lost.
func (b *bus) publish(notices []notice) {
	if len(notices) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	pipe := b.server.redis().Pipeline()
	for _, n := range notices {
		n.Node = b.node
		payload, err := json.Marshal(n)
		if err != nil { // its parts were encoded before
			b.server.Log.Error("realtime: a notice cannot be encoded", "error", err)
			continue
		}
		pipe.Publish(ctx, busChannel, payload)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		b.server.metrics.busFailures.Inc()
	}
}
