package chat

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	maxHashWaiters = 32
	hashPatience   = 2 * time.Second
)

// hashQueue bounds what passwords cost a node: as many hashes at once as there are processors, and a short queue.
type hashQueue struct {
	running chan struct{}
	waiting atomic.Int64
}

func newHashQueue() *hashQueue {
	return &hashQueue{running: make(chan struct{}, runtime.NumCPU())}
}

// do runs the hashing when it is its turn. CodeUnavailable when too many are before it.
func (q *hashQueue) do(ctx context.Context, hash func()) error {
	if err := q.enter(ctx); err != nil {
		return err
	}
	defer func() { <-q.running }()
	hash()
	return nil
}

func (q *hashQueue) enter(ctx context.Context) error {
	select {
	case q.running <- struct{}{}:
		return nil
	default:
	}
	busy := refuse(CodeUnavailable, "Too many people are signing in at this moment. Try again in a few seconds.")
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > maxHashWaiters {
		return busy
	}
	ctx, cancel := context.WithTimeout(ctx, hashPatience)
	defer cancel()
	select {
	case q.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return busy
	}
}
