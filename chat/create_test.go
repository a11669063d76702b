package chat_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"doran/chat"
	"doran/internal/testenv"
)

func TestCreateGroup(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve", "kim", "lee", "moe", "blocker", "gone")
		ann, others := u[0], []int64{u[3], u[1], u[5], u[2], u[4]}
		names := map[int64]string{ann: "ann"}
		s.block(t, u[6], ann)
		s.deleteUser(t, u[7])
		c, isNew, err := s.CreateChat(t.Context(), ann, chat.NewChat{UserIDs: others, Title: "가나"})
		must(t, err)
		if !isNew || c.Kind != chat.KindGroup || c.Title != "가나" || *c.OwnerID != ann || c.MemberCount != 6 || c.Version != 1 || c.FirstSeq != 1 ||
			c.LastMessage != nil || c.LastReadMessageID != nil || c.UnreadCount != 0 || c.Muted || c.CreatedAt != chat.At(s.clock.Now()) {
			t.Errorf("made %+v, new %v", c, isNew)
		}
		var shown []int64
		for _, user := range c.Users {
			shown = append(shown, user.ID)
		}
		if want := append([]int64{ann}, others[:4]...); !slices.Equal(shown, want) {
			t.Errorf("shows users %v, want the five longest-standing %v", shown, want)
		}
		members, err := s.Members(t.Context(), u[5], c.ID)
		must(t, err)
		for i, m := range members {
			role := chat.RoleMember
			if i == 0 {
				role = chat.RoleOwner
			}
			if m.ID != append([]int64{ann}, others...)[i] || m.Role != role || m.LastMessageID != nil {
				t.Errorf("member %d is %+v", i, m)
			}
		}
		wantLines(t, "told", s.takeEvents(t, c.ID, names), "1 chat.created by ann")

		for name, n := range map[string]struct {
			users []int64
			field string
			code  string
		}{
			"unknown": {[]int64{u[1], 1 << 40}, "user_ids", "not_found"},
			"gone":    {[]int64{u[7]}, "user_ids", "not_found"},
			"doubled": {[]int64{u[1], u[2], u[1]}, "user_ids", "duplicate"},
			"own":     {[]int64{ann}, "user_ids", "invalid"},
		} {
			_, _, err := s.CreateChat(t.Context(), ann, chat.NewChat{UserIDs: n.users})
			t.Log(name)
			wantField(t, err, n.field, n.code)
		}
		_, _, err = s.CreateChat(t.Context(), ann, chat.NewChat{UserIDs: []int64{u[1], u[6]}})
		wantCode(t, err, chat.CodeBlocked)
		_, _, err = s.CreateChat(t.Context(), u[6], chat.NewChat{UserIDs: []int64{ann}})
		wantCode(t, err, "") // the blocker may
		_, _, err = s.CreateChat(t.Context(), u[7], chat.NewChat{})
		wantCode(t, err, chat.CodeUnauthenticated)
		for title, code := range map[string]string{strings.Repeat("가", 101): "too_long", "a\nb": "invalid", "a\xff": "invalid"} {
			_, _, err := s.CreateChat(t.Context(), ann, chat.NewChat{Title: title})
			wantField(t, err, "title", code)
		}
	})
}

func TestLimitsOfChats(t *testing.T) {
	t.Parallel()
	s := newService(t, testenv.SQLite(t), func(c *chat.Config) { c.Limits.Members, c.Limits.Chats = 3, 4 })
	u := s.users(t, "ann", "bob", "eve", "kim", "lee")
	_, _, err := s.CreateChat(t.Context(), u[0], chat.NewChat{UserIDs: u[1:4]})
	wantCode(t, err, chat.CodeLimitReached)
	g := s.group(t, u[:3]...)
	_, _, err = s.AddMember(t.Context(), u[0], g, u[3])
	wantCode(t, err, chat.CodeLimitReached)

	direct := s.direct(t, u[4], u[0])
	for range 3 { // with the group, kim is in as many as one can be
		s.group(t, u[3])
	}
	must(t, s.RemoveMember(t.Context(), u[0], g, u[2]))
	_, _, err = s.AddMember(t.Context(), u[0], g, u[3])
	wantCode(t, err, "")
	other := s.group(t, u[4])
	_, _, err = s.AddMember(t.Context(), u[4], other, u[3])
	wantCode(t, err, chat.CodeLimitReached)
	_, _, err = s.CreateChat(t.Context(), u[4], chat.NewChat{UserIDs: u[3:4]})
	wantCode(t, err, chat.CodeLimitReached)
	_, _, err = s.CreateChat(t.Context(), u[3], chat.NewChat{})
	wantCode(t, err, chat.CodeLimitReached)
	s.direct(t, u[4], u[3]) // nobody becomes unreachable by being in many groups

	s.group(t, u[4])
	if again := s.direct(t, u[4], u[0]); again != direct { // also where no new one could be made
		t.Errorf("asked again, the direct chat is %d, not %d", again, direct)
	}
}

