package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
	"doran/realtime/inbox"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Every kind of event, step by step, and what the owner, a member and a guest who comes and goes are told of it.
func TestEveryKindOfEventIsTold(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		ctx := t.Context()
		u := s.users(3)
		people := []*device{s.device(u[0], n), s.device(u[1], n), s.device(u[2], n)}
		var g int64
		var m chat.Message
		for _, step := range []struct {
			name string
			do   func() error
			told [3]chat.EventType // owner, member, guest
		}{
			{"create", func() error { g = n.group(t, u[0], u[1]); return nil }, [3]chat.EventType{chat.ChatCreated, chat.ChatCreated, ""}},
			{"send", func() error { m = n.send(t, u[0], g, "하나"); return nil }, [3]chat.EventType{chat.MessageCreated, chat.MessageCreated, ""}},
			{"edit", func() error { return second(n.EditMessage(ctx, u[0], g, m.ID, "둘")) }, [3]chat.EventType{chat.MessageEdited, chat.MessageEdited, ""}},
			{"read", func() error { return second(n.MarkRead(ctx, u[1], g, m.ID)) }, [3]chat.EventType{"", chat.MessageRead, ""}},
			{"title", func() error { return second(n.SetTitle(ctx, u[0], g, "도란")) }, [3]chat.EventType{chat.ChatUpdated, chat.ChatUpdated, ""}},
			{"add", func() error { _, _, err := n.AddMember(ctx, u[0], g, u[2]); return err }, [3]chat.EventType{chat.MemberAdded, chat.MemberAdded, chat.ChatCreated}},
			{"delete a message from before the guest came", func() error { return second(n.DeleteMessage(ctx, u[0], g, m.ID)) }, [3]chat.EventType{chat.MessageDeleted, chat.MessageDeleted, ""}},
			{"send to all", func() error { m = n.send(t, u[1], g, "셋"); return nil }, [3]chat.EventType{chat.MessageCreated, chat.MessageCreated, chat.MessageCreated}},
			{"remove", func() error { return n.RemoveMember(ctx, u[0], g, u[2]) }, [3]chat.EventType{chat.MemberRemoved, chat.MemberRemoved, chat.MemberRemoved}},
			{"send after the guest left", func() error { n.send(t, u[1], g, "넷"); return nil }, [3]chat.EventType{chat.MessageCreated, chat.MessageCreated, ""}},
			{"delete the chat", func() error { return n.DeleteChat(ctx, u[0], g) }, [3]chat.EventType{chat.ChatDeleted, chat.ChatDeleted, ""}},
		} {
			must(t, step.do())
			waitOutboxEmpty(t, s)
			for i, who := range []string{"owner", "member", "guest"} {
				before := len(people[i].events)
				people[i].poll(n)
				var told []chat.EventType
				for _, e := range people[i].events[before:] {
					told = append(told, e.Type)
				}
				var want []chat.EventType
				if step.told[i] != "" {
					want = []chat.EventType{step.told[i]}
				}
				if !slices.Equal(told, want) {
					t.Errorf("%s: the %s is told %v, want %v", step.name, who, told, want)
				}
				people[i].inOrder()
			}
		}
	})
}

func TestEventsCarryThingsAsTheyAreNow(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		d := s.device(u[1], n)
		g := n.group(t, u[0], u[1])
		m, _, err := n.SendMessage(t.Context(), u[0], g, "before", "key-1")
		must(t, err)
		must(t, second(n.EditMessage(t.Context(), u[0], g, m.ID, "after")))
		d.until(d.saw(chat.MessageEdited), n)
		for _, e := range d.events {
			if got, ok := e.Data.(chat.Message); ok && e.Type == chat.MessageEdited && (got.Content != "after" || got.EditedAt == nil || got.ClientID != nil) {
				t.Errorf("%s shows %+v: want the edited text, and no client_id of somebody else's", e.Type, got)
			}
		}
		sender := &device{t: t, user: u[0], cursor: "0"}
		sender.until(sender.saw(chat.MessageCreated), n)
		for _, e := range sender.events {
			if got, ok := e.Data.(chat.Message); ok && (got.ClientID == nil || *got.ClientID != "key-1" || got.Content != "after") {
				t.Errorf("its sender is shown %+v: want the text as it is now, and the client_id", got)
			}
		}
	})
}

