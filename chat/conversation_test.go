package chat_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"doran/chat"
)

// room is what a chat is to be, kept by the test beside the service.
type room struct {
	id       int64
	direct   bool
	owner    int64
	title    string
	members  []int64         // the longest-standing first
	since    map[int64]int64 // of each member: seq when they came
	read     map[int64]int64 // of each member: seq of the marker
	messages []said
	over     bool
}

// said is one message; its seq is its place.
type said struct {
	id      int64
	by      int64
	content string
	deleted bool
}

// TestConversations does thousands of things at random and holds the service to what they come to: who is in, who sees what, how much is
// unread; and the outbox, which nobody empties here, to one event for each version.
func TestConversations(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		w := &talk{t: t, s: s, r: r, users: s.users(t, "haneul", "bada", "saem", "byeol", "noeul")}
		w.newGroup()
		w.newDirect()
		for step := range 600 {
			w.step()
			if step%20 == 0 {
				w.check()
			}
		}
		w.check()
	})
}

type talk struct {
	t     *testing.T
	s     *service
	r     *rand.Rand
	users []int64
	rooms []*room
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (w *talk) newGroup() {
	owner := pick(w.r, w.users)
	others := slices.DeleteFunc(slices.Clone(w.users), func(u int64) bool { return u == owner || w.r.IntN(2) == 0 })
	c, isNew, err := w.s.CreateChat(w.t.Context(), owner, chat.NewChat{UserIDs: others})
	if err != nil || !isNew {
		w.t.Fatalf("creating a group: %v, new %v", err, isNew)
	}
	w.add(c.ID, &room{owner: owner, members: append([]int64{owner}, others...)})
}

func (w *talk) add(id int64, m *room) {
	m.id, m.since, m.read = id, map[int64]int64{}, map[int64]int64{}
	for _, u := range m.members {
		m.since[u], m.read[u] = 0, 0
	}
	w.rooms = append(w.rooms, m)
}

// newDirect opens the direct chat of two, which may be there already, and may come back to one of them.
func (w *talk) newDirect() {
	a := pick(w.r, w.users)
	b := pick(w.r, slices.DeleteFunc(slices.Clone(w.users), func(u int64) bool { return u == a }))
	c, isNew, err := w.s.CreateChat(w.t.Context(), a, chat.NewChat{UserIDs: []int64{b}, Kind: chat.KindDirect})
	if err != nil {
		w.t.Fatalf("opening the direct chat of %d and %d: %v", a, b, err)
	}
	i := slices.IndexFunc(w.rooms, func(m *room) bool { return m.id == c.ID })
	if isNew != (i < 0) {
		w.t.Fatalf("the direct chat %d of %d and %d is new: %v", c.ID, a, b, isNew)
	}
	if isNew {
		w.add(c.ID, &room{direct: true, members: []int64{a, b}})
	} else {
		w.rooms[i].enter(a)
	}
}

func (m *room) in(u int64) bool { return slices.Contains(m.members, u) }
func (m *room) seq() int64      { return int64(len(m.messages)) }

func (m *room) enter(u int64) {
	if !m.in(u) {
		m.members = append(m.members, u)
		m.since[u], m.read[u] = m.seq(), m.seq()
	}
}

func (m *room) leave(u int64) {
	m.members = slices.DeleteFunc(m.members, func(x int64) bool { return x == u })
	if m.direct {
		return
	}
	m.over = len(m.members) == 0
	if m.owner == u && !m.over {
		m.owner = m.members[0]
	}
}

// step does one thing, by somebody who may or may not, and expects what they are told.
func (w *talk) step() {
	m, u, other := pick(w.r, w.rooms), pick(w.r, w.users), pick(w.r, w.users)
	ctx := w.t.Context()
	in := m.in(u) && !m.over
	switch p := w.r.IntN(100); {
	case p < 45:
		text := fmt.Sprintf("%d says %d", u, w.r.IntN(1e9))
		sent, _, err := w.s.SendMessage(ctx, u, m.id, text, "")
		if w.expect("send", err, in, chat.CodeNotFound) {
			if m.direct {
				m.enter(w.otherSide(m, u))
			}
			m.messages = append(m.messages, said{id: sent.ID, by: u, content: text})
			m.read[u] = m.seq()
		}
	case p < 60:
		if len(m.messages) == 0 {
			return
		}
		i := w.r.IntN(len(m.messages))
		sees := in && int64(i+1) > m.since[u]
		may := m.messages[i].by == u || m.owner == u
		_, err := w.s.DeleteMessage(ctx, u, m.id, m.messages[i].id)
		if w.expect("delete a message", err, sees && may, codeUnless(sees, chat.CodeForbidden)) {
			m.messages[i].content, m.messages[i].deleted = chat.Tombstone, true
		}
	case p < 70:
		if len(m.messages) == 0 {
			return
		}
		i := w.r.IntN(len(m.messages))
		sees := in && int64(i+1) > m.since[u]
		mine, code := m.messages[i].by == u, codeUnless(sees, chat.CodeForbidden)
		if sees && mine && m.messages[i].deleted {
			code = chat.CodeMessageDeleted
		}
		text := fmt.Sprintf("%d corrects %d", u, w.r.IntN(1e9))
		_, err := w.s.EditMessage(ctx, u, m.id, m.messages[i].id, text)
		if w.expect("edit", err, sees && mine && !m.messages[i].deleted, code) {
			m.messages[i].content = text
		}
	case p < 80:
		if len(m.messages) == 0 {
			return
		}
		i := w.r.IntN(len(m.messages))
		sees := in && (int64(i+1) > m.since[u] || int64(i+1) == m.read[u])
		_, err := w.s.MarkRead(ctx, u, m.id, m.messages[i].id)
		if w.expect("read", err, sees, chat.CodeNotFound) {
			m.read[u] = max(m.read[u], int64(i+1))
		}
	case p < 88:
		_, isNew, err := w.s.AddMember(ctx, u, m.id, other)
		if w.expect("add", err, in && !m.direct, codeUnless(in, chat.CodeDirectChat)) {
			if isNew == m.in(other) {
				w.t.Fatalf("adding %d to chat %d: new %v", other, m.id, isNew)
			}
			m.enter(other)
		}
	case p < 95:
		code := codeUnless(in, chat.CodeForbidden)
		may := in && (u == other || !m.direct && m.owner == u && m.in(other))
		switch {
		case in && m.direct && u != other:
			code = chat.CodeDirectChat
		case in && m.owner == u && !m.in(other):
			code = chat.CodeNotFound
		}
		if w.expect("remove", w.s.RemoveMember(ctx, u, m.id, other), may, code) {
			m.leave(other)
		}
	case p < 98:
		code := codeUnless(in, chat.CodeForbidden)
		if in && m.direct {
			code = chat.CodeDirectChat
		}
		title := fmt.Sprint("title ", w.r.IntN(1e9))
		_, err := w.s.SetTitle(ctx, u, m.id, title)
		if w.expect("title", err, in && m.owner == u, code) {
			m.title = title
		}
	case p < 99:
		w.newGroup()
	default:
		w.newDirect()
	}
}

func (w *talk) otherSide(m *room, u int64) int64 {
	for x := range m.since {
		if x != u {
			return x
		}
	}
	w.t.Fatalf("chat %d has no other side", m.id)
	return 0
}

// codeUnless is what is told to who may know of the thing; to anybody else it is not there.
func codeUnless(mayKnow bool, code chat.Code) chat.Code {
	if mayKnow {
		return code
	}
	return chat.CodeNotFound
}

func (w *talk) expect(what string, err error, ok bool, code chat.Code) bool {
	w.t.Helper()
	if ok && err != nil || !ok && !errors.Is(err, &chat.Error{Code: code}) {
		w.t.Fatalf("%s: %v; want it done: %v, else %s", what, err, ok, code)
	}
	return ok
}

func (w *talk) check() {
	for _, m := range w.rooms {
		w.checkOutbox(m)
		for _, u := range w.users {
			w.checkView(m, u)
		}
	}
	for _, u := range w.users {
		w.checkList(u)
	}
}

// checkOutbox: one event for each version, and each message's change among them.
func (w *talk) checkOutbox(m *room) {
	events, err := w.s.Outbox(w.t.Context(), []int64{m.id}, 1e6)
	if err != nil {
		w.t.Fatal(err)
	}
	var next int64 = 1
	for _, e := range events {
		if e.Type == chat.MessageRead {
			continue
		}
		if e.Version != next {
			w.t.Fatalf("chat %d: an event has version %d where %d is next", m.id, e.Version, next)
		}
		next++
	}
	if infos, err := w.s.Infos(w.t.Context(), []int64{m.id}); err != nil || infos[0].Version != next-1 {
		w.t.Fatalf("chat %d is at %+v, %v; its newest event has version %d", m.id, infos, err, next-1)
	}
}

// checkView: what the user is shown of the chat and its messages.
func (w *talk) checkView(m *room, u int64) {
	ctx := w.t.Context()
	c, err := w.s.Chat(ctx, u, m.id)
	if !w.expect("look", err, m.in(u) && !m.over, chat.CodeNotFound) {
		return
	}
	since := m.since[u]
	unread := m.seq() - max(since, m.read[u])
	if c.UnreadCount != unread || c.FirstSeq != since+1 || (c.LastMessage == nil) != (m.seq() == since) || c.Title != m.title {
		w.t.Fatalf("user %d is shown %+v; want %d unread from %d on, of %d messages, title %q", u, c, unread, since+1, m.seq(), m.title)
	}
	if !m.direct && (*c.OwnerID != m.owner || c.MemberCount != len(m.members)) || m.direct && (c.OwnerID != nil || c.MemberCount != 2 || len(c.Users) != 2) {
		w.t.Fatalf("user %d is shown %+v; want owner %d of %v", u, c, m.owner, m.members)
	}
	var shown []chat.Message
	var before int64
	for more := true; more; {
		page, err := w.s.Messages(ctx, u, m.id, chat.Page{Limit: 1 + w.r.IntN(100), Before: before})
		if err != nil {
			w.t.Fatal(err)
		}
		shown = append(slices.Clone(page.Messages), shown...)
		if more = page.HasMore; more {
			before = page.Messages[0].ID
		}
	}
	if int64(len(shown)) != m.seq()-since {
		w.t.Fatalf("user %d is shown %d messages of chat %d; want %d", u, len(shown), m.id, m.seq()-since)
	}
	for i, got := range shown {
		want := m.messages[since+int64(i)]
		if got.ID != want.id || got.Seq != since+int64(i)+1 || got.Content != want.content || got.Deleted != want.deleted || got.SenderID != want.by {
			w.t.Fatalf("user %d is shown %+v; want %+v", u, got, want)
		}
	}
	w.checkChanges(m, u, shown)
}

// checkChanges: what changed after any version is what a client that holds the rest would lack.
func (w *talk) checkChanges(m *room, u int64, shown []chat.Message) {
	version := int64(w.r.IntN(len(shown) + 2))
	want := slices.DeleteFunc(slices.Clone(shown), func(s chat.Message) bool { return s.Version <= version })
	slices.SortFunc(want, func(a, b chat.Message) int { return int(a.Version - b.Version) })
	var got []chat.Message
	for more := true; more; {
		page, err := w.s.ChangedAfter(w.t.Context(), u, m.id, version, 1+w.r.IntN(100))
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, page.Messages...)
		if more = page.HasMore; more {
			version = page.Messages[len(page.Messages)-1].Version
		}
	}
	if len(got) != len(want) {
		w.t.Fatalf("user %d is shown %d changes of chat %d; want %d", u, len(got), m.id, len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID {
			w.t.Fatalf("change %d of chat %d is of message %d; want %d", i, m.id, got[i].ID, want[i].ID)
		}
	}
}

// checkList: all of the user's chats once, by either order.
func (w *talk) checkList(u int64) {
	var want []int64
	for _, m := range w.rooms {
		if m.in(u) && !m.over {
			want = append(want, m.id)
		}
	}
	slices.Sort(want)
	for _, byID := range []bool{true, false} {
		var got []int64
		p := chat.Page{Limit: 1 + w.r.IntN(5), AfterSet: byID}
		for {
			page, err := w.s.Chats(w.t.Context(), u, p)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, c := range page.Chats {
				got = append(got, c.ID)
			}
			if page.Next == nil {
				break
			}
			p.Next, p.After = *page.Next, got[len(got)-1]
		}
		if byID && !slices.IsSorted(got) {
			w.t.Fatalf("user %d's chats by id are %v", u, got)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			w.t.Fatalf("user %d's chats are %v; want %v", u, got, want)
		}
	}
}

// The same client_id fifty times at once, through two nodes, is one message.
func TestSameClientIDAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t)}
		u := s.users(t, "haneul", "bada")
		c, _, err := s.CreateChat(t.Context(), u[0], chat.NewChat{UserIDs: u[1:]})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		ids, fresh := map[int64]bool{}, 0
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				m, isNew, err := nodes[i%2].SendMessage(t.Context(), u[0], c.ID, "once", "key")
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				ids[m.ID] = true
				if isNew {
					fresh++
				}
			})
		}
		wg.Wait()
		page, err := s.Messages(t.Context(), u[1], c.ID, chat.Page{Limit: 100})
		if err != nil || len(page.Messages) != 1 || len(ids) != 1 || fresh != 1 || ids[0] {
			t.Errorf("%d messages are stored (%v), %d ids and %d times new were answered; want one of each", len(page.Messages), err, len(ids), fresh)
		}
	})
}

