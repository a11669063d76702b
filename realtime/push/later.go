package push

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doran/chat"

	"github.com/redis/go-redis/v9"
)

const (
	laterKey = "push:later"
	perLook  = 100
	laterTTL = 24 * time.Hour // of the whole set; nothing in it is due later than in an hour
)

// postponed is a member of the set: whom to wake up, the claim that has to stand still, and how it came so far.
type postponed struct {
	user, row, token, until, first int64
	try                            int
}

func (p postponed) String() string {
	return fmt.Sprintf("%d %d %d %d %d %d", p.user, p.row, p.token, p.until, p.first, p.try)
}

// sendAt has a claimed device woken up at that time by any node. Until a moment after it nobody else wakes it.
func (s *Sender) sendAt(ctx context.Context, c claim, due time.Time) error {
	until := due.Add(s.Timing.Claim).UnixMilli()
	if err := s.settle(ctx, c, fmt.Sprintf("%d %d", c.TokenID, until)); err != nil {
		return err
	}
	p := postponed{c.UserID, c.Row, c.TokenID, until, c.first.UnixMilli(), c.try + 1}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	pipe := s.redis().Pipeline()
	pipe.ZAdd(ctx, laterKey, redis.Z{Score: float64(due.UnixMilli()), Member: p.String()})
	pipe.PExpire(ctx, laterKey, laterTTL)
	_, err := pipe.Exec(ctx)
	return err
}

// sendLater sends what is due, until ctx ends. Every node looks; who takes a member out sends it.
func (s *Sender) sendLater(ctx context.Context) {
	for sleep(ctx, s.Timing.Look) {
		if err := s.sendDue(ctx); err != nil && ctx.Err() == nil {
			s.Log.Debug("push: what was put off waits longer", "err", err)
		}
	}
}

func (s *Sender) sendDue(ctx context.Context) error {
	round, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	due, err := s.redis().ZRangeByScore(round, laterKey, &redis.ZRangeBy{Min: "-inf", Max: now, Count: perLook}).Result()
	if err != nil {
		return err
	}
	for _, member := range due {
		mine, err := s.redis().ZRem(round, laterKey, member).Result()
		if err != nil {
			return err
		}
		var p postponed
		if _, err := fmt.Sscan(member, &p.user, &p.row, &p.token, &p.until, &p.first, &p.try); mine == 0 || err != nil {
			continue
		}
		select {
		case s.calls <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.running.Go(func() {
			defer func() { <-s.calls }()
			if err := s.sendAgain(ctx, p); err != nil && ctx.Err() == nil {
				s.Log.Warn("push: a device was not woken up that was to be tried again", "user", p.user, "err", err)
			}
		})
	}
	return nil
}

// sendAgain does nothing when the token has connected meanwhile: the device knows.
func (s *Sender) sendAgain(ctx context.Context, p postponed) error {
	round, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	word := fmt.Sprintf("%d %d", p.token, p.until)
	stood, err := settleScript.Run(round, s.redis(), []string{stateKey(p.user)}, p.row, word, "").Int()
	if err != nil || stood == 0 {
		return err
	}
	targets, err := s.service.PushTargets(round, p.user)
	if err != nil {
		return err
	}
	targets = slices.DeleteFunc(targets, func(t chat.PushTarget) bool { return t.Row != p.row || t.TokenID != p.token })
	claims, err := s.claimSome(round, targets)
	if err != nil || len(claims) == 0 {
		return err
	}
	c := claims[0]
	c.first, c.try = time.UnixMilli(p.first), p.try
	return s.send(ctx, c)
}