// Sixteen senders write one chat through three nodes at once; every inbox, read along on all nodes in turn, brings every message once, in order.
func TestManySendersThroughManyNodes(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		nodes := s.nodes()
		u := s.users(16)
		g := nodes[0].group(t, u[0], u[1:]...)
		const each = 12
		devices := make([]*device, len(u))
		for i := range devices {
			devices[i] = s.device(u[i], nodes[i%3])
		}
		var wg sync.WaitGroup
		for i, user := range u {
			wg.Go(func() {
				for k := range each {
					nodes[(i+k)%3].sendOnce(t, user, g, fmt.Sprintf("%d/%d", i, k), fmt.Sprintf("c-%d-%d", i, k))
				}
			})
		}
		for i, d := range devices {
			wg.Go(func() {
				d.until(func() bool { return len(d.texts()) >= each*len(u) }, nodes[i%3], nodes[(i+1)%3], nodes[(i+2)%3])
			})
		}
		wg.Wait()
		want := devices[0].texts()
		for _, d := range devices {
			d.inOrder()
			if got := d.texts(); d.gaps != 0 || len(got) != each*len(u) || !slices.Equal(got, want) {
				t.Errorf("user %d was shown %d messages in %d gaps; the first user %d: not the same once each", d.user, len(got), d.gaps, len(want))
			}
		}
		for i := range u { // and each sender's own in the order in which they sent
			var mine []string
			for _, text := range want {
				if strings.HasPrefix(text, fmt.Sprintf("%d/", i)) {
					mine = append(mine, text)
				}
			}
			for k, text := range mine {
				if text != fmt.Sprintf("%d/%d", i, k) {
					t.Errorf("sender %d: message %d is %q", i, k, text)
				}
			}
		}
	})
}

// A node that is killed between commit and publish has told nobody; any other node's sweep does.
func TestNodeKilledBetweenCommitAndPublish(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		alive := s.node()
		dead := &node{Service: s.service(nil)}
		u := s.users(2)
		d := s.device(u[1], alive)
		g := dead.group(t, u[0], u[1])
		dead.send(t, u[0], g, "still here")
		start := time.Now()
		d.until(d.saw(chat.MessageCreated), alive)
		t.Logf("told after %v", time.Since(start))
		for alive.woken.of(u[1]) == 0 { // after it can be read
			if time.Since(start) > 10*time.Second {
				t.Fatal("nobody was woken")
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}

// mend is what a client does that was told of a gap.
func mend(t *testing.T, n *node, user, chatID int64) []string {
	t.Helper()
	page, err := n.ChangedAfter(t.Context(), user, chatID, 0, 100)
	must(t, err)
	var out []string
	for _, m := range page.Messages {
		out = append(out, m.Content)
	}
	return out
}

func TestRedisEmptiedInTheMiddle(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		n.send(t, u[0], g, "one")
		d.until(d.saw(chat.MessageCreated), n)
		must(t, s.look.FlushAll(t.Context()).Err())
		n.send(t, u[0], g, "two")
		n.send(t, u[0], g, "three")
		d.until(func() bool { return d.gaps > 0 }, n)
		known := mend(t, n, u[1], g)
		n.send(t, u[0], g, "four")
		d.until(func() bool { return slices.Contains(d.texts(), "four") }, n)
		got := slices.DeleteFunc(d.texts()[1:], func(text string) bool { return slices.Contains(known, text) })
		got = append(known, got...) // what stood in the outbox is told after the gap too
		if d.gaps != 1 || !slices.Equal(got, []string{"one", "two", "three", "four"}) {
			t.Errorf("after %d gaps the device has %q", d.gaps, got)
		}
		d.inOrder()
	})
}

func TestForgottenScriptsAreSentAgain(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		must(t, s.look.ScriptFlush(t.Context()).Err())
		n.send(t, u[0], g, "one")
		d.until(d.saw(chat.MessageCreated), n)
		if d.gaps != 0 {
			t.Errorf("%d gaps", d.gaps)
		}
	})
}

