package realtime_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestPollParameters(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	cursor := n.follow("poll", p, "").take().Cursor
	for query, want := range map[string]int{
		"":                               200,
		"after=" + cursor + "&wait=0":    200,
		"after=0&wait=0":                 200,
		"wait=60":                        200, // without a cursor it does not wait
		"after=":                         422,
		"after=" + cursor + "&wait=":     422,
		"after=" + cursor + "&wait=61":   422,
		"after=" + cursor + "&wait=-1":   422,
		"after=" + cursor + "&wait=1.5":  422,
		"after=" + cursor + "&wait=1s":   422,
		"after=" + cursor + "&wait=1e1":  422,
		"after=" + cursor + "&wait=%201": 422,
		"after=" + cursor + "&wait=99999999999999999999": 422,
		"after=x&wait=0": 422,
		"wait=x":         422,
	} {
		begin := time.Now()
		answer := n.get("/realtime/poll?"+query, p.token)
		if answer.StatusCode != want || time.Since(begin) > 3*time.Second {
			t.Errorf("%q: %d after %v, want %d at once", query, answer.StatusCode, time.Since(begin), want)
		}
		if want == 200 && answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: Cache-Control %q", query, answer.Header.Get("Cache-Control"))
		}
	}
	if got := n.get("/realtime/poll", "").StatusCode; got != 401 {
		t.Errorf("without a token: %d", got)
	}
}

// A poll in which nothing happens is answered when its time is over, not before, with the same cursor.
func TestEmptyPoll(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	cursor := n.follow("poll", p, "").take().Cursor
	begin := time.Now()
	var b batch
	if err := json.NewDecoder(n.get("/realtime/poll?wait=1&after="+cursor, p.token).Body).Decode(&b); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < time.Second || took > 3*time.Second {
		t.Errorf("answered after %v", took)
	}
	if b.After != cursor || b.Cursor != cursor || b.Gap || b.Events == nil || len(b.Events) != 0 {
		t.Errorf("answered %+v, want an empty batch at %s", b, cursor)
	}
}

// The fifth poll of a token ends the oldest, with an empty batch.
func TestTooManyPolls(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	cursor := n.follow("poll", p, "").take().Cursor
	parked := make(chan int, 5)
	for i := range 5 {
		c := n.follow("poll", p, cursor)
		go func() {
			if b := c.take(); len(b.Events) != 0 || b.Gap || b.Cursor != cursor {
				t.Errorf("poll %d: %+v", i, b)
			}
			parked <- i
		}()
		eventually(t, fmt.Sprintf("poll %d is parked", i), func() bool {
			return n.count("doran_realtime_connections", "poll") == float64(min(i+1, 4))
		})
	}
	if first := <-parked; first != 0 {
		t.Errorf("poll %d was answered, want the oldest", first)
	}
	n.drain()
	for range 4 {
		<-parked
	}
}
