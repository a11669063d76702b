package chat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"doran/chat"
	"doran/ent"
	"doran/internal/testenv"
)

func TestFriends(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "Ｂob", "eve")
		ann, bob, eve := ids[0], ids[1], ids[2]

		for i, test := range []struct {
			friend int64
			added  bool
		}{{eve, true}, {bob, true}, {eve, false}} {
			u, added, err := s.AddFriend(t.Context(), ann, test.friend)
			if err != nil || added != test.added || u.ID != test.friend || u.Username == nil {
				t.Errorf("%d: added %v, %+v, %v", i, added, u, err)
			}
		}
		friends, err := s.Friends(t.Context(), ann)
		if err != nil || len(friends) != 2 || friends[0].ID != eve || friends[1].ID != bob {
			t.Errorf("friends %+v, %v, want eve and bob, as they were added", friends, err)
		}
		wire, err := json.Marshal(friends[1])
		if want := fmt.Sprintf(`{"id":%d,"username":"Ｂob","created_at":"2026-03-01T12:00:00.000Z","online":null}`, bob); err != nil || string(wire) != want {
			t.Errorf("on the wire %s, want %s (%v)", wire, want, err)
		}
		if friends, err := s.Friends(t.Context(), bob); err != nil || friends == nil || len(friends) != 0 {
			t.Errorf("it binds both: %+v, %v", friends, err)
		}
		for range 2 {
			wantCode(t, s.RemoveFriend(t.Context(), ann, eve), "")
			wantCode(t, s.RemoveFriend(t.Context(), ann, 4711), "")
		}
		if friends, err := s.Friends(t.Context(), ann); err != nil || len(friends) != 1 {
			t.Errorf("after removing: %+v, %v", friends, err)
		}
		_, _, err = s.AddFriend(t.Context(), ann, ann)
		wantField(t, err, "friend_id", "invalid")
		for _, nobody := range []int64{0, -1, 4711, 1 << 52} {
			_, _, err = s.AddFriend(t.Context(), ann, nobody)
			wantCode(t, err, chat.CodeNotFound)
		}
	})
}

func TestFriendsAreLimited(t *testing.T) {
	t.Parallel()
	testenv.Databases(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newService(t, url, func(c *chat.Config) { c.Limits.Friends, c.Limits.Blocks = 2, 2 })
		ids := s.users(t, "ann", "u1", "u2", "u3", "u4")
		for name, add := range map[string]func(id int64) error{
			"friends": func(id int64) error { _, _, err := s.AddFriend(t.Context(), ids[0], id); return err },
			"blocks":  func(id int64) error { _, _, err := s.Block(t.Context(), ids[0], id); return err },
		} {
			codes := make([]chat.Code, 4)
			var all sync.WaitGroup
			for i := range codes {
				all.Go(func() { codes[i] = codeOf(add(ids[i+1])) })
			}
			all.Wait()
			slices.Sort(codes)
			if want := []chat.Code{"", "", chat.CodeLimitReached, chat.CodeLimitReached}; !slices.Equal(codes, want) {
				t.Errorf("%s: %q, want %q", name, codes, want)
			}
		}
		blocks, err := s.Blocks(t.Context(), ids[0])
		if err != nil || len(blocks) != 2 {
			t.Fatalf("%+v, %v", blocks, err)
		}
		_, added, err := s.Block(t.Context(), ids[0], blocks[0].ID)
		if added || err != nil {
			t.Errorf("one that is there already, at the limit: added %v, %v", added, err)
		}
	})
}

func TestAddingEachOtherAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob")
		var added [16]bool
		var all sync.WaitGroup
		for i := range added {
			all.Go(func() {
				_, is, err := s.AddFriend(t.Context(), ids[i%2], ids[1-i%2])
				wantCode(t, err, "")
				added[i] = is
			})
		}
		all.Wait()
		news := 0
		for _, is := range added {
			if is {
				news++
			}
		}
		if news != 2 || s.db.Client.Friend.Query().CountX(t.Context()) != 2 {
			t.Errorf("%d were new, want one each", news)
		}
	})
}