// The text of a deleted message stands nowhere: not in the database, not in Redis, not in a replay from the oldest.
func TestDeletedTextIsNowhere(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		m := n.send(t, u[0], g, "secret word")
		d.until(d.saw(chat.MessageCreated), n)
		must(t, second(n.DeleteMessage(t.Context(), u[0], g, m.ID)))
		d.until(d.saw(chat.MessageDeleted), n)
		replay := &device{t: t, user: u[1], cursor: "0"}
		replay.until(replay.saw(chat.MessageDeleted), n)
		if texts := replay.texts(); !slices.Equal(texts, []string{chat.Tombstone}) {
			t.Errorf("a replay shows %q", texts)
		}
		for _, line := range dump(t, s.look) {
			if strings.Contains(line, "secret") {
				t.Errorf("Redis still has it: %s", line)
			}
		}
		row, err := s.db.Client.Message.Get(t.Context(), m.ID)
		must(t, err)
		if strings.Contains(row.Content, "secret") {
			t.Errorf("the database still has %q", row.Content)
		}
	})
}

// dump is everything that stands in Redis, a line for each key.
func dump(t *testing.T, c redis.UniversalClient) (out []string) {
	t.Helper()
	keys, err := c.Keys(t.Context(), "*").Result()
	must(t, err)
	for _, k := range keys {
		switch kind := c.Type(t.Context(), k).Val(); kind {
		case "stream":
			out = append(out, fmt.Sprint(k, c.XRange(t.Context(), k, "-", "+").Val()))
		case "hash":
			out = append(out, fmt.Sprint(k, c.HGetAll(t.Context(), k).Val()))
		default:
			out = append(out, fmt.Sprint(k, kind, c.Get(t.Context(), k).Val()))
		}
		if ttl := c.PTTL(t.Context(), k).Val(); ttl <= 0 {
			t.Errorf("%s has no expiry", k)
		}
	}
	return out
}

// An inbox reads by eye, has no packed blobs, and a body stands once.
func TestInboxReadsByEye(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(3)
		devices := []*device{s.device(u[0], n), s.device(u[1], n), s.device(u[2], n)}
		g := n.group(t, u[0], u[1:]...)
		m := n.send(t, u[0], g, "only once")
		for _, d := range devices {
			d.until(d.saw(chat.MessageCreated), n)
		}
		entries, err := s.look.XRange(t.Context(), fmt.Sprintf("inbox:{%d}", u[1]), "-", "+").Result()
		must(t, err)
		last := entries[len(entries)-1].Values
		for field, want := range map[string]any{"type": "message.created", "chat": fmt.Sprint(g), "version": fmt.Sprint(m.Version), "message": fmt.Sprint(m.ID), "seq": "1", "by": fmt.Sprint(u[0])} {
			if last[field] != want {
				t.Errorf("the entry's %s is %v, want %v", field, last[field], want)
			}
		}
		if found := strings.Count(strings.Join(dump(t, s.look), "\n"), "only once"); found != 1 {
			t.Errorf("the body stands %d times", found)
		}
	})
}

func TestWhatOneMayNoLongerReadIsPassedOver(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		ctx := t.Context()
		u := s.users(3)
		g := n.group(t, u[0], u[1], u[2])
		waitOutboxEmpty(t, s)
		d, other := s.device(u[1], n), s.device(u[2], n)
		old := n.send(t, u[0], g, "while there")
		must(t, n.RemoveMember(ctx, u[0], g, u[1]))
		n.send(t, u[0], g, "while away")
		_, _, err := n.AddMember(ctx, u[0], g, u[1])
		must(t, err)
		must(t, second(n.EditMessage(ctx, u[0], g, old.ID, "while there, edited")))
		n.send(t, u[0], g, "back again")
		other.until(func() bool { return slices.Contains(other.texts(), "back again") }, n)
		d.until(func() bool { return slices.Contains(d.texts(), "back again") }, n)
		if got := d.texts(); !slices.Equal(got, []string{"back again"}) {
			t.Errorf("who was away is shown %q", got)
		}
		if d.saw(chat.MessageEdited)() {
			t.Error("who was away is shown a change to a message from before they came")
		}
		if !d.saw(chat.ChatCreated)() || !other.saw(chat.MemberAdded)() || other.saw(chat.ChatCreated)() {
			t.Errorf("who was added is told %v, the others %v", d.told(), other.told())
		}
		d.inOrder()
		other.inOrder()
	})
}

