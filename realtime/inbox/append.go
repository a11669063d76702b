package inbox

import (
	"context"
	"slices"

	"doran/chat"
)

// What append.lua answers for an inbox.
const (
	appended = 0 // value: how many entries are new
	unborn   = 1
	stale    = 2
	behind   = 3 // value: the last version that the inbox has
)

// attempt is one script call of append.lua: some events of one chat for some inboxes.
type attempt struct {
	of      *destination
	events  []chat.Event
	inboxes []addressee
}

const appendTries = 5

// append brings the events to their inboxes. It gives who has something new, and the chats of which some inbox does not have all
// yet: their events stay in the outbox.
func (p *publisher) append(ctx context.Context, epoch int64, of []*destination) (woken, undelivered map[int64]bool, err error) {
	woken, undelivered = map[int64]bool{}, map[int64]bool{}
	attempts := p.attempts(of)
	for try := 0; len(attempts) > 0; try++ {
		if try == appendTries {
			for _, a := range attempts {
				undelivered[a.of.chat] = true
			}
			break
		}
		if attempts, err = p.try(ctx, epoch, attempts, woken, undelivered); err != nil {
			return woken, undelivered, err
		}
	}
	return woken, undelivered, nil
}

// attempts cuts the work into calls that keep Redis only for a moment, those of one inbox in the order of versions.
func (p *publisher) attempts(of []*destination) (out []attempt) {
	perCall := inboxesPerCall
	if p.in.redis.cluster { // each inbox in its own slot
		perCall = 1
	}
	for _, d := range of {
		for events := range slices.Chunk(d.events, eventsPerCall) {
			for inboxes := range slices.Chunk(d.inboxes, min(perCall, max(1, appendsPerCall/len(events)))) {
				out = append(out, attempt{d, events, inboxes})
			}
		}
	}
	return out
}

// try sends the calls and gives those that are worth sending again.
func (p *publisher) try(ctx context.Context, epoch int64, attempts []attempt, woken, undelivered map[int64]bool) ([]attempt, error) {
	calls := make([]*call, len(attempts))
	for i, a := range attempts {
		calls[i] = &call{script: "append", keys: a.keys(), args: a.args(epoch)}
	}
	if err := p.in.redis.run(ctx, epoch, calls); err != nil {
		return nil, err
	}
	var again []attempt
	var births []int64
	for i, a := range attempts {
		codes, _ := calls[i].reply.([]any)
		if len(codes) != 2*len(a.inboxes) {
			undelivered[a.of.chat] = true
			continue
		}
		var retry []addressee
		for j, to := range a.inboxes {
			code, _ := codes[2*j].(int64)
			value, _ := codes[2*j+1].(int64)
			switch code {
			case appended:
				if value > 0 {
					woken[to.user] = true
					p.in.metrics.appended.Add(float64(value))
				}
			case unborn:
				births = append(births, to.user)
				retry = append(retry, to)
				woken[to.user] = true // whoever is connected is to learn of the gap
			case stale:
				return nil, errStale
			case behind:
				gone, err := p.forsake(ctx, epoch, a.of.chat, to, value)
				if err != nil {
					return nil, err
				}
				if gone {
					retry = append(retry, to)
				} else {
					undelivered[a.of.chat] = true
				}
			}
		}
		if len(retry) > 0 {
			again = append(again, attempt{a.of, a.events, retry})
		}
	}
	slices.Sort(births)
	return again, p.in.bear(ctx, epoch, slices.Compact(births))
}

// forsake settles an inbox that lacks the version after last. While that stands in the outbox it is about to come, by another
// publisher or the sweep; if it does not, it never will, and the inbox is removed to be born again. Asked after Redis answered, and on the primary.
func (p *publisher) forsake(ctx context.Context, epoch, chatID int64, to addressee, last int64) (gone bool, err error) {
	version, ok := to.next(last)
	if !ok {
		return true, nil
	}
	coming, err := p.in.Service.Outstanding(ctx, chatID, version)
	if err != nil || coming {
		return false, err
	}
	c := &call{script: "forsake", keys: inboxKeys(to.user), args: []any{epoch, chatID, last}}
	if err := p.in.redis.run(ctx, epoch, []*call{c}); err != nil {
		return false, err
	}
	if n, _ := c.reply.(int64); n > 0 {
		p.in.metrics.forsaken.Inc()
		p.in.Log.Warn("an inbox lacked an event that is no longer in the outbox; it is born again", "user", to.user, "chat", chatID, "version", version)
	}
	return true, nil
}

func (a attempt) keys() []string {
	keys := make([]string, 0, 2*len(a.inboxes))
	for _, to := range a.inboxes {
		keys = append(keys, inboxKeys(to.user)...)
	}
	return keys
}

// args in the order that append.lua documents.
func (a attempt) args(epoch int64) []any {
	direct := 0
	if a.of.direct {
		direct = 1
	}
	args := []any{epoch, inboxEntries, inboxTTL.Milliseconds(), a.of.chat, direct, len(a.events)}
	for _, e := range a.events {
		args = append(args, string(e.Type), e.Version, e.MessageID, e.Seq, e.UserID, e.ByID, e.OnlyID, stamp(e.At))
	}
	for _, to := range a.inboxes {
		args = append(args, to.user, to.String())
	}
	return args
}
