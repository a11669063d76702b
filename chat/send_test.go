package chat_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"doran/chat"
	"doran/ent"
	"doran/internal/testenv"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

func TestContent(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	ann := s.users(t, "ann")[0]
	g := s.group(t, ann)
	for _, c := range []struct{ name, content, code string }{
		{"one character", "a", ""},
		{"4,000 characters of four bytes", strings.Repeat("😀", 4000), ""},
		{"4,001", strings.Repeat("a", 4001), "too_long"},
		{"none", "", "too_short"},
		{"white space", " \t\n\u00a0\u2003\u3000\u2028", "blank"},
		{"invisible", "\u200b\u200d\u2060\ufeff\u00ad\u061c", "blank"},
		{"Hangul fillers", "\u115f\u1160\u3164\uffa0", "blank"},
		{"variation selectors", "\ufe0f\U000e0101\u180b", "blank"},
		{"tags", "\U000e0041\U000e007f", "blank"},
		{"the empty Braille pattern", "\u2800", "blank"},
		{"controls", "\x01\x7f\u0085", "blank"},
		{"invisible around one that shows", "\u200b가\u200b", ""},
		{"a combining mark", "\u0301", ""},
		{"a flag", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", ""},
		{"private use", "\uf8ff", ""},
		{"an emoji that this Go does not know yet", "\U0001fae9", ""},
		{"white space kept", "  a\r\n\tb  ", ""},
		{"not composed", "e\u0301 \u1112\u1161\u11ab", ""},
		{"the tombstone", chat.Tombstone, ""},
		{"NUL", "a\x00b", "invalid"},
		{"broken UTF-8", "a\xff", "invalid"},
		{"a surrogate", "a\xed\xa0\x80", "invalid"},
	} {
		m, _, err := s.SendMessage(t.Context(), ann, g, c.content, "")
		if c.code != "" {
			if _, edit := s.EditMessage(t.Context(), ann, g, 1, c.content); codeOf(edit) != chat.CodeValidation {
				t.Errorf("%s: editing says %v", c.name, edit)
			}
			wantField(t, err, "content", c.code)
			continue
		}
		if stored, berr := s.Bodies(t.Context(), []int64{m.ID}); err != nil || berr != nil || stored[0].Content != c.content {
			t.Errorf("%s: %v, %v, stored %+v", c.name, err, berr, stored)
		}
	}
}

func TestClientIDs(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t))
	ann := s.users(t, "ann")[0]
	g := s.group(t, ann)
	for clientID, code := range map[string]string{
		"a": "", "AZaz09._-": "", strings.Repeat("x", 64): "", strings.Repeat("x", 65): "too_long",
		"a b": "invalid", "ä": "invalid", "a/b": "invalid", "a\x00": "invalid", "a ": "invalid",
	} {
		_, isNew, err := s.SendMessage(t.Context(), ann, g, "text", clientID)
		_, chatIsNew, errChat := s.CreateChat(t.Context(), ann, chat.NewChat{ClientID: clientID})
		if code == "" {
			if err != nil || errChat != nil || !isNew || !chatIsNew {
				t.Errorf("%q: %v, %v", clientID, err, errChat)
			}
			continue
		}
		wantField(t, err, "client_id", code)
		wantField(t, errChat, "client_id", code)
	}
}

