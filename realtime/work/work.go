// Package work shares what is to be done between nodes: a stream in Redis that all of them take from, each entry one node.
// What a node took and did not finish, because it died, is taken over by another: everything is done at least once.
package work

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Stream is one such stream. Its methods are safe for concurrent use.
type Stream struct {
	Key     string                       // in Redis
	Group   string                       // of consumers, to which every node belongs
	Node    string                       // this one
	Entries int64                        // about so many are kept; older ones fall out
	Redis   func() redis.UniversalClient // asked at each use, as a failover replaces the client
}

const (
	callTime = 3 * time.Second
	deadNode = time.Hour // after which a node that took nothing is no consumer any more
)

// Add puts entries of plain fields into the stream.
func (s *Stream) Add(ctx context.Context, entries ...[]any) error {
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	pipe := s.Redis().Pipeline()
	for _, values := range entries {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: s.Key, MaxLen: s.Entries, Approx: true, Values: values})
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Take waits for entries that no node has, at most for block, and takes up to count.
func (s *Stream) Take(ctx context.Context, count int64, block time.Duration) ([]redis.XMessage, error) {
	streams, err := s.Redis().XReadGroup(ctx, &redis.XReadGroupArgs{Group: s.Group, Consumer: s.Node, Streams: []string{s.Key, ">"},
		Count: count, Block: block}).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil && strings.Contains(err.Error(), "NOGROUP"): // the first node ever, or Redis was emptied
		return nil, s.createGroup(ctx)
	case err != nil || len(streams) == 0:
		return nil, err
	}
	return streams[0].Messages, nil
}

func (s *Stream) createGroup(ctx context.Context) error {
	err := s.Redis().XGroupCreateMkStream(ctx, s.Key, s.Group, "0").Err()
	if err != nil && strings.Contains(err.Error(), "BUSYGROUP") { // another node did
		return nil
	}
	return err
}

// TakeOver takes up to count entries that another node has had for idle.
func (s *Stream) TakeOver(ctx context.Context, count int64, idle time.Duration) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for start := "0-0"; ; { // one call looks at ten times count, and all of those may be in good hands
		messages, next, err := s.Redis().XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: s.Key, Group: s.Group, Consumer: s.Node,
			MinIdle: idle, Start: start, Count: count}).Result()
		if err != nil || len(messages) > 0 || next == "0-0" {
			return messages, err
		}
		start = next
	}
}

// Finish takes entries by their ids out of the stream, also while the node is ending.
func (s *Stream) Finish(ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	pipe := s.Redis().Pipeline()
	pipe.XAck(ctx, s.Key, s.Group, ids...)
	pipe.XDel(ctx, s.Key, ids...)
	_, err := pipe.Exec(ctx)
	return err
}

// DismissDead removes nodes that took nothing for long: a node has another name at each start.
func (s *Stream) DismissDead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	nodes, err := s.Redis().XInfoConsumers(ctx, s.Key, s.Group).Result()
	if err != nil {
		return
	}
	for _, n := range nodes {
		if n.Pending == 0 && n.Idle > deadNode && n.Name != s.Node {
			s.Redis().XGroupDelConsumer(ctx, s.Key, s.Group, n.Name)
		}
	}
}
