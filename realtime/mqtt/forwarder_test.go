package mqtt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
)

func TestOnlineAwayAndBack(t *testing.T) {
	t.Parallel()
	stacks(t, patientPass, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		phone := s.client(s.grant(bob))
		phone.connect() // which finds no session, and polls once, before there is anything to hear
		room := s.group(ann.UserID, bob.UserID)
		s.say(ann.UserID, room, "0")
		phone.shows("0")
		for _, n := range numbers(1, 50) {
			s.say(ann.UserID, room, n)
		}
		phone.shows(numbers(0, 50)...)
		phone.leave()
		for _, n := range numbers(50, 300) { // more than one batch
			s.say(ann.UserID, room, n)
		}
		phone.connect()
		phone.shows(numbers(0, 300)...)
		phone.leave()
		phone.connect()
		s.say(ann.UserID, room, "300")
		phone.shows(numbers(0, 301)...)
		phone.wants(t, 1, 0)
	})
}

// A grant whose token is in the foreground is left alone, whatever the user's other devices do. When that ends, its device is
// told what it has not confirmed, and nothing else.
func TestForegroundSilence(t *testing.T) {
	t.Parallel()
	stacks(t, patientPass, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		in, err := s.service.Login(t.Context(), "person2", "dorandoran", "tablet")
		if err != nil {
			t.Fatal(err)
		}
		room := s.group(ann.UserID, bob.UserID)
		phone, tablet := s.client(s.grant(bob)), s.client(s.grant(s.prove(in.Token)))
		phone.connect()
		tablet.connect()
		s.say(ann.UserID, room, "0")
		phone.shows("0")
		tablet.shows("0")

		s.nodes[0].presence.Enter(bob.UserID, bob.TokenID)
		eventually(t, "online", func() error {
			if online, err := s.nodes[0].presence.Online([]int64{bob.UserID}); err != nil || !online[bob.UserID] {
				return errors.New("offline")
			}
			return nil
		})
		for _, n := range numbers(1, 10) {
			s.say(ann.UserID, room, n)
		}
		tablet.shows(numbers(0, 10)...)
		time.Sleep(nothingComes)
		phone.shows("0")

		phone.mu.Lock() // the foreground: it reads by itself
		before := phone.polls
		phone.poll()
		cursor := phone.cursor
		phone.mu.Unlock()
		s.nodes[0].presence.Confirm(bob.TokenID, cursor)
		s.say(ann.UserID, room, "10")
		s.nodes[0].presence.Leave(bob.TokenID)
		phone.shows(numbers(0, 11)...)
		phone.wants(t, before+1, 0)
		tablet.shows(numbers(0, 11)...)
	})
}

// Whoever's wake-up was lost is found by the pass.
func TestALostWakeUp(t *testing.T) {
	t.Parallel()
	stacks(t, quick, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		room := s.group(ann.UserID, bob.UserID)
		phone := s.client(s.grant(bob))
		phone.connect()
		s.nodes[0].deaf = true
		s.say(ann.UserID, room, "0")
		phone.shows("0")
	})
}

func TestRedisIsEmptied(t *testing.T) {
	t.Parallel()
	stacks(t, quick, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		room := s.group(ann.UserID, bob.UserID)
		phone := s.client(s.grant(bob))
		phone.connect()
		s.say(ann.UserID, room, "0")
		phone.shows("0")
		s.redis.FlushAll(t.Context())
		s.say(ann.UserID, room, "1")
		phone.shows("0", "1")
		s.say(ann.UserID, room, "2")
		phone.shows("0", "1", "2")
		if phone.gaps == 0 {
			t.Error("the device was not told of the gap")
		}
	})
}

func TestTheBrokerRestarts(t *testing.T) {
	t.Parallel()
	stacks(t, quick, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		room := s.group(ann.UserID, bob.UserID)
		phone := s.client(s.grant(bob))
		phone.connect()
		s.say(ann.UserID, room, "0")
		phone.shows("0")
		phone.leave()
		s.say(ann.UserID, room, "1") // Mosquitto takes it, and loses it
		time.Sleep(nothingComes)
		s.broker.kill()
		s.say(ann.UserID, room, "2") // nothing is delayed by a broker that is away
		s.broker.restart()
		phone.connect()
		phone.shows("0", "1", "2")
		s.say(ann.UserID, room, "3")
		phone.shows("0", "1", "2", "3")
	})
}

// What a node had begun when it ended is done by another.
func TestANodeThatEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := sharedServices(t)
	stuck := &stuck{site: s.openBroker(Events{}), at: make(chan struct{}, 1)}
	s.broker = stuck.site
	first := s.startWith(NewForwarder(Config{Timing: patientPass, Log: logger(s.log)}), stuck)
	ann, bob := s.session(), s.session()
	room := s.group(ann.UserID, bob.UserID)
	phone := s.client(s.grant(bob))
	phone.connect()
	s.say(ann.UserID, room, "0")
	phone.shows("0")
	stuck.from.Store(true)
	s.say(ann.UserID, room, "1")
	<-stuck.at
	s.start(patientPass)
	first.Forwarder.Close()
	phone.shows("0", "1")
}

// stuck is a broker that from some moment on takes nothing.
type stuck struct {
	*site
	from atomic.Bool
	at   chan struct{}
}