// Sixteen write into one chat through two nodes: each one's messages keep their order, seq and version have no gap, ids ascend with seq.
func TestManySendersOneChat(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		const senders, each = 16, 12
		var names []string
		for i := range senders {
			names = append(names, fmt.Sprint("sender", i))
		}
		u := s.users(t, names...)
		g := s.group(t, u...)
		nodes := []*service{s, s.again(t)}
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				for n := range each {
					wantCode(t, patiently(func() error {
						return third(nodes[(i+n)%2].SendMessage(t.Context(), u[i], g, fmt.Sprint(n), fmt.Sprint("key", n)))
					}), "")
				}
			})
		}
		wg.Wait()
		page, err := s.ChangedAfter(t.Context(), u[0], g, 0, 1000)
		must(t, err)
		if len(page.Messages) != senders*each {
			t.Fatalf("%d messages, want %d", len(page.Messages), senders*each)
		}
		next := map[int64]int{}
		var lastID int64
		for i, m := range page.Messages {
			if m.Seq != int64(i+1) || m.Version != int64(i+2) || m.ID <= lastID || m.Content != fmt.Sprint(next[m.SenderID]) {
				t.Fatalf("message %d is %+v, after id %d; want number %d of its sender", i, m, lastID, next[m.SenderID])
			}
			lastID = m.ID
			next[m.SenderID]++
		}
		for _, id := range u {
			if c := s.see(t, id, g); c.UnreadCount > senders*each-each || c.LastReadMessageID == nil {
				t.Errorf("user %d has %d unread, marker %v: sending did not move it", id, c.UnreadCount, c.LastReadMessageID)
			}
		}
	})
}

// Everything that a group can hold: several chats, a stranger, a block, who deleted their account, doubles of each kind, a side that comes back.
func TestAGroupOfSends(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "blocked", "gone", "away", "stranger")
		ann, bob, blocked, gone, away, stranger := u[0], u[1], u[2], u[3], u[4], u[5]
		names := map[int64]string{ann: "ann", bob: "bob", away: "away"}
		g, toBlocked, toGone, toAway := s.group(t, ann, bob), s.direct(t, ann, blocked), s.direct(t, ann, gone), s.direct(t, ann, away)
		s.block(t, blocked, ann)
		s.deleteUser(t, gone)
		must(t, s.DeleteChat(t.Context(), away, toAway))
		_, _, err := s.SendMessage(t.Context(), ann, g, "long ago", "old")
		must(t, err)
		s.takeEvents(t, g, names)
		s.takeEvents(t, toAway, names)
		sends := []struct {
			user, chatID      int64
			content, clientID string
			isNew             bool
			code              chat.Code
		}{
			{ann, g, "first", "", true, ""},
			{stranger, g, "not in", "", false, chat.CodeNotFound},
			{ann, toBlocked, "blocked", "", false, chat.CodeBlocked},
			{ann, toGone, "gone", "", false, chat.CodeUserGone},
			{ann, toAway, "hello again", "", true, ""},
			{ann, toAway, "and again", "", true, ""},
			{ann, 1 << 40, "no chat", "", false, chat.CodeNotFound},
			{ann, g, "long ago", "old", false, ""},
			{bob, g, "long ago", "old", true, ""},
			{ann, g, "something else", "old", false, chat.CodeClientIDReused},
			{ann, toAway, "long ago", "old", false, chat.CodeClientIDReused},
			{bob, g, "twice", "two", true, ""},
			{bob, g, "twice", "two", false, ""},
			{bob, g, "other", "two", false, chat.CodeClientIDReused},
			{ann, g, "last", "", true, ""},
		}
		var together []chat.Sending
		for _, p := range sends {
			together = append(together, chat.Sending{UserID: p.user, ChatID: p.chatID, Content: p.content, ClientID: p.clientID})
		}
		for i, a := range s.Commit(together...) {
			p := sends[i]
			if codeOf(a.Err) != p.code || p.code == "" && a.Err != nil || a.IsNew != p.isNew {
				t.Errorf("%q: %v, new %v; want %q, %v", p.content, a.Err, a.IsNew, p.code, p.isNew)
				continue
			}
			if p.code != "" {
				continue
			}
			stored, err := s.Bodies(t.Context(), []int64{a.Message.ID})
			if m := a.Message; err != nil || len(stored) != 1 || stored[0].Content != p.content || m.Content != p.content || m.Seq != stored[0].Seq ||
				m.Version != stored[0].Version || m.SenderID != p.user || m.ChatID != p.chatID {
				t.Errorf("%q: was answered %+v, stored is %+v, %v", p.content, m, stored, err)
			}
		}
		wantLines(t, "in the group", s.shown(t, bob, g), "long ago", "first", "long ago", "twice", "last")
		wantLines(t, "told in the group", s.takeEvents(t, g, names), "3 message.created by ann seq 2", "4 message.created by bob seq 3",
			"5 message.created by bob seq 4", "6 message.created by ann seq 5")
		wantLines(t, "told in the direct chat", s.takeEvents(t, toAway, names), "3 chat.created by away only away",
			"4 message.created by ann seq 1", "5 message.created by ann seq 2")
		for user, unread := range map[int64]int64{ann: 0, bob: 1} {
			if c := s.see(t, user, g); c.UnreadCount != unread {
				t.Errorf("%s has %d unread, want %d", names[user], c.UnreadCount, unread)
			}
		}
		if c := s.see(t, away, toAway); c.UnreadCount != 2 || c.FirstSeq != 1 {
			t.Errorf("the side that came back sees %+v", c)
		}
		told := s.told.take()
		if last := told[len(told)-1]; !slices.Equal(last.Chats, []int64{g, toAway}) {
			t.Errorf("the outlet was told %+v", last)
		}
	})
}

