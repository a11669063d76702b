package push

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"doran/chat"
	"doran/realtime/presence"

	"github.com/redis/go-redis/v9"
)

func TestAMessageWakesTheOthers(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		ann.phone("ann-phone")
		bob.phone("bob-phone")
		bob.browser("bob-browser")
		group := ann.group(bob)
		bob.hasLog("bob-phone", "sent") // of the group
		bob.hasLog("bob-browser", "sent")
		if w.fcm.of("bob-phone") != 1 || w.web.of("bob-browser") != 1 {
			t.Error("a new group wakes its members up once")
		}

		ann.says(group)
		n.quiet()
		ann.says(group)
		n.quiet()
		bob.hasLog("bob-phone", "waiting 2", "sent")
		n.sender.Entered(bob.UserID, bob.TokenID)
		n.quiet()
		ann.says(group)
		bob.hasLog("bob-phone", "sent", "waiting 2", "sent")
		bob.hasLog("bob-browser", "sent", "waiting 2", "sent")
		ann.hasLog("ann-phone") // what one does oneself
		if got := [3]int{w.fcm.of("ann-phone"), w.fcm.of("bob-phone"), w.web.of("bob-browser")}; got != [3]int{0, 2, 2} {
			t.Errorf("pushed %v times", got)
		}
	})
}

func TestAnHourLaterADeviceIsWokenAgain(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.timing.Outstanding = 500 * time.Millisecond
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		bob.phone("phone")
		group := ann.group(bob)
		bob.hasLog("phone", "sent")
		time.Sleep(w.timing.Outstanding)
		ann.says(group)
		bob.hasLog("phone", "sent 2")
	})
}

// What wakes whom: each thing that happens in a group of ann, bob and eve, all of whom have a device.
func TestWhatWakesWhom(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		people := map[string]*person{}
		for _, name := range []string{"ann", "bob", "eve", "new"} {
			people[name] = n.person(name)
			people[name].phone(name)
		}
		ann, bob, eve, other := people["ann"], people["bob"], people["eve"], people["new"]
		group := ann.group(bob, eve)
		m := ann.says(group)
		ctx := context.Background()
		var direct int64
		for _, c := range []struct {
			what string
			do   func() error
			want string
		}{
			{"a message", func() error { bob.says(group); return nil }, "ann eve"},
			{"a message of another", func() error { ann.says(group); return nil }, "bob eve"},
			{"an edit", func() error { _, err := n.EditMessage(ctx, ann.UserID, group, m.ID, "x"); return err }, ""},
			{"a deletion", func() error { _, err := n.DeleteMessage(ctx, ann.UserID, group, m.ID); return err }, ""},
			{"reading", func() error { _, err := n.MarkRead(ctx, bob.UserID, group, m.ID); return err }, ""},
			{"a title", func() error { _, err := n.SetTitle(ctx, ann.UserID, group, "x"); return err }, ""},
			{"who is added", func() error { _, _, err := n.AddMember(ctx, ann.UserID, group, other.UserID); return err }, "new"},
			{"who leaves", func() error { return n.RemoveMember(ctx, other.UserID, group, other.UserID) }, ""},
			{"a direct chat", func() error {
				c, _, err := n.CreateChat(ctx, ann.UserID, chat.NewChat{Kind: chat.KindDirect, UserIDs: []int64{bob.UserID}})
				direct = c.ID
				return err
			}, "bob"},
			{"a direct chat that is put away", func() error { return n.DeleteChat(ctx, bob.UserID, direct) }, ""},
			{"a direct chat that comes back", func() error { ann.says(direct); return nil }, "bob"},
			{"somebody blocked, in a group", func() error {
				if _, _, err := n.Block(ctx, eve.UserID, ann.UserID); err != nil {
					return err
				}
				ann.says(group)
				return nil
			}, "bob eve"},
			{"a mute", func() error { _, err := n.SetMuted(ctx, eve.UserID, group, true); return err }, ""},
			{"a muted group", func() error { ann.says(group); return nil }, "bob"},
			{"who is removed", func() error { return n.RemoveMember(ctx, ann.UserID, group, bob.UserID) }, ""},
			{"a group left", func() error { ann.says(group); return nil }, ""},
			{"the end of the group", func() error { return n.DeleteChat(ctx, ann.UserID, group) }, ""},
		} {
			n.quiet()
			before := map[string]int{}
			for name, p := range people {
				n.sender.Entered(p.UserID, p.TokenID)
				before[name] = w.fcm.of(name)
			}
			n.quiet()
			if err := c.do(); err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			n.quiet()
			var woken []string
			for _, name := range []string{"ann", "bob", "eve", "new"} {
				if w.fcm.of(name) > before[name] {
					woken = append(woken, name)
				}
			}
			if got := strings.Join(woken, " "); got != c.want {
				t.Errorf("%s wakes %q, want %q", c.what, got, c.want)
			}
		}
		if log := eve.log("eve"); log[0] != "muted 2" {
			t.Errorf("eve's log is %q", log)
		}
	})
}