// One side of a direct chat deletes it for themselves: only they are told, and it comes back, empty, with the next message.
func TestDirectChatDeletedByOneSide(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		ctx := t.Context()
		u := s.users(2)
		c, _, err := n.CreateChat(ctx, u[0], chat.NewChat{UserIDs: u[1:], Kind: chat.KindDirect})
		must(t, err)
		n.send(t, u[0], c.ID, "first")
		waitOutboxEmpty(t, s)
		a, b := s.device(u[0], n), s.device(u[1], n)
		must(t, n.DeleteChat(ctx, u[1], c.ID))
		b.until(b.saw(chat.ChatDeleted), n)
		n.send(t, u[0], c.ID, "second")
		b.until(b.saw(chat.MessageCreated), n)
		a.until(func() bool { return slices.Contains(a.texts(), "second") }, n)
		if a.saw(chat.ChatDeleted)() || a.saw(chat.ChatCreated)() {
			t.Errorf("the other side is told %v", a.told())
		}
		if got := b.texts(); !b.saw(chat.ChatCreated)() || !slices.Equal(got, []string{"second"}) {
			t.Errorf("who deleted it is told %v with %q", b.told(), got)
		}
		a.inOrder()
		b.inOrder()
	})
}

// An inbox that lacks an event which nobody will bring any more is born again, and nothing stalls.
func TestInboxThatLacksAnEvent(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		m := n.send(t, u[0], g, "one")
		d.until(d.saw(chat.MessageCreated), n)
		must(t, s.look.HSet(t.Context(), fmt.Sprintf("inbox:{%d}:chats", u[1]), fmt.Sprint(g), m.Version-1).Err())
		n.send(t, u[0], g, "two")
		d.until(func() bool { return d.gaps == 1 }, n)
		if got := mend(t, n, u[1], g); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("after the gap the database gives %q", got)
		}
		n.send(t, u[0], g, "three")
		d.until(func() bool { return slices.Contains(d.texts(), "three") }, n)
		waitOutboxEmpty(t, s)
	})
}

// An entry that makes no sense never blocks what comes after it.
func TestUnreadableEntryIsPassedOver(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		for _, values := range [][]string{{"type", "message.created", "chat", "x"}, {"nothing", "here"}, {"type", "from.the.future", "chat", fmt.Sprint(g), "version", "9", "at", "2026-11-23T06:57:43.200Z"}, {"type", "message.created", "chat", fmt.Sprint(g), "version", "1", "message", "999999", "seq", "1", "at", "2026-11-23T06:57:43.200Z"}} {
			must(t, s.look.XAdd(t.Context(), &redis.XAddArgs{Stream: fmt.Sprintf("inbox:{%d}", u[1]), Values: values}).Err())
		}
		n.send(t, u[0], g, "after it")
		d.until(func() bool { return slices.Contains(d.texts(), "after it") }, n)
		if d.gaps != 0 {
			t.Errorf("%d gaps", d.gaps)
		}
	})
}

