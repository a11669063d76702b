package presence

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The bounds of one round trip, and how often somebody is looked for who is past their time.
const (
	perPipeline = 500
	lookEvery   = time.Second
	roundTime   = 3 * time.Second
)

// keep takes, renews and ends leases until ctx ends.
func (k *Keeper) keep(ctx context.Context) {
	renew := time.NewTicker(k.Timing.Renew)
	defer renew.Stop()
	look := time.NewTicker(min(lookEvery, k.Timing.Grace/2))
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.fresh:
			k.lease(ctx, k.pick(func(h *hold) bool { return h.until == 0 && h.conns > 0 }))
		case <-renew.C:
			k.lease(ctx, k.pick(func(h *hold) bool { return h.until != 0 }))
		case <-look.C:
			k.letGo(ctx, k.pickGone(), 0)
			k.lookForEnds(ctx)
			k.lease(ctx, k.pick(func(h *hold) bool { return h.until == 0 && h.conns > 0 })) // those that Redis did not take
		}
	}
}

// pick copies the holds that are wanted.
func (k *Keeper) pick(wanted func(*hold) bool) []hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []hold
	for _, h := range k.holds {
		if wanted(h) {
			out = append(out, *h)
		}
	}
	return out
}

// pickGone takes out those whose grace is over.
func (k *Keeper) pickGone() []hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := time.Now().Add(-k.Timing.Grace)
	var out []hold
	for token, h := range k.holds {
		if h.conns == 0 && h.left.Before(before) {
			out = append(out, *h)
			delete(k.holds, token)
		}
	}
	return out
}

// lease takes or renews leases. Who was not online before is now; a lease of the user that ended meanwhile, because its node
// died, is a foreground that ended.
func (k *Keeper) lease(ctx context.Context, holds []hold) {
	for some := range slices.Chunk(holds, perPipeline) {
		round, cancel := context.WithTimeout(ctx, roundTime)
		now := time.Now().UnixMilli()
		until := now + k.Timing.Lease.Milliseconds()
		pipe := k.redis().Pipeline()
		expired, came := make([]*redis.IntCmd, len(some)), make([]*redis.IntCmd, len(some))
		for i, h := range some {
			expired[i] = pipe.ZRemRangeByScore(round, Key(h.user), "-inf", strconv.FormatInt(now, 10))
			pipe.ZAdd(round, Key(h.user), redis.Z{Score: float64(until), Member: k.member(h.token)})
			pipe.PExpire(round, Key(h.user), k.Timing.Lease)
			came[i] = pipe.ZAddArgs(round, untilKey, redis.ZAddArgs{GT: true, Members: []redis.Z{{Score: float64(until), Member: h.user}}})
		}
		_, err := pipe.Exec(round)
		cancel()
		if err != nil {
			k.Log.Debug("leases of who is online were not taken or renewed", "err", err)
			continue
		}
		k.leased(some, until)
		var ended []int64
		for i, h := range some {
			if came[i].Val() > 0 {
				k.toTell(h.user, true)
			}
			if expired[i].Val() > 0 {
				ended = append(ended, h.user)
			}
		}
		k.ended(ended)
	}
}

func (k *Keeper) leased(holds []hold, until int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range holds {
		if mine := k.holds[h.token]; mine != nil {
			mine.until = until
		}
	}
}

// letGo ends leases, or lets them end at a time. A lease that Redis does not take back ends by itself.
func (k *Keeper) letGo(ctx context.Context, holds []hold, at int64) {
	for _, h := range holds {
		if h.until == 0 {
			continue
		}
		round, cancel := context.WithTimeout(ctx, roundTime)
		id := strconv.FormatInt(h.user, 10)
		keys := []string{Key(h.user), "mqtt:{" + id + "}", "push:{" + id + "}"}
		last, err := endScript.Run(round, k.redis(), keys, k.member(h.token), at, time.Now().UnixMilli(), h.token, h.confirmed).Text()
		if err == nil && (last == "0" || at != 0) {
			var out int
			out, err = untilScript.Run(round, k.redis(), []string{untilKey}, h.user, h.until, last).Int()
			if out == 1 {
				k.toTell(h.user, false)
			}
		}
		cancel()
		if err != nil {
			k.Log.Debug("a lease was not ended, and ends by itself", "user", h.user, "err", err)
			if ctx.Err() != nil {
				return
			}
		}
		k.ended([]int64{h.user})
	}
}

// lookForEnds finds those whose last lease ended because its node died. Any node does, and one of them succeeds.
func (k *Keeper) lookForEnds(ctx context.Context) {
	round, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	past, err := k.redis().ZRangeByScore(round, untilKey, &redis.ZRangeBy{Min: "-inf", Max: now, Count: perPipeline}).Result()
	if err != nil {
		return
	}
	var ended []int64
	for _, member := range past {
		user, _ := strconv.ParseInt(member, 10, 64)
		if out, err := untilScript.Run(round, k.redis(), []string{untilKey}, user, now, 0).Int(); err == nil && out == 1 {
			k.toTell(user, false)
			ended = append(ended, user)
		}
	}
	k.ended(ended)
}

func (k *Keeper) ended(users []int64) {
	if len(users) > 0 {
		k.Ended(users)
	}
}

// toTell remembers what is to be told; who comes and goes while it waits is told of once.
func (k *Keeper) toTell(user int64, online bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.telling[user] = online
	signal(k.told)
}

// tell tells, one after the other, until ctx ends. It may be lost: lists of friends say the same.
func (k *Keeper) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.told:
		}
		k.mu.Lock()
		waiting := maps.Clone(k.telling)
		clear(k.telling)
		k.mu.Unlock()
		for user, online := range waiting {
			ask, cancel := context.WithTimeout(ctx, roundTime)
			if err := k.Tell(ask, user, online); err != nil && ctx.Err() == nil {
				k.Log.Warn("friends cannot be told who is online", "user", user, "err", err)
			}
			cancel()
		}
	}
}
