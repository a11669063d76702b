package chat_test

import (
	"slices"
	"testing"

	"doran/chat"
)

// presenceTold are the users who were told, and of what.
func (o *outlet) presenceTold(t *testing.T) (to []int64, data []chat.PresenceData) {
	t.Helper()
	for _, n := range o.take() {
		for _, e := range n.Ephemeral {
			if e.Type != chat.Presence || e.ChatID != 0 || e.At.IsZero() {
				t.Errorf("told %+v", e)
			}
			to = append(to, e.To...)
			data = append(data, e.Data.(chat.PresenceData))
		}
	}
	return to, data
}

func TestWhoIsToldThatAUserComesOrGoes(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "mutual", "onesided", "admirer", "blocker", "blocked", "stranger")
		ann, mutual, onesided, admirer, blocker, blocked := ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
		list := func(user, target int64) {
			s.db.Client.Friend.Create().SetUserID(user).SetTargetID(target).SetCreatedAt(s.clock.Now()).ExecX(t.Context())
		}
		for _, other := range []int64{mutual, onesided, blocker, blocked} {
			list(ann, other)
		}
		for _, other := range []int64{mutual, admirer, blocker, blocked} {
			list(other, ann)
		}
		for _, b := range [][2]int64{{blocker, ann}, {ann, blocked}} {
			s.db.Client.Block.Create().SetUserID(b[0]).SetTargetID(b[1]).SetCreatedAt(s.clock.Now()).ExecX(t.Context())
		}
		for _, online := range []bool{true, false} {
			s.told.take()
			wantCode(t, s.TellPresence(t.Context(), ann, online), "")
			to, data := s.told.presenceTold(t)
			if !slices.Equal(to, []int64{mutual}) || len(data) != 1 || data[0] != (chat.PresenceData{UserID: ann, Online: online}) {
				t.Errorf("%v were told %+v", to, data)
			}
		}
		_, err := s.SetPresence(t.Context(), ann, false)
		wantCode(t, err, "")
		s.told.take()
		wantCode(t, s.TellPresence(t.Context(), ann, true), "")
		if to, data := s.told.presenceTold(t); len(to) > 0 {
			t.Errorf("%v were told %+v of one who hides", to, data)
		}
	})
}

func TestWhoHidesGoesOfflineAndComesBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob")
		for i := range ids {
			_, _, err := s.AddFriend(t.Context(), ids[i], ids[1-i])
			wantCode(t, err, "")
		}
		here := map[int64]bool{}
		after := s.again(t, func(c *chat.Config) {
			c.Online = func([]int64) (map[int64]bool, error) { return here, nil }
		})
		for _, step := range []struct {
			visible, connected bool
			want               []chat.PresenceData
		}{
			{visible: false, connected: true, want: []chat.PresenceData{{UserID: ids[0], Online: false}}},
			{visible: true, connected: true, want: []chat.PresenceData{{UserID: ids[0], Online: true}}},
			{visible: false, want: []chat.PresenceData{{UserID: ids[0], Online: false}}},
			{visible: true},
		} {
			after.told.take()
			here[ids[0]] = step.connected
			_, err := after.SetPresence(t.Context(), ids[0], step.visible)
			wantCode(t, err, "")
			if to, data := after.told.presenceTold(t); !slices.Equal(data, step.want) || len(data) == 1 && !slices.Equal(to, ids[1:]) {
				t.Errorf("%+v: %v were told %+v", step, to, data)
			}
		}
	})
}
