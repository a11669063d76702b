package chat_test

import (
	"encoding/json"
	"slices"
	"testing"

	"doran/chat"
)

func TestUsers(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "Ｂob", "eve")
		got, err := s.Users(t.Context(), []int64{ids[2], 0, ids[0], -1, 1 << 52, ids[2]})
		if err != nil || !slices.Equal(idsOf(got), []int64{ids[0], ids[2]}) {
			t.Errorf("%v, %v", idsOf(got), err)
		}
		if got, err := s.Users(t.Context(), nil); err != nil || got == nil || len(got) != 0 {
			t.Errorf("of no ids: %v, %v", got, err)
		}
		many := make([]int64, 70_000) // more than MySQL and SQLite take as parameters of one statement
		for i := range many {
			many[i] = int64(i)
		}
		if got, err := s.Users(t.Context(), many); err != nil || len(got) != 3 {
			t.Errorf("%d of many, %v", len(got), err)
		}
		for name, want := range map[string][]int64{"BOB": {ids[1]}, "bob": {ids[1]}, "bo": {}, "nobody": {}, "": {}, "bob ": {}, "\xff\xff": {}, "b%": {}} {
			got, err := s.UsersNamed(t.Context(), name)
			if err != nil || got == nil || !slices.Equal(idsOf(got), want) {
				t.Errorf("named %q: %v, want %v (%v)", name, idsOf(got), want, err)
			}
		}
		_, err = s.User(t.Context(), 1<<52)
		wantCode(t, err, chat.CodeNotFound)
	})
}

func idsOf(users []chat.User) []int64 {
	ids := make([]int64, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	return ids
}

func TestPresenceIsWhatTheUserSays(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		bob := s.users(t, "bob")[0]
		for _, visible := range []bool{false, false, true} {
			set, err := s.SetPresence(t.Context(), bob, visible)
			me, err2 := s.Me(t.Context(), bob)
			if err != nil || err2 != nil || set.Presence != visible || me.Presence != visible || *me.Username != "bob" {
				t.Errorf("set %v: %+v, %v; then %+v, %v", visible, set, err, me, err2)
			}
		}
		wire, err := json.Marshal(chat.Me{User: chat.User{ID: 1}})
		if want := `{"id":1,"username":null,"created_at":"0001-01-01T00:00:00.000Z","presence":false}`; err != nil || string(wire) != want {
			t.Errorf("on the wire %s, want %s (%v)", wire, want, err)
		}
	})
}
