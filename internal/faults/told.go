package faults

import (
	"fmt"
	"strings"
	"time"
)

// telling is what it was told of one chat.
type telling struct {
	last int64 // version, since the last gap
	all  []told
}

type told struct {
	version, body int64 // body: the version of the message that was shown, 0 for other events
	seq           int64
}

// sighting is written out only when it is asked for.
type sighting struct {
	at     time.Duration
	format string
	args   []any
}

func (d *device) saw(format string, args ...any) {
	if d.recent = append(d.recent, sighting{time.Since(d.start), format, args}); len(d.recent) > 400 {
		d.recent = append([]sighting(nil), d.recent[200:]...)
	}
}

func (d *device) wrong(promise, format string, args ...any) {
	var around []string
	for _, s := range d.recent[max(0, len(d.recent)-25):] {
		around = append(around, fmt.Sprintf("%9.3f %s ", s.at.Seconds(), d.name)+fmt.Sprintf(s.format, s.args...))
	}
	d.history.violation(promise, around, d.name+" "+format, args...)
}

// checkTold: once, in order, and as the message is now. False when the event is to be ignored, as it comes again.
func (d *device) checkTold(e event, m message, isMessage bool, from string, began time.Duration) bool {
	t := d.told[e.ChatID]
	if t == nil {
		t = &telling{}
		d.told[e.ChatID] = t
	}
	if e.Version <= t.last {
		d.wrong("order", "over %s: chat %d v%d %s after v%d, with no gap between", from, e.ChatID, e.Version, e.Type, t.last)
	}
	t.last = max(t.last, e.Version)
	t.all = append(t.all, told{e.Version, m.Version, m.Seq})
	if !isMessage {
		return true
	}
	if m.Version < e.Version || m.ChatID != e.ChatID || e.Type == "message.deleted" && !m.Deleted || m.Deleted && m.Content != tombstone {
		d.wrong("stale", "over %s: chat %d v%d %s shows %s", from, e.ChatID, e.Version, e.Type, e.Data)
	}
	d.checkText(m, from, began)
	return true
}

// deletedGrace is how long a text may still be shown after its deletion was answered, in time in which nothing is broken: until the sweep has
// carried what a node that died had not.
const deletedGrace = 3 * time.Second

// checkText: what was deleted well before this connection began to read is not shown any more.
func (d *device) checkText(m message, from string, began time.Duration) {
	if m.Deleted || strings.HasPrefix(from, "mqtt") { // what the broker had taken, it may still bring
		return
	}
	grace := deletedGrace
	if from == "HTTP" { // which asks the database
		grace = 0
	}
	if at, ok := d.rooms.deletedAt(m.ID); ok && began > at+grace {
		d.wrong("deleted", "over %s: the text of message %d, deleted %v of good time before this was asked for", from, m.ID, (began - at).Round(time.Millisecond))
	}
}