func TestCursorsThatAreNowhere(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		n := s.node()
		u := s.users(2)
		g := n.group(t, u[0], u[1])
		d := s.device(u[1], n)
		start := d.cursor
		n.send(t, u[0], g, "one")
		d.until(d.saw(chat.MessageCreated), n)
		at, err := inbox.ParseCursor(u[1], d.cursor)
		must(t, err)
		elsewhere := func(change func(*inbox.Cursor)) string { c := at; change(&c); return c.String() }
		for name, cursor := range map[string]string{
			"beyond the top":    elsewhere(func(c *inbox.Cursor) { c.Entry = "9999999999999-0" }),
			"before the bottom": elsewhere(func(c *inbox.Cursor) { c.Entry = "1-0" }),
			"between entries":   elsewhere(func(c *inbox.Cursor) { c.Entry += "7" }),
			"another birth":     elsewhere(func(c *inbox.Cursor) { c.Birth = "00000000" }),
			"a later epoch":     elsewhere(func(c *inbox.Cursor) { c.Epoch += 5 }),
		} {
			if b, _, err := n.Read(t.Context(), u[1], cursor); err != nil || !b.Gap || len(b.Events) != 0 || b.Cursor != d.cursor {
				t.Errorf("%s: %+v, %v; want a gap and the cursor of now", name, b, err)
			}
		}
		must(t, s.look.XTrimMaxLen(t.Context(), fmt.Sprintf("inbox:{%d}", u[1]), 1).Err())
		if b, _, err := n.Read(t.Context(), u[1], start); err != nil || !b.Gap {
			t.Errorf("a cursor that was trimmed away: %+v, %v; want a gap", b, err)
		}
		if b, _, err := n.Read(t.Context(), u[1], d.cursor); err != nil || b.Gap || len(b.Events) != 0 {
			t.Errorf("the cursor of the last entry: %+v, %v; want an empty batch", b, err)
		}
	})
}

