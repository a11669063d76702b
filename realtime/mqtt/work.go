package mqtt

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	workKey     = "mqtt:work"
	workGroup   = "forwarders"
	workEntries = 100_000 // about so many are kept; who falls out is found by the pass
	perRound    = 500     // users in one pipeline
	blockTime   = 500 * time.Millisecond
	callTime    = 3 * time.Second
)

// dispatch puts users who have grants into the work stream, until ctx ends.
func (f *Forwarder) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.woken:
		}
		for users := f.takeWaiting(); len(users) > 0; users = f.takeWaiting() {
			if err := f.hand(ctx, users); err != nil {
				f.Log.Debug("mqtt: users with something to forward wait for Redis", "users", len(users), "err", err)
				f.wait(users)
				if !sleep(ctx, time.Second) {
					return
				}
			}
		}
	}
}

func (f *Forwarder) takeWaiting() map[int64]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	users := map[int64]bool{}
	for user, restate := range f.waiting {
		if len(users) == perRound {
			break
		}
		users[user] = restate
		delete(f.waiting, user)
	}
	return users
}

// wait puts users where dispatch finds them.
func (f *Forwarder) wait(users map[int64]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for user, restate := range users {
		f.waiting[user] = f.waiting[user] || restate
	}
	signal(f.woken)
}

// hand puts those of the users who have grants into the work stream.
func (f *Forwarder) hand(ctx context.Context, users map[int64]bool) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	asking, known := f.redis().Pipeline(), map[int64]*redis.IntCmd{}
	for user := range users {
		known[user] = asking.Exists(ctx, cursorsKey(user))
	}
	if _, err := asking.Exec(ctx); err != nil {
		return err
	}
	var entries [][]any
	for user, exists := range known {
		if exists.Val() == 0 {
			continue
		}
		values := []any{"user", user}
		if users[user] {
			values = append(values, "restate", 1)
		}
		entries = append(entries, values)
	}
	return f.work.Add(ctx, entries...)
}

// takeWork takes as much as there are hands for, while there is a broker to carry it to.
func (f *Forwarder) takeWork(ctx context.Context) {
	for ctx.Err() == nil {
		if f.broker.Status() != nil {
			sleep(ctx, blockTime/2)
			continue
		}
		hands := f.freeHands(ctx)
		entries, err := f.readWork(ctx, hands)
		for range hands - len(entries) {
			<-f.slots
		}
		for _, e := range entries {
			f.running.Go(func() {
				defer func() { <-f.slots }()
				f.carry(ctx, e)
			})
		}
		if err != nil && ctx.Err() == nil {
			f.Log.Debug("mqtt: there is no work to be had from Redis", "err", err)
			sleep(ctx, blockTime)
		}
	}
}

// freeHands waits for one, and takes more that are free.
func (f *Forwarder) freeHands(ctx context.Context) int {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case f.slots <- struct{}{}:
		default:
			return n
		}
	}
}

// entry is one user in the work stream.
type entry struct {
	id      string
	user    int64
	restate bool // tell the devices where they stand
	claimed bool // from a node that did not finish
}

func (f *Forwarder) readWork(ctx context.Context, count int) ([]entry, error) {
	if count == 0 {
		return nil, nil
	}
	messages, err := f.work.Take(ctx, int64(count), blockTime)
	return parseWork(messages, false), err
}

func parseWork(messages []redis.XMessage, claimed bool) []entry {
	entries := make([]entry, 0, len(messages))
	for _, m := range messages {
		text, _ := m.Values["user"].(string)
		user, _ := strconv.ParseInt(text, 10, 64)
		entries = append(entries, entry{id: m.ID, user: user, restate: m.Values["restate"] != nil, claimed: claimed})
	}
	return entries
}

// finish takes entries out of the stream.
func (f *Forwarder) finish(ids []string) {
	if err := f.work.Finish(ids...); err != nil {
		f.Log.Debug("mqtt: work that is done is done again", "err", err)
	}
}

// claim takes over what a node was given and has not finished: it died, or Redis was away.
func (f *Forwarder) claim(ctx context.Context) {
	for sleep(ctx, f.Timing.Idle/2) {
		if f.broker.Status() != nil {
			continue
		}
		for {
			messages, err := f.work.TakeOver(ctx, maxCarried, f.Timing.Idle)
			if err != nil || len(messages) == 0 {
				break
			}
			for _, e := range parseWork(messages, true) {
				select {
				case f.slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				f.running.Go(func() {
					defer func() { <-f.slots }()
					f.carry(ctx, e)
				})
			}
		}
		f.work.DismissDead(ctx)
	}
}