func (s *stuck) Publish(ctx context.Context, to Device, payload []byte) error {
	if !s.from.Load() {
		return s.site.Publish(ctx, to, payload)
	}
	s.at <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// Batches that are bigger than a broker takes are sent in parts.
func TestBigBatchesAreParted(t *testing.T) {
	t.Parallel()
	stacks(t, patientPass, func(t *testing.T, s *stack) {
		ann, bob := s.session(), s.session()
		room := s.group(ann.UserID, bob.UserID)
		phone := s.client(s.grant(bob))
		phone.connect()
		phone.leave()
		var want []string
		for i := range 40 {
			want = append(want, strings.Repeat("\u0001", 3900)+fmt.Sprint(i)) // six bytes each as JSON
			s.say(ann.UserID, room, want[i])
		}
		phone.connect()
		phone.shows(want...)
	})
}

// An event that comes after a grant's cursor was read and before it is written down wakes nobody who would forward it: making the grant does.
func TestWhatComesWhileAGrantIsMade(t *testing.T) {
	t.Parallel()
	s := realStack(t, patientPass)
	ann, bob := s.session(), s.session()
	room := s.group(ann.UserID, bob.UserID)
	n, ctx := s.nodes[0], context.Background()
	before, _, err := n.inbox.Read(ctx, bob.UserID, "")
	if err != nil {
		t.Fatal(err)
	}
	s.say(ann.UserID, room, "meanwhile")
	var now string
	eventually(t, "it is in the inbox", func() error {
		b, _, err := n.inbox.Read(ctx, bob.UserID, before.Cursor)
		if now = b.Cursor; err == nil && !slices.ContainsFunc(b.Events, func(e inbox.Event) bool { return e.Type == chat.MessageCreated }) {
			err = errors.New("not yet")
		}
		return err
	})
	time.Sleep(100 * time.Millisecond) // in which its wake-up finds no grant
	g, password, err := n.service.MakeGrant(ctx, bob)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.broker.Admit(ctx, g, password); err != nil {
		t.Fatal(err)
	}
	if err := beginScript.Run(ctx, s.redis, []string{cursorsKey(bob.UserID)}, g.TokenID, g.ID, before.Cursor, cursorTTL.Milliseconds()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := n.beginCursor(ctx, g); err != nil { // which finds the cursor that was read before
		t.Fatal(err)
	}
	eventually(t, "it is forwarded", func() error {
		if stands := s.redis.HGet(ctx, cursorsKey(bob.UserID), fmt.Sprint(g.TokenID)).Val(); stands != fmt.Sprintf("%d %s", g.ID, now) {
			return fmt.Errorf("at %q, want %q", stands, now)
		}
		return nil
	})
}

func TestLogoutCuts(t *testing.T) {
	t.Parallel()
	stacks(t, patientPass, func(t *testing.T, s *stack) {
		bob := s.session()
		p := s.grant(bob)
		ph := p.listen(t, s.broker.addr)
		if err := s.nodes[0].service.EndToken(t.Context(), bob, bob.TokenID); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		ph.cut(t)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %v", took)
		}
		eventually(t, "nothing is left of it", func() error {
			rows, err := s.service.Grants(context.Background(), 0, 10)
			if err != nil || len(rows) > 0 {
				return fmt.Errorf("%+v, %v", rows, err)
			}
			if n := s.redis.Exists(context.Background(), cursorsKey(bob.UserID)).Val(); n != 0 {
				return errors.New("the cursor is there")
			}
			return nil
		})
	})
}

// A token that ends while the broker is away, or while its node dies, is cut later.
func TestWhatCouldNotBeCutIsCutLater(t *testing.T) {
	t.Parallel()
	s := realStack(t, quick)
	bob, eve := s.session(), s.session()
	p, q := s.grant(bob), s.grant(eve)
	p.listen(t, s.broker.addr).Disconnect(50)
	s.broker.kill()
	if err := s.nodes[0].service.EndToken(t.Context(), bob, bob.TokenID); err != nil {
		t.Fatal(err)
	}
	if err := s.world.service.EndToken(t.Context(), eve, eve.TokenID); err != nil { // whose end nobody announces
		t.Fatal(err)
	}
	s.broker.restart()
	eventually(t, "cut", func() error {
		ids, err := s.broker.Clients(context.Background())
		if err != nil || len(ids) > 0 {
			return fmt.Errorf("%v %v", ids, err)
		}
		return nil
	})
	for _, p := range []pass{p, q} {
		if _, err := dial(p.options(s.broker.addr)); err == nil {
			t.Error("an ended grant lets in")
		}
	}
}

// Who is known to the broker and has no grant, from an old file of it, is taken out.
func TestStraysAreTakenFromTheBroker(t *testing.T) {
	t.Parallel()
	s := realStack(t, patientPass)
	bob, eve := s.session(), s.session()
	p, stray := s.grant(bob), s.grant(eve)
	if err := s.world.service.EndToken(t.Context(), eve, eve.TokenID); err != nil {
		t.Fatal(err)
	}
	if err := s.world.service.ForgetGrants(t.Context(), []chat.Grant{stray.Grant}); err != nil {
		t.Fatal(err)
	}
	if err := s.nodes[0].clearBroker(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids, err := s.broker.Clients(t.Context())
	if err != nil || len(ids) != 1 || ids[0] != p.ClientID {
		t.Errorf("%v %v", ids, err)
	}
}