// A Redis that is restored from a backup still has a cursor's entry and lacks what came after: every older cursor is a gap.
func TestRestoredRedisIsAnotherEpoch(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.MariaDB(t), server.URL, "")
	n := s.node()
	u := s.users(2)
	g := n.group(t, u[0], u[1])
	d := s.device(u[1], n)
	m := n.send(t, u[0], g, "one")
	d.until(d.saw(chat.MessageCreated), n)
	time.Sleep(1100 * time.Millisecond) // appendfsync everysec: the backup is of files
	restore := server.Backup()
	n.send(t, u[0], g, "two")
	d.until(func() bool { return len(d.texts()) == 2 }, n)
	must(t, second(n.DeleteMessage(t.Context(), u[0], g, m.ID)))
	d.until(d.saw(chat.MessageDeleted), n)
	restore()
	d.untilAnswered(n)
	if d.gaps != 1 {
		t.Errorf("after the restore the device was told of %d gaps, want 1", d.gaps)
	}
	n.send(t, u[0], g, "three")
	d.until(func() bool { return slices.Contains(d.texts(), "three") }, n)
	d.inOrder()
	deadline := time.Now().Add(5 * time.Second)
	for strings.Contains(strings.Join(dump(t, s.look), "\n"), "one") {
		if time.Now().After(deadline) {
			t.Fatal("Redis still has the text of the deleted message, from the backup")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// untilAnswered polls through the time in which Redis is away.
func (d *device) untilAnswered(n *node) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		b, _, err := n.Read(d.t.Context(), d.user, d.cursor)
		if err == nil {
			if b.Gap {
				d.gaps++
			}
			d.cursor = b.Cursor
			d.events = append(d.events, b.Events...)
			return
		}
		var refused *chat.Error
		if !errors.As(err, &refused) || refused.Code != chat.CodeUnavailable || time.Now().After(deadline) {
			d.t.Fatalf("while Redis is away a read gives %v, want unavailable", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// While Redis is down sends go on, reads say so, the log has a line now and then and not one for each try, and everything arrives when it is back.
func TestRedisDown(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.MariaDB(t), server.URL, "")
	n := s.node()
	u := s.users(2)
	g := n.group(t, u[0], u[1])
	d := s.device(u[1], n)
	server.Kill()
	for i := range 5 {
		n.send(t, u[0], g, fmt.Sprint("while down ", i))
	}
	if _, _, err := n.Read(t.Context(), u[1], d.cursor); !isUnavailable(err) {
		t.Errorf("a read gives %v, want unavailable", err)
	}
	for failures(t, n) < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	if lines := strings.Count(n.log.String(), "cannot publish to inboxes"); lines != 1 {
		t.Errorf("%d lines in the log tell that nothing can be published, want 1", lines)
	}
	server.Restart()
	d.untilAnswered(n)
	d.until(func() bool { return len(d.texts()) == 5 || d.gaps > 0 && len(mend(t, n, u[1], g)) == 5 }, n)
	waitOutboxEmpty(t, s)
	n.send(t, u[0], g, "and on")
	d.until(func() bool { return slices.Contains(d.texts(), "and on") }, n)
}

// While Redis is down a node tries what it was told of once, and then as often as it sweeps: also when more waits than one round takes, it does
// not ask the database and fill the log as fast as it can.
func TestManyEventsWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.SQLite(t), server.URL, "")
	quiet := s.service(nil) // tells nobody
	u := s.users(1)
	c, _, err := quiet.CreateChat(t.Context(), u[0], chat.NewChat{Kind: chat.KindGroup})
	must(t, err)
	n := s.start(&node{}, time.Hour)
	d := s.device(u[0], n)
	var sends sync.WaitGroup
	for range 20 { // messages that wait share a commit
		sends.Go(func() {
			for i := range 30 {
				if _, _, err := quiet.SendMessage(t.Context(), u[0], c.ID, fmt.Sprint(i), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sends.Wait()
	server.Kill()
	n.Publish([]int64{c.ID})
	for failures(t, n) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // in which the defect tried again ten times
	if f := failures(t, n); f != 1 {
		t.Errorf("it tried %v times at once, want once", f)
	}
	server.Restart()
	d.untilAnswered(n)
	n.Publish([]int64{c.ID})
	waitOutboxEmpty(t, s) // all rounds of it, by one call
}

// A Redis that takes calls and answers none keeps each reader waiting for some seconds, however many wait.
func TestManyReadsWhileRedisIsFrozen(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	s := newSetting(t, testenv.SQLite(t), server.URL, "")
	n := s.node()
	u := s.users(1)
	s.device(u[0], n)
	server.Stop()
	defer server.Cont()
	begun := time.Now()
	var reads sync.WaitGroup
	for range 1000 { // some rounds of all readers
		reads.Go(func() {
			if _, _, err := n.Read(t.Context(), u[0], ""); !isUnavailable(err) {
				t.Errorf("a read gives %v, want unavailable", err)
			}
		})
	}
	reads.Wait()
	if took := time.Since(begun); took > 9*time.Second {
		t.Errorf("the last was told after %v", took)
	}
}

func failures(t *testing.T, n *node) (count float64) {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(n.Collectors()...)
	all, err := r.Gather()
	must(t, err)
	for _, m := range all {
		if m.GetName() == "doran_inbox_publish_failures_total" {
			count = m.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return count
}

// A node's connections to Redis are bounded, whatever reads on it.
func TestConnectionsDoNotGrowWithReaders(t *testing.T) {
	t.Parallel()
	s := newSetting(t, testenv.SQLite(t), testenv.Redis(t).URL, "")
	n := s.node()
	u := s.users(300)
	var wg sync.WaitGroup
	for _, user := range u {
		wg.Go(func() {
			for range 3 {
				if _, _, err := n.Read(t.Context(), user, ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	clients, err := s.look.ClientList(t.Context()).Result()
	must(t, err)
	if got := strings.Count(clients, "\n"); got > 18 {
		t.Errorf("300 readers hold %d connections to Redis", got)
	}
}

// Publishing is repeatable: nodes that publish the same rows again and again, and sweep them, change nothing.
func TestPublishingTwiceChangesNothing(t *testing.T) {
	settings(t, func(t *testing.T, s *setting) {
		nodes := s.nodes()
		a, b := nodes[0], nodes[1]
		u := s.users(3)
		g := a.group(t, u[0], u[1:]...)
		d := s.device(u[1], a)
		stop, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, n := range []*node{a, b} {
			wg.Go(func() {
				for stop.Err() == nil {
					n.Publish([]int64{g})
					time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
				}
			})
		}
		for i := range 60 {
			a.send(t, u[i%3], g, fmt.Sprint(i))
		}
		d.until(func() bool { return len(d.texts()) >= 60 }, a, b)
		cancel()
		wg.Wait()
		d.inOrder()
		if got := d.texts(); len(got) != 60 || d.gaps != 0 {
			t.Errorf("%d messages were shown, with %d gaps; want 60 and none", len(got), d.gaps)
		}
	})
}

func waitOutboxEmpty(t *testing.T, s *setting) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := s.db.Client.Outbox.Query().Count(t.Context())
		must(t, err)
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events are still in the outbox", left)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// second is the error of a call whose value does not matter.
func second[T any](_ T, err error) error { return err }
