package realtime_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"doran/realtime"
	"doran/realtime/presence"
)

// Whoever is connected is online, and for background delivery the foreground ends where the client is known to have come:
// by the cursor of its last poll, or by the pong to a ping that carried one. An event stream says nothing.
func TestTheForegroundSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	settings(t, func(t *testing.T, s *setting) {
		s.timing = realtime.Timing{Silence: 200 * time.Millisecond}
		ended := make(chan []int64, 100)
		keeper := presence.New(presence.Config{Log: slog.New(slog.DiscardHandler), Ended: func(users []int64) { ended <- users },
			Timing: presence.Timing{Lease: 5 * time.Second, Renew: time.Second, Grace: 100 * time.Millisecond}})
		n := s.nodeWith(realtime.Config{Presence: keeper})
		keeper.Start(n.inbox.Client)
		t.Cleanup(keeper.Close)
		from := n.person()

		for kind, moves := range map[string]bool{"websocket": true, "poll": true, "sse": false} {
			p := n.person()
			room := n.group(from, p)
			who, err := n.service.Authenticate(t.Context(), p.token)
			if err != nil {
				t.Fatal(err)
			}
			before := n.now(p)
			key, field := fmt.Sprintf("mqtt:{%d}", p.id), fmt.Sprint(who.TokenID)
			n.inbox.Client().HSet(t.Context(), key, field, "7 "+before)

			leave := n.foreground(kind, p, before)
			for i := range 3 {
				n.send(from, room, fmt.Sprint(i))
			}
			after := leave()
			for users := range ended {
				if len(users) == 1 && users[0] == p.id {
					break
				}
			}
			want := "7 " + before
			if moves {
				want = "7 " + after
			}
			if got := n.inbox.Client().HGet(t.Context(), key, field).Val(); got != want || before == after {
				t.Errorf("%s: the background goes on from %s, want %s", kind, got, want)
			}
			if online, err := keeper.Online([]int64{p.id}); err != nil || online[p.id] {
				t.Errorf("%s: online after all: %v", kind, err)
			}
		}
	})
}

// now is the cursor of now, once what was sent before has arrived.
func (n *node) now(p person) string {
	n.t.Helper()
	for last := ""; ; time.Sleep(20 * time.Millisecond) {
		b, _, err := n.inbox.Read(context.Background(), p.id, "")
		if err != nil {
			n.t.Fatal(err)
		}
		if b.Cursor == last {
			return last
		}
		last = b.Cursor
	}
}

// foreground follows an inbox; leave waits for three messages and for what the transport then says of them, and gives the cursor.
func (n *node) foreground(kind string, p person, cursor string) (leave func() string) {
	n.t.Helper()
	if kind == "poll" {
		return func() string {
			after := n.now(p)
			for after == cursor {
				after = n.now(p)
			}
			answer := n.get("/realtime/poll?wait=0&after="+after, p.token)
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			return after
		}
	}
	c := n.follow(kind, p, cursor)
	return func() string {
		for quiet, events := 0, 0; events < 3 || quiet < 3; { // three batches of silence: the second has a ping, the third its pong behind it
			b, err := c.next()
			if err != nil {
				n.t.Fatal(err)
			}
			cursor, quiet = b.Cursor, quiet+1
			if len(b.Events) > 0 {
				events, quiet = events+len(b.Events), 0
			}
		}
		c.close()
		return cursor
	}
}