// What a client_id stands for, whatever happened since.
func TestClientIDStandsForItsMessage(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ctx := t.Context()
		u := s.users(t, "haneul", "bada")
		a, _, err := s.CreateChat(ctx, u[0], chat.NewChat{UserIDs: u[1:]})
		must(t, err)
		b, _, err := s.CreateChat(ctx, u[0], chat.NewChat{UserIDs: u[1:]})
		must(t, err)
		first, isNew, err := s.SendMessage(ctx, u[1], a.ID, "text", "key")
		if err != nil || !isNew {
			t.Fatal(err, isNew)
		}
		again := func(name string, user, chatID int64, content string, code chat.Code) {
			t.Helper()
			m, isNew, err := s.SendMessage(ctx, user, chatID, content, "key")
			switch {
			case code == "" && (err != nil || isNew || m.ID != first.ID):
				t.Errorf("%s: %+v, %v, %v; want message %d again", name, m, isNew, err, first.ID)
			case code != "" && !errors.Is(err, &chat.Error{Code: code}):
				t.Errorf("%s: %v; want %s", name, err, code)
			}
		}
		again("again", u[1], a.ID, "text", "")
		again("other content", u[1], a.ID, "other", chat.CodeClientIDReused)
		again("other chat", u[1], b.ID, "text", chat.CodeClientIDReused)
		if m, isNew, err := s.SendMessage(ctx, u[0], a.ID, "text", "key"); err != nil || !isNew || m.ID == first.ID {
			t.Errorf("somebody else's same client_id: %+v, %v, %v; want a message of their own", m, isNew, err)
		}
		_, err = s.EditMessage(ctx, u[1], a.ID, first.ID, "edited")
		must(t, err)
		again("edited since", u[1], a.ID, "text", "")
		must(t, s.RemoveMember(ctx, u[1], a.ID, u[1]))
		again("left since", u[1], a.ID, "text", "")
		must(t, s.DeleteChat(ctx, u[0], a.ID))
		again("chat deleted since", u[1], a.ID, "text", "")
		s.Tidy(ctx)
		again("erased since", u[1], a.ID, "text", "")
		if bodies, err := s.Bodies(ctx, []int64{first.ID}); err != nil || bodies[0].Content != chat.Tombstone {
			t.Errorf("the text in a deleted chat is %+v, %v; want the tombstone", bodies, err)
		}
	})
}

// A message that the rules refuse does not take those with it that share its transaction, and many share one.
func TestSendsShareTransactions(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "haneul", "bada", "saem")
		c, _, err := s.CreateChat(t.Context(), u[0], chat.NewChat{UserIDs: u[1:2]})
		must(t, err)
		var wg sync.WaitGroup
		const n = 200
		for i := range n {
			wg.Go(func() {
				_, _, err := s.SendMessage(t.Context(), u[i%3], c.ID, fmt.Sprint(i), "")
				if stranger := i%3 == 2; stranger != errors.Is(err, chat.ErrNotFound) || !stranger && err != nil {
					t.Errorf("user %d: %v", u[i%3], err)
				}
			})
		}
		wg.Wait()
		got, err := s.Chat(t.Context(), u[1], c.ID)
		must(t, err)
		if want := int64(n - n/3); got.LastMessage.Seq != want || got.Version != want+1 {
			t.Errorf("%d messages were stored at version %d; want %d", got.LastMessage.Seq, got.Version, want)
		}
		rounds := 0
		for _, news := range s.told.take() {
			rounds += len(news.Chats)
		}
		if rounds >= n-n/3 {
			t.Errorf("%d messages took %d transactions: they do not share them", n-n/3, rounds)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