// Several messages of several people in several chats, of which some are muted, are one push.
func TestManyAtOnceAreOnePush(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob, eve := n.person("ann"), n.person("bob"), n.person("eve")
		bob.phone("phone")
		one, two := ann.group(bob, eve), eve.group(bob, ann)
		n.quiet()
		if _, err := n.SetMuted(context.Background(), bob.UserID, two, true); err != nil {
			t.Fatal(err)
		}
		n.sender.Entered(bob.UserID, bob.TokenID)
		n.quiet()
		before := w.fcm.of("phone")
		for range 30 {
			ann.says(one)
			eve.says(two)
			bob.says(one)
		}
		n.quiet()
		if got := w.fcm.of("phone") - before; got != 1 {
			t.Errorf("pushed %d times", got)
		}
	})
}

func TestNothingIsPushedToADeviceThatIsConnected(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		tablet := bob.again()
		bob.phone("phone")
		tablet.browser("tablet")
		group := ann.group(bob)
		bob.hasLog("phone", "sent")
		bob.hasLog("tablet", "sent")

		leave := bob.connect()
		n.sender.Entered(bob.UserID, tablet.TokenID) // it polls, and is gone again
		n.quiet()
		m := ann.says(group)
		bob.hasLog("phone", "foreground", "sent")
		bob.hasLog("tablet", "sent 2") // other devices silence nothing

		// It goes without having confirmed, and without the user having seen it: it may never have arrived.
		leave()
		bob.hasLog("phone", "sent", "foreground", "sent")

		leave = bob.connect()
		ann.says(group)
		bob.hasLog("phone", "foreground", "sent", "foreground", "sent")
		bob.confirm()
		leave()
		if !soon(func() bool { return w.look.Exists(context.Background(), presence.Key(bob.UserID)).Val() == 0 }) {
			t.Fatal("the foreground does not end")
		}
		n.quiet()
		bob.hasLog("phone", "foreground", "sent", "foreground", "sent") // it has it

		leave = bob.connect()
		m = ann.says(group)
		bob.hasLog("phone", "foreground 2", "sent", "foreground", "sent")
		if _, err := n.MarkRead(context.Background(), bob.UserID, group, m.ID); err != nil {
			t.Fatal(err)
		}
		leave()
		bob.hasLog("phone", "seen", "foreground 2", "sent", "foreground", "sent")
		if w.fcm.of("phone") != 2 {
			t.Errorf("pushed %d times", w.fcm.of("phone"))
		}
	})
}

// A node that dies leaves the leases of its connections behind. When they end, what came meanwhile is pushed.
func TestAConnectionThatDiesWithItsNode(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		bob.phone("phone")
		group := ann.group(bob)
		bob.hasLog("phone", "sent")
		n.sender.Entered(bob.UserID, bob.TokenID)
		n.quiet()
		until := time.Now().Add(time.Second).UnixMilli()
		w.look.ZAdd(t.Context(), presence.Key(bob.UserID), redis.Z{Score: float64(until), Member: fmt.Sprintf("%d/dead", bob.TokenID)})
		w.look.ZAdd(t.Context(), "online:until", redis.Z{Score: float64(until), Member: bob.UserID})
		ann.says(group)
		bob.hasLog("phone", "foreground", "sent")
		bob.hasLog("phone", "sent", "foreground", "sent")
		if now := time.Now().UnixMilli(); now < until {
			t.Errorf("pushed %d ms before the lease ended", until-now)
		}
	})
}

func TestTheLogOverHTTP(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		bob.phone("phone")
		if status, body := bob.get("phone"); status != 200 || body != `{"log":[]}` {
			t.Errorf("before: %d %s", status, body)
		}
		ann.group(bob)
		bob.hasLog("phone", "sent")
		status, body := bob.get("phone")
		if status != 200 || !strings.Contains(body, `"count":1,"result":"sent","detail":"The service took it."`) {
			t.Errorf("%d %s", status, body)
		}
		if status, body := ann.get("phone"); body != `{"log":[]}` {
			t.Errorf("another's: %d %s", status, body)
		}
		if status, _ := bob.get("a%20b"); status != 422 {
			t.Errorf("what is no name: %d", status)
		}
		for i := range 2 * logLines {
			n.sender.record(context.Background(), []chat.PushTarget{{UserID: bob.UserID, ID: "phone", Kind: chat.KindFCM}}, answer{result: isRefused, detail: strings.Repeat("x", i)})
		}
		if got := len(bob.log("phone")); got != logLines {
			t.Errorf("%d lines are kept", got)
		}
		if ttl := w.look.TTL(context.Background(), logKey(bob.UserID, "phone")).Val(); ttl <= 0 || ttl > logTTL {
			t.Errorf("the log expires in %v", ttl)
		}
		if ttl := w.look.TTL(context.Background(), stateKey(bob.UserID)).Val(); ttl <= 0 || ttl > stateTTL {
			t.Errorf("what is known of the devices expires in %v", ttl)
		}
	})
}
