package inbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"doran/chat"
	"doran/internal/failpoint"

	"golang.org/x/time/rate"
)

// The bounds of publishing.
const (
	publishers     = 4   // goroutines, each with its chats
	chatsPerRound  = 64  // read from the outbox together
	eventsPerRound = 512 // read from the outbox together
	eventsPerCall  = 32  // of one chat, in one script call
	appendsPerCall = 64  // events times inboxes: a call of so many keeps Redis for about half a millisecond
	inboxesPerCall = 32
)

// publisher carries what stands in the outbox to the inboxes. It holds no events: only which chats have some. So nothing
// grows while Redis is down, and what another node committed and did not publish is carried along in its order.
type publisher struct {
	in     *Inbox
	shards [publishers]shard

	warn   rate.Sometimes // a Redis that is down fails a round for each send
	failed atomic.Int64   // rounds since the last warning
}

const warnEvery = 10 * time.Second

type shard struct {
	signal chan struct{}
	mu     sync.Mutex
	chats  map[int64]struct{}
}

func newPublisher(in *Inbox) *publisher {
	p := &publisher{in: in, warn: rate.Sometimes{Interval: warnEvery}}
	for i := range p.shards {
		p.shards[i].signal = make(chan struct{}, 1)
		p.shards[i].chats = map[int64]struct{}{}
	}
	return p
}

func (p *publisher) mark(chatIDs []int64) {
	for _, c := range chatIDs {
		s := &p.shards[uint64(c)%publishers]
		s.mu.Lock()
		s.chats[c] = struct{}{}
		s.mu.Unlock()
		select {
		case s.signal <- struct{}{}:
		default:
		}
	}
}

// take gives up to chatsPerRound chats that wait, and signals again when more do.
func (s *shard) take() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int64
	for c := range s.chats {
		if len(out) == chatsPerRound {
			select {
			case s.signal <- struct{}{}:
			default:
			}
			break
		}
		out = append(out, c)
		delete(s.chats, c)
	}
	slices.Sort(out)
	return out
}

func (p *publisher) run(ctx context.Context, i int) {
	s := &p.shards[i]
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.signal:
		}
		if chats := s.take(); len(chats) > 0 {
			if err := p.round(ctx, chats); err != nil && ctx.Err() == nil {
				p.failure(err)
			}
		}
	}
}

// failure counts a round that failed, and tells of it now and then.
func (p *publisher) failure(err error) {
	p.in.metrics.retries.Inc()
	p.failed.Add(1)
	p.warn.Do(func() {
		p.in.Log.Warn("cannot publish to inboxes; the events stand in the outbox and are tried again", "failures", p.failed.Swap(0), "err", err)
	})
}

// sweep publishes what has stood in the outbox for a while: its node died before it could, or Redis was down. Rows are found by
// being there and never by id > last: ids are not committed in order.
func (p *publisher) sweep(ctx context.Context) {
	if failpoint.Defective(failpoint.NoSweep) {
		return
	}
	for {
		pause := p.in.Sweep/2 + time.Duration(rand.Int64N(int64(p.in.Sweep/2)+1))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		overdue, err := p.in.Service.OverdueChats(ctx, chat.At(time.Now().Add(-p.in.Sweep)), eventsPerRound)
		if err != nil && ctx.Err() == nil {
			p.in.Log.Debug("cannot sweep the outbox", "err", err)
		}
		p.mark(overdue)
	}
}

const roundTimeout = 10 * time.Second

