package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"doran/chat"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// do wakes up whoever the tasks concern. An error says that some may not have been; those that were are not woken again.
func (s *Sender) do(ctx context.Context, tasks []task) error {
	var ended []int64
	inChats := map[int64][]task{}
	for _, t := range tasks {
		if t.user != 0 {
			ended = append(ended, t.user)
		} else {
			inChats[t.chat] = append(inChats[t.chat], t)
		}
	}
	targets, err := s.concerned(ctx, inChats)
	if err != nil {
		return err
	}
	slices.Sort(ended)
	for _, user := range slices.Compact(ended) {
		owed, err := s.owed(ctx, user)
		if err != nil {
			return err
		}
		targets = append(targets, owed...)
	}
	return s.wake(ctx, targets)
}

// concerned are the devices of those who are in these chats and did not do it themselves. Who muted all chats concerned is left out.
func (s *Sender) concerned(ctx context.Context, tasks map[int64][]task) ([]chat.PushTarget, error) {
	ids := make([]int64, 0, len(tasks))
	for id := range tasks {
		ids = append(ids, id)
	}
	members, err := s.service.PushMembers(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("asking whom to wake up: %w", err)
	}
	var loud, muted []chat.PushTarget // a device's rows stand together
	for _, m := range members {
		if !slices.ContainsFunc(tasks[m.ChatID], func(t task) bool { return t.concerns(m.UserID) }) {
			continue
		}
		to := &loud
		if m.Muted {
			to = &muted
		}
		if n := len(*to); n == 0 || (*to)[n-1].Row != m.Row {
			*to = append(*to, m.PushTarget)
		}
	}
	muted = slices.DeleteFunc(muted, func(m chat.PushTarget) bool {
		return slices.ContainsFunc(loud, func(l chat.PushTarget) bool { return l.Row == m.Row })
	})
	s.record(ctx, muted, answer{result: isMuted})
	return loud, nil
}

// owed are the devices of a user whose foreground ended before they confirmed what came, unless the user has seen it: on
// them a moment before, or on another.
func (s *Sender) owed(ctx context.Context, user int64) ([]chat.PushTarget, error) {
	rows, err := owedScript.Run(ctx, s.redis(), stateKeys(user)[:2], time.Now().UnixMilli()).StringSlice()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	all, err := s.service.PushTargets(ctx, user)
	if err != nil {
		return nil, err
	}
	owed := slices.DeleteFunc(all, func(t chat.PushTarget) bool { return !slices.Contains(rows, strconv.FormatInt(t.Row, 10)) })
	unread, err := s.service.HasUnread(ctx, user)
	if err != nil {
		return nil, err
	}
	if !unread {
		s.record(ctx, owed, answer{result: isSeen})
		return nil, nil
	}
	return owed, nil
}

// wake claims the devices, and sends to those that nobody else is sending to.
func (s *Sender) wake(ctx context.Context, targets []chat.PushTarget) error {
	claims, err := s.claim(ctx, targets)
	if err != nil {
		return err
	}
	var sending errgroup.Group
	for _, c := range claims {
		select {
		case s.calls <- struct{}{}:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), sending.Wait())
		}
		sending.Go(func() error {
			defer func() { <-s.calls }()
			return s.send(ctx, c)
		})
	}
	return sending.Wait()
}

// claim is a device that this node is to wake up.
type claim struct {
	chat.PushTarget
	until int64     // when others may, in ms
	first time.Time // when it was tried first
	try   int       // 0, 1, 2 …
}

// word is what stands in Redis for it.
func (c claim) word() string { return fmt.Sprintf("%d %d", c.TokenID, c.until) }

func (s *Sender) claim(ctx context.Context, targets []chat.PushTarget) ([]claim, error) {
	var claims []claim
	for some := range slices.Chunk(targets, perRound) {
		won, err := s.claimSome(ctx, some)
		if err != nil {
			return nil, err
		}
		claims = append(claims, won...)
	}
	return claims, nil
}

func (s *Sender) claimSome(ctx context.Context, targets []chat.PushTarget) ([]claim, error) {
	round, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	now := time.Now()
	until := now.Add(s.Timing.Claim).UnixMilli()
	pipe := s.redis().Pipeline()
	cmds := make([]*redis.Cmd, len(targets))
	for i, t := range targets {
		cmds[i] = claimScript.Eval(round, pipe, stateKeys(t.UserID), now.UnixMilli(), until, stateTTL.Milliseconds(), t.Row, t.TokenID)
	}
	if _, err := pipe.Exec(round); err != nil {
		return nil, fmt.Errorf("claiming devices: %w", err)
	}
	var claims []claim
	left := map[string][]chat.PushTarget{}
	for i, t := range targets {
		words, err := cmds[i].StringSlice()
		if err != nil || len(words) != 1 {
			return nil, fmt.Errorf("claiming device %d: unexpected answer %v: %w", t.Row, cmds[i].Val(), err)
		}
		if words[0] == "claimed" {
			claims = append(claims, claim{PushTarget: t, until: until, first: now})
		} else {
			left[words[0]] = append(left[words[0]], t)
		}
	}
	for word, those := range left {
		s.record(ctx, those, answer{result: word})
	}
	return claims, nil
}