func TestWhoSeesWhomOnline(t *testing.T) {
	yes, no := true, false
	for name, test := range map[string]struct {
		back, hidden, blocks, isBlocked bool
		online                          map[int64]bool
		err                             error
		want                            *bool
	}{
		"mutual and online":       {back: true, online: map[int64]bool{2: true}, want: &yes},
		"mutual and offline":      {back: true, want: &no},
		"mutual, nobody can tell": {back: true, err: errors.New("down"), want: &no},
		"not mutual":              {online: map[int64]bool{2: true}},
		"hidden":                  {back: true, hidden: true, online: map[int64]bool{2: true}},
		"they block":              {back: true, isBlocked: true, online: map[int64]bool{2: true}},
		"one blocks":              {back: true, blocks: true, online: map[int64]bool{2: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testenv.Databases(t, func(t *testing.T, url string) {
				t.Parallel()
				var asked [][]int64
				s := newService(t, url, func(c *chat.Config) {
					c.Online = func(ids []int64) (map[int64]bool, error) {
						asked = append(asked, slices.Clone(ids))
						return test.online, test.err
					}
				})
				ids := s.users(t, "ann", "bob")
				ann, bob := ids[0], ids[1]
				if test.blocks { // before the friendship, which a block would end
					_, _, err := s.Block(t.Context(), ann, bob)
					wantCode(t, err, "")
				}
				_, _, err := s.AddFriend(t.Context(), ann, bob)
				wantCode(t, err, "")
				if test.isBlocked {
					s.db.Client.Block.Create().SetUserID(bob).SetTargetID(ann).SetCreatedAt(s.clock.Now()).ExecX(t.Context())
				}
				if test.back {
					_, _, err := s.AddFriend(t.Context(), bob, ann)
					wantCode(t, err, "")
				}
				_, err = s.SetPresence(t.Context(), bob, !test.hidden)
				wantCode(t, err, "")

				friends, err := s.Friends(t.Context(), ann)
				if err != nil || len(friends) != 1 {
					t.Fatalf("%+v, %v", friends, err)
				}
				if got := friends[0].Online; (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
					t.Errorf("online %v, want %v", show(got), show(test.want))
				}
				if test.want == nil && len(asked) > 0 {
					t.Errorf("it was asked about %v, who may not be seen", asked)
				}
			})
		})
	}
}

func show(b *bool) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprint(*b)
}

func TestWithoutAWayToTellNobodyIsOnline(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob")
		for i := range ids {
			_, _, err := s.AddFriend(t.Context(), ids[i], ids[1-i])
			wantCode(t, err, "")
		}
		friends, err := s.Friends(t.Context(), ids[0])
		if err != nil || len(friends) != 1 || friends[0].Online == nil || *friends[0].Online {
			t.Errorf("%+v, %v", friends, err)
		}
	})
}

func TestFiveThousandFriends(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann := s.users(t, "ann")[0]
		var users []*ent.UserCreate
		for range 5000 {
			users = append(users, s.db.Client.User.Create().SetCreatedAt(s.clock.Now()))
		}
		var friends []*ent.FriendCreate
		for chunk := range slices.Chunk(users, 1000) {
			for _, u := range s.db.Client.User.CreateBulk(chunk...).SaveX(t.Context()) {
				friends = append(friends, s.db.Client.Friend.Create().SetUserID(ann).SetTargetID(u.ID).SetCreatedAt(s.clock.Now()))
			}
		}
		for chunk := range slices.Chunk(friends, 1000) {
			s.db.Client.Friend.CreateBulk(chunk...).ExecX(t.Context())
		}
		got, err := s.Friends(t.Context(), ann)
		if err != nil || len(got) != 5000 {
			t.Errorf("%d friends, %v", len(got), err)
		}
		_, _, err = s.AddFriend(t.Context(), ann, s.users(t, "bob")[0])
		wantCode(t, err, chat.CodeLimitReached)
	})
}
