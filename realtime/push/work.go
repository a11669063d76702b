package push

import (
	"context"
	"strconv"
	"time"

	"doran/chat"

	"github.com/redis/go-redis/v9"
)

// task is an entry of the work stream: something happened in a chat, or a foreground of the user ended.
type task struct {
	chat int64
	by   int64 // who did it, and is not woken up
	only int64 // the one who is; 0: everybody
	user int64
}

// taskOf says whether an event wakes anybody up. A message does, and being brought into a chat: what was read, edited or deleted, who else came
// and what a chat is called now can wait until the app is looked at.
func taskOf(e chat.Event) (task, bool) {
	switch e.Type {
	case chat.MessageCreated, chat.ChatCreated:
		return task{chat: e.ChatID, by: e.ByID, only: e.OnlyID}, e.OnlyID == 0 || e.OnlyID != e.ByID
	case chat.MemberAdded:
		return task{chat: e.ChatID, by: e.ByID, only: e.UserID}, e.UserID != e.ByID
	default:
		return task{}, false
	}
}

// concerns says whether this user is woken up.
func (t task) concerns(user int64) bool { return user != t.by && (t.only == 0 || t.only == user) }

func (t task) values() []any {
	if t.user != 0 {
		return []any{"user", t.user}
	}
	return []any{"chat", t.chat, "by", t.by, "only", t.only}
}

func parseTask(m redis.XMessage) task {
	number := func(name string) int64 {
		text, _ := m.Values[name].(string)
		n, _ := strconv.ParseInt(text, 10, 64)
		return n
	}
	return task{chat: number("chat"), by: number("by"), only: number("only"), user: number("user")}
}

// dispatch writes down who connected, and puts what is to be done into the work stream, until ctx ends.
func (s *Sender) dispatch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.news:
		}
		if err := s.dispatchAll(ctx); err != nil && !sleep(ctx, time.Second) {
			return
		}
	}
}

// dispatchAll has what it cannot hand over wait on.
func (s *Sender) dispatchAll(ctx context.Context) error {
	for {
		visits, tasks := take(s, s.entered), take(s, s.waiting)
		if len(visits)+len(tasks) == 0 {
			return nil
		}
		if err := s.hand(ctx, visits, tasks); err != nil {
			s.Log.Debug("push: what is to be pushed waits for Redis", "tasks", len(tasks), "err", err)
			putBack(s, s.entered, visits)
			putBack(s, s.waiting, tasks)
			return err
		}
	}
}

func (s *Sender) hand(ctx context.Context, visits []visit, tasks []task) error {
	if len(visits) > 0 {
		round, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		pipe := s.redis().Pipeline()
		for _, v := range visits {
			enterScript.Eval(round, pipe, []string{stateKey(v.user)}, v.token)
		}
		if _, err := pipe.Exec(round); err != nil {
			return err
		}
	}
	entries := make([][]any, len(tasks))
	for i, t := range tasks {
		entries[i] = t.values()
	}
	return s.work.Add(ctx, entries...)
}

// takeWork takes what there is to do, as long as there are hands.
func (s *Sender) takeWork(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case s.batches <- struct{}{}:
		case <-ctx.Done():
			return
		}
		messages, err := s.work.Take(ctx, perBatch, blockTime)
		s.begin(ctx, messages)
		if err != nil && ctx.Err() == nil {
			s.Log.Debug("push: there is no work to be had from Redis", "err", err)
			sleep(ctx, blockTime)
		}
	}
}

const (
	blockTime = 500 * time.Millisecond
	callTime  = 3 * time.Second
)

// begin does the work of one place in s.batches, which it gives back. What fails stands in the stream, and is taken over.
func (s *Sender) begin(ctx context.Context, messages []redis.XMessage) {
	s.running.Go(func() {
		defer func() { <-s.batches }()
		if len(messages) == 0 {
			return
		}
		tasks, ids := make([]task, len(messages)), make([]string, len(messages))
		for i, m := range messages {
			tasks[i], ids[i] = parseTask(m), m.ID
		}
		if err := s.do(ctx, tasks); err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("push: nobody could be woken up; it is tried again", "events", len(tasks), "err", err)
			}
			return
		}
		if err := s.work.Finish(ids...); err != nil {
			s.Log.Debug("push: work that is done is done again", "err", err)
		}
	})
}

// takeOver takes what a node was given and has not finished: it died, or Redis or the database was away.
func (s *Sender) takeOver(ctx context.Context) {
	for sleep(ctx, s.Timing.Idle/2) {
		for ctx.Err() == nil {
			select {
			case s.batches <- struct{}{}:
			case <-ctx.Done():
				return
			}
			messages, err := s.work.TakeOver(ctx, perBatch, s.Timing.Idle)
			s.begin(ctx, messages)
			if err != nil || len(messages) == 0 {
				break
			}
		}
		s.work.DismissDead(ctx)
	}
}

// take takes part of what waits.
func take[T comparable](s *Sender, of map[T]struct{}) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []T
	for one := range of {
		if len(out) == perRound {
			break
		}
		out = append(out, one)
		delete(of, one)
	}
	return out
}

// putBack has them wait again.
func putBack[T comparable](s *Sender, of map[T]struct{}, those []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range those {
		of[one] = struct{}{}
	}
	signal(s.news)
}
