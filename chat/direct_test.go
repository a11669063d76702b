package chat_test

import (
	"fmt"
	"sync"
	"testing"

	"doran/chat"
)

func TestDirectChat(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "blocker", "gone")
		ann, bob := u[0], u[1]
		direct := func(user int64, n chat.NewChat) (chat.Chat, bool, error) {
			n.Kind = chat.KindDirect
			return s.CreateChat(t.Context(), user, n)
		}
		c, isNew, err := direct(bob, chat.NewChat{UserIDs: []int64{ann}})
		must(t, err)
		if !isNew || c.Kind != chat.KindDirect || c.OwnerID != nil || c.MemberCount != 2 || len(c.Users) != 2 || c.Title != "" || c.Version != 1 {
			t.Errorf("made %+v", c)
		}
		s.block(t, ann, bob)
		for _, user := range u[:2] {
			if again, isNew, err := direct(user, chat.NewChat{UserIDs: []int64{ann + bob - user}}); err != nil || isNew || again.ID != c.ID {
				t.Errorf("asked again while blocked: %+v, %v, %v", again, isNew, err)
			}
		}
		_, _, err = direct(ann, chat.NewChat{UserIDs: []int64{bob}, Title: "x"})
		wantField(t, err, "title", "invalid")
		_, _, err = direct(ann, chat.NewChat{UserIDs: u[1:3]})
		wantField(t, err, "user_ids", "invalid")
		_, _, err = direct(ann, chat.NewChat{})
		wantField(t, err, "user_ids", "invalid")
		_, _, err = direct(ann, chat.NewChat{UserIDs: []int64{ann}})
		wantField(t, err, "user_ids", "invalid")
		s.block(t, u[2], ann)
		for _, pair := range [][2]int64{{ann, u[2]}, {u[2], ann}} {
			_, _, err = direct(pair[0], chat.NewChat{UserIDs: pair[1:]})
			wantCode(t, err, chat.CodeBlocked)
		}
		s.deleteUser(t, u[3])
		_, _, err = direct(ann, chat.NewChat{UserIDs: u[3:]})
		wantField(t, err, "user_ids", "not_found")

		_, err = s.SetTitle(t.Context(), ann, c.ID, "x")
		wantCode(t, err, chat.CodeDirectChat)
		_, _, err = s.AddMember(t.Context(), ann, c.ID, u[2])
		wantCode(t, err, chat.CodeDirectChat)
		wantCode(t, s.RemoveMember(t.Context(), ann, c.ID, bob), chat.CodeDirectChat)
	})
}

// One side deletes the chat, and it comes back to that side: by asking, and by the other side's next message.
func TestADirectChatGoesAndComesBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		ann, bob := u[0], u[1]
		names := map[int64]string{ann: "ann", bob: "bob"}
		d := s.direct(t, ann, bob)
		old := s.send(t, ann, d, "old")
		s.takeEvents(t, d, names)

		must(t, s.DeleteChat(t.Context(), bob, d))
		wantLines(t, "deleted", s.takeEvents(t, d, names), "3 chat.deleted by bob only bob")
		for name, err := range map[string]error{
			"Chat":      second(s.Chat(t.Context(), bob, d)),
			"Messages":  second(s.Messages(t.Context(), bob, d, chat.Page{Limit: 1})),
			"Members":   second(s.Members(t.Context(), bob, d)),
			"MarkRead":  second(s.MarkRead(t.Context(), bob, d, old.ID)),
			"Typing":    s.SendTyping(t.Context(), bob, d),
			"Delete":    s.DeleteChat(t.Context(), bob, d),
			"SetMuted":  second(s.SetMuted(t.Context(), bob, d, true)),
			"Leave":     s.RemoveMember(t.Context(), bob, d, bob),
			"Changed":   second(s.ChangedAfter(t.Context(), bob, d, 0, 1)),
			"Edit":      second(s.EditMessage(t.Context(), bob, d, old.ID, "x")),
			"DeleteMsg": second(s.DeleteMessage(t.Context(), bob, d, old.ID)),
		} {
			t.Log(name)
			wantCode(t, err, chat.CodeNotFound)
		}
		if _, _, err := s.SendMessage(t.Context(), bob, d, "x", ""); codeOf(err) != chat.CodeNotFound {
			t.Errorf("sending: %v", err)
		}
		if page, err := s.Chats(t.Context(), bob, chat.Page{Limit: 10}); err != nil || len(page.Chats) != 0 {
			t.Errorf("bob's list: %+v, %v", page, err)
		}
		if c := s.see(t, ann, d); c.MemberCount != 2 || len(c.Users) != 2 || c.LastMessage.ID != old.ID {
			t.Errorf("ann sees %+v", c)
		}

		if again := s.direct(t, bob, ann); again != d {
			t.Fatalf("asked again: chat %d, not %d", again, d)
		}
		wantLines(t, "asked again", s.takeEvents(t, d, names), "4 chat.created by bob only bob")
		if c := s.see(t, bob, d); c.UnreadCount != 0 || c.FirstSeq != 2 || c.LastMessage != nil || *c.LastReadMessageID != old.ID {
			t.Errorf("bob sees %+v", c)
		}
		s.direct(t, bob, ann)
		wantLines(t, "asked once more", s.takeEvents(t, d, names))

		must(t, s.RemoveMember(t.Context(), bob, d, bob)) // the same as deleting
		wantLines(t, "left", s.takeEvents(t, d, names), "5 chat.deleted by bob only bob")
		s.send(t, ann, d, "new")
		wantLines(t, "sent", s.takeEvents(t, d, names), "6 chat.created by bob only bob", "7 message.created by ann seq 2")
		if c := s.see(t, bob, d); c.UnreadCount != 1 || c.FirstSeq != 2 || c.LastMessage.Content != "new" {
			t.Errorf("bob sees %+v", c)
		}
		wantLines(t, "bob is shown", s.shown(t, bob, d), "new")
		wantLines(t, "ann is shown", s.shown(t, ann, d), "old", "new")
		_, err := s.DeleteMessage(t.Context(), bob, d, old.ID)
		wantCode(t, err, chat.CodeNotFound)

		must(t, s.DeleteChat(t.Context(), ann, d)) // both
		must(t, s.DeleteChat(t.Context(), bob, d))
		s.takeEvents(t, d, names)
		s.direct(t, ann, bob)
		wantLines(t, "one came back", s.takeEvents(t, d, names), "10 chat.created by ann only ann")
		if c := s.see(t, ann, d); c.MemberCount != 2 || len(c.Users) != 2 {
			t.Errorf("ann sees %+v", c)
		}
	})
}

