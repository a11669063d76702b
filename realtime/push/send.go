package push

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"doran/chat"
)

// service is a push service: FCM, or all of Web Push.
type service interface {
	// push asks the service once to wake the device up. It does not wait longer than ctx.
	push(ctx context.Context, t chat.PushTarget) answer
	// host is what a pause is for when it asks for one.
	host(t chat.PushTarget) string
}

// answer is what became of an attempt.
type answer struct {
	result string        // one of those below
	detail string        // what the service said; "": the usual words for the result
	after  time.Duration // for isLater: the pause that the service asks for; 0: none
}

// The results, as they stand in the log and in the metrics.
const (
	isSent       = "sent"
	isForeground = "foreground"
	isMuted      = "muted"
	isWaiting    = "waiting"
	isSeen       = "seen"
	isLater      = "later"
	isRefused    = "refused"
	isRemoved    = "removed"
	isOff        = "off"
)

// usual are the words for results that need no more of them.
var usual = map[string]string{
	isSent:       "The service took it.",
	isForeground: "The token was connected, so the device heard of it there.",
	isMuted:      "The chat is muted.",
	isWaiting:    "The device was woken up before, and has not polled since.",
	isSeen:       "It came while the token was connected, and was seen.",
	isOff:        "This server is not set up for devices of this kind. Its operator can change that.",
}

// send wakes a claimed device up and settles the claim. Its errors are those of this server's own parts, not of the service.
func (s *Sender) send(ctx context.Context, c claim) error {
	a := s.ask(ctx, c.PushTarget)
	if ctx.Err() != nil {
		return ctx.Err() // the node is ending: nobody knows what became of it, and another one tries again
	}
	next := ""
	switch a.result {
	case isSent, isRefused, isOff:
		next = fmt.Sprintf("%d %d", c.TokenID, time.Now().Add(s.Timing.Outstanding).UnixMilli())
	case isRemoved:
		if err := s.service.ForgetDevice(ctx, c.PushTarget); err != nil {
			return err
		}
	case isLater:
		return s.postpone(ctx, c, a)
	}
	s.record(ctx, []chat.PushTarget{c.PushTarget}, a)
	return s.settle(ctx, c, next)
}

// ask calls the service, unless it has asked for a pause.
func (s *Sender) ask(ctx context.Context, t chat.PushTarget) answer {
	service := s.services[t.Kind]
	if service == nil {
		return answer{result: isOff}
	}
	host := service.host(t)
	if pause := s.pauses.left(host); pause > 0 {
		return answer{result: isLater, detail: "The service has asked for a pause, or does not answer.", after: pause}
	}
	call, cancel := context.WithTimeout(ctx, s.Timing.Call)
	defer cancel()
	begin := time.Now()
	a := service.push(call, t)
	s.metrics.took.WithLabelValues(t.Kind).Observe(time.Since(begin).Seconds())
	if ctx.Err() == nil {
		s.pauses.heed(host, a)
	}
	return a
}

// postpone has the service asked again later, until the time is over for which one push stands for all: after that another one may go.
func (s *Sender) postpone(ctx context.Context, c claim, a answer) error {
	pause := max(a.after, s.backoff(c.try))
	due := time.Now().Add(pause)
	if due.After(c.first.Add(s.Timing.Outstanding)) {
		a.result, a.detail = isRefused, a.detail+" It was asked for long enough."
		s.record(ctx, []chat.PushTarget{c.PushTarget}, a)
		return s.settle(ctx, c, fmt.Sprintf("%d %d", c.TokenID, time.Now().Add(s.Timing.Outstanding).UnixMilli()))
	}
	s.record(ctx, []chat.PushTarget{c.PushTarget}, a)
	return s.sendAt(ctx, c, due)
}

// backoff doubles with each try, up to ten minutes or so, with a part at random so that those who met once do not meet again.
func (s *Sender) backoff(try int) time.Duration {
	d := s.Timing.Backoff << min(try, 6)
	return d/2 + rand.N(d/2+1) + d/4
}

// settle says what stands in place of the claim; when the token has connected meanwhile, nothing does.
func (s *Sender) settle(ctx context.Context, c claim, next string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	_, err := settleScript.Run(ctx, s.redis(), []string{stateKey(c.UserID)}, c.Row, c.word(), next).Result()
	if err != nil {
		return fmt.Errorf("settling a claim: %w", err)
	}
	return nil
}
