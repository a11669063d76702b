package chat_test

import (
	"fmt"
	"slices"
	"testing"

	"doran/chat"
	"doran/ent/message"
)

func TestTheTextsOfADeletedChatAreErased(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		g, kept := s.group(t, u...), s.group(t, u...)
		for i := range 18 {
			var sends []chat.Sending
			for n := range 64 {
				sends = append(sends, chat.Sending{UserID: u[0], ChatID: g, Content: "secret", ClientID: fmt.Sprintf("%d.%d", i, n)})
			}
			s.Commit(sends...)
		}
		s.send(t, u[0], kept, "secret")
		secrets := func() int { return s.db.Client.Message.Query().Where(message.Content("secret")).CountX(t.Context()) }
		s.Tidy(t.Context())
		if n := secrets(); n != 18*64+1 {
			t.Fatalf("%d texts before the chat was deleted", n)
		}
		must(t, s.DeleteChat(t.Context(), u[0], g))
		s.Tidy(t.Context())
		if n := secrets(); n != 1 || !s.db.Client.Chat.GetX(t.Context(), g).Erased {
			t.Errorf("%d texts are left, want that of the other chat", n)
		}
		s.Tidy(t.Context())
		wantLines(t, "in the other chat", s.shown(t, u[1], kept), "secret")
	})
}

// A node that died between the deletion of an account and the leaving of its groups.
func TestDeletedUsersAreTakenOutOfGroups(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob")
		names := map[int64]string{u[0]: "ann", u[1]: "bob"}
		g, d, alone := s.group(t, u...), s.direct(t, u[0], u[1]), s.group(t, u[0])
		s.deleteUser(t, u[0])
		for range 2 {
			s.Tidy(t.Context())
		}
		wantLines(t, "told", s.takeEvents(t, g, names), "1 chat.created by ann", "2 member.removed of ann by ann", "3 chat.updated by ann")
		if members, err := s.Members(t.Context(), u[1], g); err != nil || len(members) != 1 || members[0].Role != chat.RoleOwner {
			t.Errorf("left are %+v, %v", members, err)
		}
		if s.db.Client.Chat.GetX(t.Context(), alone).DeletedAt == nil {
			t.Error("the group in which they were alone goes on")
		}
		wantLines(t, "told in the direct chat", s.takeEvents(t, d, names), "1 chat.created by ann")
	})
}

func TestExpiredTokensEnd(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		old := s.session(t, s.signUp(t, "ann"))
		s.clock.advance(s.Limits.TokenLifetime / 2)
		young := s.session(t, s.signUp(t, "bob"))
		s.clock.advance(s.Limits.TokenLifetime / 2)
		s.told.take()
		s.Tidy(t.Context())
		s.Tidy(t.Context())
		if ended := s.told.takeEnded(); !slices.Equal(ended, []int64{old.TokenID}) {
			t.Errorf("told that %v ended, want %d", ended, old.TokenID)
		}
		if left := s.db.Client.Token.Query().IDsX(t.Context()); !slices.Equal(left, []int64{young.TokenID}) {
			t.Errorf("left are %v", left)
		}
	})
}
