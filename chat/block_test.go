package chat_test

import (
	"slices"
	"testing"

	"doran/chat"
)

func TestBlocks(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob", "eve")
		ann, bob, eve := ids[0], ids[1], ids[2]
		befriend := func(a, b int64) {
			t.Helper()
			_, _, err := s.AddFriend(t.Context(), a, b)
			wantCode(t, err, "")
		}
		befriend(ann, bob)
		befriend(ann, eve)
		befriend(bob, ann)

		for i, test := range []struct {
			target int64
			added  bool
		}{{eve, true}, {bob, true}, {eve, false}} {
			u, added, err := s.Block(t.Context(), ann, test.target)
			if err != nil || added != test.added || u.ID != test.target {
				t.Errorf("%d: added %v, %+v, %v", i, added, u, err)
			}
		}
		blocks, err := s.Blocks(t.Context(), ann)
		if err != nil || !slices.Equal(idsOf(blocks), []int64{eve, bob}) {
			t.Errorf("blocks %v, %v, want eve and bob, as they were blocked", idsOf(blocks), err)
		}
		if blocks, err := s.Blocks(t.Context(), bob); err != nil || blocks == nil || len(blocks) != 0 {
			t.Errorf("the blocked one's own list: %+v, %v", blocks, err)
		}
		mine, err := s.Friends(t.Context(), ann)
		theirs, err2 := s.Friends(t.Context(), bob)
		if err != nil || err2 != nil || len(mine) != 0 || len(theirs) != 1 {
			t.Errorf("the blocker has %d friends, the blocked %d; want 0 and 1 (%v, %v)", len(mine), len(theirs), err, err2)
		}
		befriend(eve, ann) // it binds one side only
		befriend(ann, eve)
		if _, _, err := s.Block(t.Context(), ann, eve); err != nil {
			t.Error(err)
		}
		if mine, err := s.Friends(t.Context(), ann); err != nil || len(mine) != 0 {
			t.Errorf("blocked again, the friendship stays: %+v, %v", mine, err)
		}

		for range 2 {
			wantCode(t, s.Unblock(t.Context(), ann, eve), "")
			wantCode(t, s.Unblock(t.Context(), ann, 4711), "")
		}
		if blocks, err := s.Blocks(t.Context(), ann); err != nil || !slices.Equal(idsOf(blocks), []int64{bob}) {
			t.Errorf("after unblocking: %v, %v", idsOf(blocks), err)
		}
		_, _, err = s.Block(t.Context(), ann, ann)
		wantField(t, err, "target_id", "invalid")
		_, _, err = s.Block(t.Context(), ann, 4711)
		wantCode(t, err, chat.CodeNotFound)
	})
}
