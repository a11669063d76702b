package chat_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"doran/chat"
)

func TestPushMembers(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ann, bob, eve := s.session(t, s.signUp(t, "ann")), s.session(t, s.signUp(t, "bob")), s.session(t, s.signUp(t, "eve"))
		s.put(t, ann, fcm("a1", "a1"), true)
		s.put(t, bob, fcm("b1", "b1"), true)
		s.put(t, bob, webPush("b2", "https://push.example/b2"), true)
		s.put(t, eve, fcm("e1", "e1"), true)
		group := func(others ...int64) int64 {
			c, _, err := s.CreateChat(t.Context(), ann.UserID, chat.NewChat{UserIDs: others})
			wantCode(t, err, "")
			return c.ID
		}
		one, two := group(bob.UserID, eve.UserID), group(bob.UserID)
		_, err := s.SetMuted(t.Context(), bob.UserID, two, true)
		wantCode(t, err, "")
		wantCode(t, s.RemoveMember(t.Context(), eve.UserID, one, eve.UserID), "")

		members, err := s.PushMembers(t.Context(), []int64{one, two, 4711})
		wantCode(t, err, "")
		var got []string
		for _, m := range members {
			got = append(got, fmt.Sprint(m.ID, " ", m.ChatID == two, m.Muted))
		}
		if want := "[a1 false false a1 true false b1 false false b1 true true b2 false false b2 true true]"; fmt.Sprint(got) != want {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if none, err := s.PushMembers(t.Context(), nil); none != nil || err != nil {
			t.Errorf("of no chats: %v, %v", none, err)
		}
	})
}

func TestUnreadIsWhatIsNeitherSeenNorMuted(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		ids := s.users(t, "ann", "bob")
		c, _, err := s.CreateChat(t.Context(), ids[0], chat.NewChat{UserIDs: ids[1:]})
		wantCode(t, err, "")
		want := func(ann, bob bool) {
			t.Helper()
			for i, want := range []bool{ann, bob} {
				if got, err := s.HasUnread(t.Context(), ids[i]); err != nil || got != want {
					t.Errorf("user %d has unread %v, want %v (%v)", i, got, want, err)
				}
			}
		}
		want(false, false)
		m, _, err := s.SendMessage(t.Context(), ids[0], c.ID, "hello", "")
		wantCode(t, err, "")
		want(false, true)
		_, err = s.SetMuted(t.Context(), ids[1], c.ID, true)
		wantCode(t, err, "")
		want(false, false)
		_, err = s.SetMuted(t.Context(), ids[1], c.ID, false)
		wantCode(t, err, "")
		want(false, true)
		_, err = s.MarkRead(t.Context(), ids[1], c.ID, m.ID)
		wantCode(t, err, "")
		want(false, false)
	})
}

// A device that was registered anew is not removed for what its service said of the address before.
func TestForgetDevice(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		who := s.session(t, s.signUp(t, "ann"))
		s.put(t, who, fcm("phone", "old"), true)
		targets, err := s.PushTargets(t.Context(), who.UserID)
		wantCode(t, err, "")
		s.put(t, who, fcm("phone", "new"), false)
		wantCode(t, s.ForgetDevice(t.Context(), targets[0]), "")
		s.wantDevices(t, who, "phone")
		targets, err = s.PushTargets(t.Context(), who.UserID)
		wantCode(t, err, "")
		wantCode(t, s.ForgetDevice(t.Context(), targets[0]), "")
		s.wantDevices(t, who)
	})
}

func TestOneWebPushKeyForAllNodes(t *testing.T) {
	onEach(t, func(t *testing.T, s *service) {
		nodes := []*service{s, s.again(t), s.again(t)}
		keys := make([][]byte, len(nodes))
		var all sync.WaitGroup
		for i, node := range nodes {
			all.Go(func() {
				key, err := node.WebPushKey(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				keys[i] = key.Bytes()
			})
		}
		all.Wait()
		later, err := s.again(t).WebPushKey(t.Context())
		wantCode(t, err, "")
		for _, key := range keys {
			if !bytes.Equal(key, later.Bytes()) {
				t.Error("nodes have different keys")
			}
		}
	})
}