// round publishes what the outbox has of these chats, wakes who it is for, and takes it out of the outbox.
func (p *publisher) round(ctx context.Context, chats []int64) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	events, err := p.in.Service.Outbox(ctx, chats, eventsPerRound)
	if err != nil || len(events) == 0 {
		return err
	}
	epoch, err := p.in.epoch.now(ctx)
	if err != nil {
		return err
	}
	if err := p.fill(ctx, epoch, events); err != nil {
		return p.moved(ctx, err)
	}
	of, err := p.destinations(ctx, events)
	if err != nil {
		return err
	}
	failpoint.Here(failpoint.BeforeAppend)
	woken, undelivered, err := p.append(ctx, epoch, of)
	failpoint.Here(failpoint.BeforeWake)
	if len(woken) > 0 {
		p.in.Wake(slices.Sorted(maps.Keys(woken)))
	}
	if err != nil {
		return p.moved(ctx, err)
	}
	var done []int64
	var told []chat.Event
	for _, e := range events {
		if !undelivered[e.ChatID] {
			done, told = append(done, e.ID), append(told, e)
		}
	}
	p.in.Published(told)
	failpoint.Here(failpoint.BeforeOutbox)
	if err := p.in.Service.Delivered(ctx, epoch, done); err != nil {
		return err
	}
	if len(events) == eventsPerRound && len(done) > 0 { // there may be more; a round that brought nothing is for the sweep, or it would go round and round
		p.mark(chats)
	}
	return nil
}

// moved looks for the new epoch after a call was refused as stale.
func (p *publisher) moved(ctx context.Context, err error) error {
	if errors.Is(err, errStale) {
		return errors.Join(err, p.in.epoch.refresh(ctx))
	}
	return err
}

// fill writes the bodies before the entries that name them. A tombstone that Redis did not take keeps its event in the outbox.
func (p *publisher) fill(ctx context.Context, epoch int64, events []chat.Event) error {
	ids := map[int64]struct{}{}
	for _, e := range events {
		if tellsOfMessage(e.Type) {
			ids[e.MessageID] = struct{}{}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := p.in.fillBodies(ctx, epoch, slices.Collect(maps.Keys(ids)))
	return err
}

func tellsOfMessage(t chat.EventType) bool {
	return t == chat.MessageCreated || t == chat.MessageEdited || t == chat.MessageDeleted
}

// destination is one chat's events and the inboxes that they may concern.
type destination struct {
	chat    int64
	direct  bool
	events  []chat.Event
	inboxes []addressee
}

// addressee is one user with all their stays in the chat, ascending.
type addressee struct {
	user  int64
	stays []chat.Stay
}

// concerned: one of the stays includes one of the versions.
func (a addressee) concerned(events []chat.Event) bool {
	for _, s := range a.stays {
		for _, e := range events {
			member := s.Joined <= e.Version && (s.Left == 0 || e.Version <= s.Left)
			if failpoint.Defective(failpoint.MembersAsOfNow) {
				member = s.Left == 0
			}
			if member {
				return true
			}
		}
	}
	return false
}

// next is the first version after last at which the user was a member; false when there is none. append.lua has the same rule.
func (a addressee) next(last int64) (int64, bool) {
	for _, s := range a.stays {
		if s.Left == 0 || last < s.Left {
			return max(last+1, s.Joined), true
		}
	}
	return 0, false
}

func (a addressee) String() string {
	var b strings.Builder
	for i, s := range a.stays {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d-%d", s.Joined, s.Left)
	}
	return b.String()
}

// destinations finds for each chat who is told: those who were members as of an event's version, not those who are now.
func (p *publisher) destinations(ctx context.Context, events []chat.Event) ([]*destination, error) {
	var out []*destination
	for _, e := range events {
		if len(out) == 0 || out[len(out)-1].chat != e.ChatID {
			out = append(out, &destination{chat: e.ChatID})
		}
		d := out[len(out)-1]
		d.events = append(d.events, e)
	}
	ids := make([]int64, len(out))
	for i, d := range out {
		ids[i] = d.chat
	}
	stays, err := p.in.Service.Stays(ctx, ids)
	if err != nil {
		return nil, err
	}
	byChat := map[int64][]addressee{}
	direct := map[int64]bool{}
	for _, s := range stays {
		all := byChat[s.ChatID]
		if len(all) == 0 || all[len(all)-1].user != s.UserID {
			all = append(all, addressee{user: s.UserID})
		}
		all[len(all)-1].stays = append(all[len(all)-1].stays, s)
		byChat[s.ChatID] = all
		direct[s.ChatID] = s.Direct
	}
	for _, d := range out {
		d.direct = direct[d.chat]
		for _, a := range byChat[d.chat] {
			if a.concerned(d.events) {
				d.inboxes = append(d.inboxes, a)
			}
		}
	}
	return out, nil
}