// What the database refuses for a reason of its own takes none of the others with it.
func TestADefectTakesNoOtherMessageWithIt(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.MariaDB(t), func(c *chat.Config) { c.Limits.Content = 1e6 })
	u := s.users(t, "ann", "bob")
	g := s.group(t, u...)
	tooLong := strings.Repeat("a", 1<<16) // a text of MySQL holds one byte less
	for i, a := range s.Commit(chat.Sending{u[0], g, "one", ""}, chat.Sending{u[1], g, tooLong, ""}, chat.Sending{u[1], g, "two", ""}) {
		if (a.Err != nil) != (i == 1) || codeOf(a.Err) != "" {
			t.Errorf("message %d: %v", i, a.Err)
		}
	}
	wantLines(t, "stored", s.shown(t, u[0], g), "one", "two")
}

// A database whose ids are not one apart, as with several primaries.
func TestIDsThatAreNotOneApart(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.NewMariaDB(t, "--auto-increment-increment=7").Database(t))
	u := s.users(t, "ann", "bob")
	a, b := s.group(t, u...), s.group(t, u...)
	for i, sent := range s.Commit(chat.Sending{u[0], a, "0", ""}, chat.Sending{u[1], b, "1", ""}, chat.Sending{u[1], a, "2", ""}, chat.Sending{u[0], b, "3", ""}) {
		must(t, sent.Err)
		if stored, err := s.Bodies(t.Context(), []int64{sent.Message.ID}); err != nil || len(stored) != 1 || stored[0].Content != fmt.Sprint(i) {
			t.Errorf("message %d was answered id %d, which is %+v, %v", i, sent.Message.ID, stored, err)
		}
	}
	if events, err := s.Outbox(t.Context(), []int64{a}, 10); err != nil || len(events) != 3 || events[2].MessageID != s.see(t, u[0], a).LastMessage.ID {
		t.Errorf("events %+v, %v", events, err)
	}
}

// broken is a database whose connections break at COMMIT while broken is set, before it or after.
type broken struct {
	*entsql.Driver
	commit *atomic.Pointer[func(*entsql.Tx) error]
}

func (d broken) Tx(ctx context.Context) (dialect.Tx, error) {
	tx, err := d.Driver.Tx(ctx)
	if err != nil {
		return nil, err
	}
	return brokenTx{tx.(*entsql.Tx), d.commit}, nil
}

type brokenTx struct {
	*entsql.Tx
	commit *atomic.Pointer[func(*entsql.Tx) error]
}

func (tx brokenTx) Commit() error {
	if commit := tx.commit.Load(); commit != nil {
		return (*commit)(tx.Tx)
	}
	return tx.Tx.Commit()
}

