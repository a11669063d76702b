package model

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"doran/chat"
)

// The size of a history: small, so that everything meets everything.
const (
	users        = 3
	chats        = 3 // 1 and 2 are groups, 3 is a direct chat of users 1 and 2
	maxMessages  = 22
	kept         = 6 // entries of an inbox
	batchEntries = 3
	roundEvents  = 4
	startTries   = 5
)

// world is one history.
type world struct {
	rules   Rules
	random  *rand.Rand
	db      *database
	master  *server // where the address of Redis leads
	older   []*server
	saved   *Keyspace // a snapshot
	servers int
	births  int64
	words   int
	nodes   [2]*node
	devices []*device
	procs   []*proc
	quiet   bool    // no faults any more
	risks   []Fault // of this history

	trace   []string
	tracing bool
	failure string
}

// proc is something that runs in steps: a coroutine that the world lets go on, or kills.
type proc struct {
	*world
	name   string
	node   *node   // nil: a client's own
	device *device // busy while this runs; may be nil
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

type killed struct{}

func (w *world) spawn(name string, n *node, d *device, run func(p *proc)) {
	p := &proc{world: w, name: name, node: n, device: d}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if e := recover(); e != nil {
				if _, ok := e.(killed); !ok {
					panic(e)
				}
			}
		}()
		p.yield = yield
		run(p)
	})
	if d != nil {
		d.busy = true
	}
	w.procs = append(w.procs, p)
}

// step lets everything else happen before what comes next.
func (p *proc) step() {
	if !p.yield(struct{}{}) {
		panic(killed{})
	}
}

func (w *world) remove(p *proc) {
	for i := range w.procs {
		if w.procs[i] == p {
			if p.device != nil {
				p.device.busy = false
			}
			w.procs[i] = w.procs[len(w.procs)-1]
			w.procs = w.procs[:len(w.procs)-1]
			return
		}
	}
}

func (w *world) kill(p *proc) {
	p.stop()
	w.remove(p)
}

// goOn lets one process take one step.
func (w *world) goOn() {
	if len(w.procs) == 0 {
		return
	}
	p := w.procs[w.random.IntN(len(w.procs))]
	if _, more := p.next(); !more {
		w.remove(p)
	}
	w.checkInboxes()
}

// finish lets all processes end.
func (w *world) finish() {
	for steps := 0; len(w.procs) > 0 && w.failure == ""; steps++ {
		if steps > 30000 {
			w.fail("livelock", "%s does not end", w.procs[0].name)
		}
		w.goOn()
	}
}

func (w *world) killAll() {
	for len(w.procs) > 0 {
		w.kill(w.procs[0])
	}
}

func (w *world) oneIn(n int) bool { return w.random.IntN(n) == 0 }

func (w *world) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (p *proc) note(format string, args ...any) {
	if p.tracing {
		who := p.name
		if p.node != nil {
			who = p.node.name + " " + p.name
		}
		p.world.note(who+" "+format, args...)
	}
}

// fail says which promise is broken; the first word names it.
func (w *world) fail(promise, format string, args ...any) {
	if w.failure == "" {
		w.failure = promise + ": " + fmt.Sprintf(format, args...)
		w.note("!! %s", w.failure)
	}
}

// told and manyTold are events in a trace.
type (
	told     chat.Event
	manyTold []chat.Event
)

func (e told) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "chat %d v%d %s", e.ChatID, e.Version, e.Type)
	if e.MessageID != 0 {
		fmt.Fprintf(&b, " of message %d", e.MessageID)
	}
	if e.UserID != 0 {
		fmt.Fprintf(&b, " user %d", e.UserID)
	}
	if e.OnlyID != 0 {
		fmt.Fprintf(&b, " only to %d", e.OnlyID)
	}
	return b.String()
}

func (l manyTold) String() string {
	out := make([]string, len(l))
	for i, e := range l {
		out[i] = told(e).String()
	}
	return strings.Join(out, ", ")
}
