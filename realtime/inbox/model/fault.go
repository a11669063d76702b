package model

// Fault is something that goes wrong from outside.
type Fault int

// The faults.
const (
	Emptied      Fault = iota // the Redis is emptied
	StreamGone                // an inbox loses its stream
	HashGone                  // an inbox loses its hash
	InboxExpires              // an inbox expires
	BodyExpires               // a body expires
	Restored                  // the Redis restarts from a snapshot
	Restarted                 // the Redis restarts
	Demoted                   // a replica that lagged takes over, the master knows
	Isolated                  // a replica that lagged takes over, the master does not know
	Rejoined                  // an isolated master learns that it is none
	Trimmed                   // an inbox is trimmed to one entry
	TrimmedAway               // an inbox is trimmed to nothing
	ClockBack                 // the clock goes back
	Crashed                   // a node crashes
	Cut                       // a node's connections are cut
	faults
)

var happen = [faults]func(*world){
	Emptied: func(w *world) {
		fresh := newKeyspace(w.rules)
		fresh.Now = w.master.keys.Now
		w.master.keys = fresh
	},
	StreamGone: func(w *world) { w.someInbox().DeleteStream() },
	HashGone:   func(w *world) { w.someInbox().DeleteHash() },
	InboxExpires: func(w *world) {
		b := w.someInbox()
		b.DeleteStream()
		b.DeleteHash()
	},
	BodyExpires: func(w *world) { w.master.keys.Bodies[w.random.IntN(len(w.db.messages))] = Body{} },
	Restored:    func(w *world) { w.replaceMaster(w.saved.Clone(), gone) },
	Restarted:   func(w *world) { w.replaceMaster(w.master.keys, gone) },
	Demoted:     func(w *world) { w.replaceMaster(w.saved.Clone(), demoted) },
	Isolated:    func(w *world) { w.replaceMaster(w.saved.Clone(), leading) },
	Rejoined:    (*world).demoteOlder,
	Trimmed:     func(w *world) { w.someInbox().Trim(1) },
	TrimmedAway: func(w *world) { w.someInbox().Trim(0) },
	ClockBack:   func(w *world) { w.master.keys.Now -= int64(1 + w.random.IntN(4)) },
	Crashed:     (*world).crash,
	Cut:         func(w *world) { w.nodes[w.random.IntN(2)].pool.conns = nil },
}

var faultNames = [faults]string{
	"the Redis is emptied",
	"an inbox loses its stream",
	"an inbox loses its hash",
	"an inbox expires",
	"a body expires",
	"the Redis restarts from a snapshot",
	"the Redis restarts",
	"a replica that lagged takes over, the master knows",
	"a replica that lagged takes over, the master does not know",
	"an isolated master learns that it is none",
	"an inbox is trimmed to one entry",
	"an inbox is trimmed to nothing",
	"the clock goes back",
	"a node crashes",
	"a node's connections are cut",
}

// String says what happens.
func (f Fault) String() string { return faultNames[f] }

func newKeyspace(rules Rules) *Keyspace {
	k := NewKeyspace(users, chats, maxMessages+2*chats)
	k.Rules, k.Maxlen, k.Now = rules, kept, 100
	return k
}

func (w *world) someInbox() *Inbox { return &w.master.keys.Inboxes[1+w.random.IntN(users)] }

// replaceMaster makes another Redis the one that the address leads to.
func (w *world) replaceMaster(keys *Keyspace, before serverState) {
	w.master.state = before
	if before == leading { // it goes on by itself
		keys = keys.Clone()
	}
	w.older = append(w.older, w.master)
	w.servers++
	w.master = &server{identity: w.servers, keys: keys}
}

func (w *world) demoteOlder() {
	for _, s := range w.older {
		if s.state == leading {
			s.state = demoted
		}
	}
}

func (w *world) crash() {
	i := w.random.IntN(2)
	for j := len(w.procs) - 1; j >= 0; j-- {
		if j < len(w.procs) && w.procs[j].node == w.nodes[i] {
			w.kill(w.procs[j])
		}
	}
	w.nodes[i] = newNode(w.nodes[i].name)
}

// heal ends what faults left behind, as the world does in the end.
func (w *world) heal() {
	w.demoteOlder()
	for _, s := range w.older {
		if s.state == demoted && w.oneIn(2) {
			s.state = gone
		}
	}
}