// The same client_id many times at once, through two nodes, makes one chat, which every caller is given.
func TestAChatIsMadeOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve")
		nodes := []*service{s, s.again(t)}
		for name, create := range map[string]func(i int) (chat.Chat, bool, error){
			"a group by its client_id": func(i int) (chat.Chat, bool, error) {
				return nodes[i%2].CreateChat(t.Context(), u[0], chat.NewChat{UserIDs: u[1:2], ClientID: "group"})
			},
			"the direct chat by both": func(i int) (chat.Chat, bool, error) {
				return nodes[i%2].CreateChat(t.Context(), u[i/2%2], chat.NewChat{Kind: chat.KindDirect, UserIDs: []int64{u[1-i/2%2]}})
			},
			"a direct chat by its client_id": func(i int) (chat.Chat, bool, error) {
				return nodes[i%2].CreateChat(t.Context(), u[0], chat.NewChat{Kind: chat.KindDirect, UserIDs: u[2:], ClientID: "direct"})
			},
		} {
			var mu sync.Mutex
			made, ids := 0, map[int64]bool{}
			var wg sync.WaitGroup
			for i := range 12 {
				wg.Go(func() {
					var c chat.Chat
					var isNew bool
					err := patiently(func() (err error) {
						c, isNew, err = create(i)
						return err
					})
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if ids[c.ID] = true; isNew {
						made++
					}
				})
			}
			wg.Wait()
			if len(ids) != 1 || made > 1 {
				t.Errorf("%s: made %d times, %d ids", name, made, len(ids))
			}
		}
	})
}

// What a client_id stands for, whatever happened since.
func TestClientIDStandsForItsChat(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		u := s.users(t, "ann", "bob", "eve")
		ask := chat.NewChat{UserIDs: u[1:], Title: "title", ClientID: "key"}
		first, _, err := s.CreateChat(t.Context(), u[0], ask)
		must(t, err)
		again := func(what string, user int64, ask chat.NewChat, code chat.Code, id int64) {
			t.Helper()
			c, isNew, err := s.CreateChat(t.Context(), user, ask)
			if wantCode(t, err, code); err == nil && (isNew != (id == 0) || id != 0 && c.ID != id) {
				t.Errorf("%s: chat %d, new %v; want %d", what, c.ID, isNew, id)
			}
		}
		again("again", u[0], ask, "", first.ID)
		again("in another order", u[0], chat.NewChat{UserIDs: []int64{u[2], u[1]}, Title: "title", ClientID: "key", Kind: chat.KindGroup}, "", first.ID)
		again("other users", u[0], chat.NewChat{UserIDs: u[1:2], Title: "title", ClientID: "key"}, chat.CodeClientIDReused, 0)
		again("another title", u[0], chat.NewChat{UserIDs: u[1:], ClientID: "key"}, chat.CodeClientIDReused, 0)
		again("another kind", u[0], chat.NewChat{UserIDs: u[1:2], Kind: chat.KindDirect, ClientID: "key"}, chat.CodeClientIDReused, 0)
		again("somebody else's", u[1], chat.NewChat{UserIDs: u[2:], ClientID: "key"}, "", 0)
		_, err = s.SetTitle(t.Context(), u[0], first.ID, "changed")
		must(t, err)
		again("title changed since", u[0], ask, "", first.ID)
		must(t, s.RemoveMember(t.Context(), u[0], first.ID, u[0]))
		again("left since", u[0], ask, chat.CodeNotFound, 0)
	})
}