// A COMMIT whose answer is lost is looked up by the client_id; without one nobody knows, and is told so.
func TestACommitThatIsNotHeardOf(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		lost := &atomic.Pointer[func(*entsql.Tx) error]{}
		config := s.Config
		config.Client = ent.NewClient(ent.Driver(broken{entsql.OpenDB(s.db.Dialect, s.db.SQL), lost}))
		node := chat.New(config)
		t.Cleanup(node.Close)
		u := s.users(t, "ann", "bob")
		g := s.group(t, u...)
		before := func(tx *entsql.Tx) error { return errors.Join(tx.Rollback(), driver.ErrBadConn) }
		after := func(tx *entsql.Tx) error { return errors.Join(tx.Commit(), driver.ErrBadConn) }
		for _, c := range []struct {
			name, clientID string
			commit         func(*entsql.Tx) error
			code           chat.Code
			stored         int // then, and after it was sent again
			again          int
		}{
			{"lost before, with client_id", "a", before, chat.CodeUnavailable, 0, 1},
			{"lost after, with client_id", "b", after, "", 1, 1},
			{"lost before, without", "", before, chat.CodeUnavailable, 0, 1},
			{"lost after, without", "", after, chat.CodeUnavailable, 1, 2},
		} {
			count := func() (n int) {
				for _, content := range s.shown(t, u[1], g) {
					if content == c.name {
						n++
					}
				}
				return n
			}
			lost.Store(&c.commit)
			m, isNew, err := node.SendMessage(t.Context(), u[0], g, c.name, c.clientID)
			lost.Store(nil)
			if codeOf(err) != c.code || c.code == "" && (err != nil || !isNew || m.ID == 0) || count() != c.stored {
				t.Errorf("%s: %+v, new %v, %v; %d stored", c.name, m, isNew, err, count())
			}
			if c.code != "" && !strings.Contains(err.(*chat.Error).Detail, "client_id") {
				t.Errorf("%s: says %v", c.name, err)
			}
			if _, _, err := node.SendMessage(t.Context(), u[0], g, c.name, c.clientID); err != nil || count() != c.again {
				t.Errorf("%s: sent again: %v; %d stored, want %d", c.name, err, count(), c.again)
			}
		}
	})
}

func TestWhoHangsUpHasSent(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		g := s.group(t, u...)
		letGo := s.hold(t, g)
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp()
		_, _, err := s.SendMessage(ctx, u[0], g, "text", "")
		wantCode(t, err, chat.CodeUnavailable)
		letGo()
		eventually(t, "it is stored", func() bool { return len(s.shown(t, u[1], g)) == 1 })
	})
}

// More than the queue holds is refused at once and stored nowhere; who waits in it is answered, also when the node ends.
func TestAFullQueueAndTheEnd(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		node := chat.New(s.Config)
		u := s.users(t, "ann", "bob")
		g := s.group(t, u...)
		letGo := s.hold(t, g)
		const all = chat.MaxWaiting + 100
		var sent, refused, unknown atomic.Int64 // unknown: on a machine that is busy, who was not answered in time
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				_, _, err := node.SendMessage(t.Context(), u[0], g, fmt.Sprint(i), "")
				switch {
				case err == nil:
					sent.Add(1)
				case codeOf(err) == chat.CodeUnavailable && strings.Contains(err.(*chat.Error).Detail, "Nothing was stored"):
					refused.Add(1)
				case codeOf(err) == chat.CodeUnavailable:
					unknown.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		eventually(t, "the queue is full", func() bool { return refused.Load() > 0 })
		ended := make(chan struct{})
		go func() {
			node.Close()
			close(ended)
		}()
		letGo()
		wg.Wait()
		<-ended
		stored, accepted := s.see(t, u[1], g).UnreadCount, sent.Load()+unknown.Load()
		if refused.Load() == 0 || accepted < chat.MaxWaiting || accepted+refused.Load() != all || stored < sent.Load() || stored > accepted {
			t.Errorf("%d were sent, %d refused, of %d nobody knows; %d are stored", sent.Load(), refused.Load(), unknown.Load(), stored)
		}
	})
}