// Blocked, either way round, and gone: what one may still do.
func TestWhatABlockStops(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		d, g := s.direct(t, u[0], u[1]), s.group(t, u...)
		mine, theirs := s.send(t, u[0], d, "mine"), s.send(t, u[1], d, "theirs")
		check := func(name string, code chat.Code) {
			t.Helper()
			s.told.take()
			for what, err := range map[string]error{
				"send": third(s.SendMessage(t.Context(), u[0], d, "x", "")),
				"edit": second(s.EditMessage(t.Context(), u[0], d, mine.ID, "y")),
				"type": s.SendTyping(t.Context(), u[0], d),
			} {
				if codeOf(err) != code {
					t.Errorf("%s: %s says %v, want %s", name, what, err, code)
				}
			}
			if told := s.told.take(); len(told) != 0 {
				t.Errorf("%s: told %+v", name, told)
			}
			must(t, second(s.MarkRead(t.Context(), u[0], d, theirs.ID)))
			must(t, second(s.EditMessage(t.Context(), u[0], d, mine.ID, "mine")))
			must(t, third(s.SendMessage(t.Context(), u[0], g, "in the group", "")))
		}
		s.block(t, u[0], u[1])
		check("blocking", chat.CodeBlocked)
		must(t, s.Unblock(t.Context(), u[0], u[1]))
		s.block(t, u[1], u[0])
		check("blocked", chat.CodeBlocked)
		must(t, s.Unblock(t.Context(), u[1], u[0]))
		s.deleteUser(t, u[1])
		check("gone", chat.CodeUserGone)
		m, err := s.DeleteMessage(t.Context(), u[0], d, mine.ID) // deleting stays
		if err != nil || !m.Deleted {
			t.Errorf("%+v, %v", m, err)
		}
		if c := s.see(t, u[0], d); c.MemberCount != 2 || len(c.Users) != 2 || c.Users[1].Username != nil {
			t.Errorf("sees %+v", c)
		}
	})
}

// The other side deletes the chat while messages come: each message is in a stay of both, whichever comes first.
func TestADirectChatIsDeletedWhileMessagesCome(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		d := s.direct(t, u[0], u[1])
		const n = 30
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range n {
				wantCode(t, patiently(func() error { return third(s.SendMessage(t.Context(), u[0], d, "text", fmt.Sprint("key", i))) }), "")
			}
		})
		wg.Go(func() {
			for range n {
				err := patiently(func() error { return s.DeleteChat(t.Context(), u[1], d) })
				if err != nil && codeOf(err) != chat.CodeNotFound {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		s.send(t, u[0], d, "last")
		stays, err := s.Stays(t.Context(), []int64{d})
		must(t, err)
		events, err := s.Outbox(t.Context(), []int64{d}, 1e6)
		must(t, err)
		for _, e := range events {
			for _, user := range u {
				in := 0
				for _, stay := range stays {
					if stay.UserID == user && stay.Joined <= e.Version && (stay.Left == 0 || e.Version <= stay.Left) {
						in++
						if e.Type == chat.MessageCreated && e.Seq <= stay.JoinedSeq {
							t.Errorf("message %d lies before the stay %+v in which it was sent", e.Seq, stay)
						}
					}
				}
				if e.Type == chat.MessageCreated && in != 1 {
					t.Errorf("at the message of version %d user %d has %d stays", e.Version, user, in)
				}
			}
		}
	})
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }
