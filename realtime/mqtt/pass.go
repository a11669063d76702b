package mqtt

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"doran/chat"
	"doran/realtime/presence"

	"github.com/redis/go-redis/v9"
)

const (
	passKey   = "mqtt:pass"
	passPage  = 500
	passPause = 100 * time.Millisecond // between two pages: 10,000 grants take two seconds, a million some minutes
	passLease = 10 * time.Second
	restated  = "mqtt:restated" // that one node tells every device where it stands
	restateOf = time.Minute
)

// pass goes over all grants again and again, on one node at a time. It finds what nobody was told of: grants that ended while the
// node that knew died, or the broker was away; users whose wake-up was lost; and, when Redis was emptied, every grant once.
func (f *Forwarder) pass(ctx context.Context) {
	for sleep(ctx, f.Timing.Pass/2+rand.N(f.Timing.Pass/2)) {
		mine, err := f.redis().SetNX(ctx, passKey, f.node, passLease).Result()
		if err == nil && !mine {
			continue
		}
		err = f.onePass(ctx) // also without Redis: what ended is to be cut
		if err != nil && ctx.Err() == nil {
			f.Log.Debug("mqtt: a pass over the grants was broken off", "err", err)
		}
		if mine && ctx.Err() == nil {
			f.redis().Set(ctx, passKey, f.node, f.Timing.Pass/2)
		}
	}
}

func (f *Forwarder) onePass(ctx context.Context) error {
	restate := f.takeBrokerBack(ctx)
	if err := f.clearBroker(ctx); err != nil {
		f.Log.Debug("mqtt: the broker's clients cannot be compared with the grants", "err", err)
	}
	for after := int64(0); ; {
		grants, err := f.service.Grants(ctx, after, passPage)
		if err != nil || len(grants) == 0 {
			return err
		}
		after = grants[len(grants)-1].ID
		var ended, live []chat.Grant
		for _, g := range grants {
			if g.Live {
				live = append(live, g)
			} else {
				ended = append(ended, g)
			}
		}
		f.endGrants(ctx, ended)
		f.look(ctx, live, restate)
		f.redis().PExpire(ctx, passKey, passLease)
		if len(grants) < passPage || !sleep(ctx, passPause) {
			return ctx.Err()
		}
	}
}

// look puts users with something to forward into the work stream; with restate everybody.
func (f *Forwarder) look(ctx context.Context, grants []chat.Grant, restate bool) {
	if len(grants) == 0 || f.broker.Status() != nil {
		return
	}
	ask, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	pipe := f.redis().Pipeline()
	due := make([]*redis.Cmd, len(grants))
	for i, g := range grants {
		due[i] = lookScript.Eval(ask, pipe, lookKeys(g.UserID), g.TokenID, g.ID, cursorTTL.Milliseconds(), time.Now().UnixMilli())
	}
	if _, err := pipe.Exec(ask); err != nil {
		f.Log.Debug("mqtt: grants cannot be looked at", "err", err)
		return
	}
	users := map[int64]bool{}
	for i, g := range grants {
		if n, _ := due[i].Int(); n == 1 || restate {
			users[g.UserID] = restate
		}
	}
	f.wait(users)
}

func lookKeys(user int64) []string {
	return []string{cursorsKey(user), "inbox:{" + strconv.FormatInt(user, 10) + "}", presence.Key(user)}
}

// brokerBack remembers that the broker may have lost what it had confirmed: Mosquitto writes its queues down once a minute.
func (f *Forwarder) brokerBack() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restate = true
}

// takeBrokerBack says whether every device is to be told where it stands: it compares that with its own cursor, and polls
// where they differ. One node tells them, although each lost its connection.
func (f *Forwarder) takeBrokerBack(ctx context.Context) bool {
	f.mu.Lock()
	restate := f.restate
	f.restate = false
	f.mu.Unlock()
	if !restate {
		return false
	}
	first, err := f.redis().SetNX(ctx, restated, f.node, restateOf).Result()
	return err != nil || first
}
