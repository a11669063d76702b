package push

import (
	"testing"
	"time"

	"doran/chat"
	"doran/internal/testenv"
)

// What was said while nobody could push is pushed when somebody can.
func TestWhatWasSaidBeforeAStart(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		n := w.node()
		ann, bob := n.person("ann"), n.person("bob")
		bob.phone("phone")
		n.sender.cancel() // it takes no work any more
		n.sender.running.Wait()
		ann.group(bob)
		if !soon(func() bool { return n.db.Client.Outbox.Query().CountX(t.Context()) == 0 }) {
			t.Fatal("it was not published")
		}
		n.close() // which hands on what waited
		if got := w.look.XLen(t.Context(), "push:work").Val(); got != 1 || w.fcm.of("phone") != 0 {
			t.Errorf("%d entries wait, %d were pushed", got, w.fcm.of("phone"))
		}
		bob.n = w.node()
		bob.hasLog("phone", "sent")
	})
}

// A node that dies while it calls a service leaves its work to another, which wakes the device up once the claim is over.
func TestANodeThatDiesWhileItPushes(t *testing.T) {
	towns(t, func(t *testing.T, w *town) {
		w.timing.Claim, w.timing.Idle = time.Second, 2*time.Second
		dying := w.node()
		ann, bob, eve := dying.person("ann"), dying.person("bob"), dying.person("eve")
		bob.phone("phone")
		eve.phone("other")
		w.fcm.will("phone", reply{hang: true}, reply{})
		ann.group(bob, eve)
		eve.hasLog("other", "sent")
		if !soon(func() bool { return w.fcm.of("phone") == 1 }) {
			t.Fatal("it does not begin")
		}
		dying.close()
		bob.n, eve.n = w.node(), w.node()
		if !soon(func() bool { return w.fcm.of("phone") == 2 }) {
			t.Fatal("nobody takes over")
		}
		bob.n.quiet()
		if w.fcm.of("phone") != 2 || w.fcm.of("other") != 1 {
			t.Errorf("pushed %d and %d times", w.fcm.of("phone"), w.fcm.of("other"))
		}
	})
}

// Many nodes push each device once, and sign with one key.
func TestSeveralNodes(t *testing.T) {
	t.Parallel()
	w := newTown(t, testenv.MariaDB(t), testenv.Redis(t).URL, "")
	nodes := []*node{w.node(), w.node(), w.node()}
	var people []*person
	for i, name := range []string{"ann", "bob", "eve", "dan", "fay", "gil"} {
		p := nodes[i%3].person(name)
		p.phone(name + "-phone")
		p.browser(name + "-browser")
		people = append(people, p)
	}
	group := people[0].group(people[1:]...)
	for i := range 20 {
		people[i%len(people)].says(group)
	}
	for _, n := range nodes {
		n.quiet()
	}
	for _, p := range people {
		if phone, browser := w.fcm.of(p.name+"-phone"), w.web.of(p.name+"-browser"); phone != 1 || browser != 1 {
			t.Errorf("%s was pushed %d and %d times", p.name, phone, browser)
		}
	}
}

// While Redis is away nothing is lost but time.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxWaiting + 10 {
		s.Published([]chat.Event{{Type: chat.MessageCreated, ChatID: int64(i), ByID: 1}, {Type: chat.MessageRead, ChatID: int64(i)}})
		s.Entered(1, int64(i))
	}
	if len(s.waiting) != maxWaiting || len(s.entered) != maxWaiting {
		t.Errorf("%d and %d wait", len(s.waiting), len(s.entered))
	}
}
