package model

import "errors"

// server is one Redis process.
type server struct {
	identity int
	keys     *Keyspace
	state    serverState
}

type serverState int

const (
	leading serverState = iota // takes reads and writes; an isolated master too
	demoted                    // a replica of another one now
	gone                       // its connections are cut
)

// node is one server of Doran, as far as it remembers anything: what it knows of the epoch, and its connections.
type node struct {
	name  string
	epoch int64        // 0 until known
	of    int          // identity of the Redis of the epoch
	seen  map[int]bool // identities that connections led to
	mutex bool
	pool  *pool
}

// pool is one client of Redis. A node that dials again has another one.
type pool struct {
	conns  []*server
	closed bool
}

const poolSize = 2

func newNode(name string) *node { return &node{name: name, seen: map[int]bool{}, pool: &pool{}} }

func (p *proc) lock() {
	for p.node.mutex {
		p.step()
	}
	p.node.mutex = true
}

func (p *proc) unlock() { p.node.mutex = false }

var (
	errDown  = errors.New("no answer from Redis")
	errStale = errors.New("a later epoch has begun")
)

// currentEpoch is epoch.now.
func (p *proc) currentEpoch() (int64, error) {
	if p.node.epoch == 0 {
		if _, err := p.dial(p.node.pool); err != nil {
			return 0, err
		}
	}
	return p.node.epoch, nil
}

// dial is a new connection, with epoch.onConnect.
func (p *proc) dial(pool *pool) (*server, error) {
	p.step()
	s := p.master
	p.step()
	if s.state != leading {
		return nil, errDown
	}
	if err := p.agree(s.identity); err != nil {
		return nil, err
	}
	if len(pool.conns) < poolSize {
		pool.conns = append(pool.conns, s)
	}
	return s, nil
}

// agree is epoch.agree.
func (p *proc) agree(identity int) error {
	n := p.node
	p.lock()
	defer p.unlock()
	n.seen[identity] = true
	if n.epoch != 0 && (n.of == identity || !p.rules.hold(Epochs)) {
		return nil
	}
	for range 10 {
		p.step()
		number, of := p.db.epoch, p.db.identity
		if number != 0 && (of == identity || !p.rules.hold(Epochs)) {
			p.adopt(number, of)
			return nil
		}
		p.step()
		if p.db.beginEpoch(number, identity) {
			p.step()
			p.adopt(number+1, identity)
			p.note("begins epoch %d on Redis %d", number+1, identity)
			p.spawn("unlink", n, nil, (*proc).unlinkBodies)
			return nil
		}
	}
	return errDown
}

// refresh is epoch.refresh.
func (p *proc) refresh() {
	n := p.node
	p.step()
	number, of := p.db.epoch, p.db.identity
	p.step()
	p.lock()
	defer p.unlock()
	if number > n.epoch {
		p.adopt(number, of)
	}
}

// adopt is epoch.adopt: connections that lead to a Redis of another epoch are left.
func (p *proc) adopt(number int64, of int) {
	n := p.node
	n.epoch, n.of = number, of
	for identity := range n.seen {
		if identity != of && p.rules.hold(LeaveStrays) {
			p.note("moves to epoch %d and connects again", number)
			n.seen = map[int]bool{}
			n.pool.closed = true
			n.pool = &pool{}
			return
		}
	}
}

// call runs a script, with one try more on another connection when one is lost: the script may have run then.
func (p *proc) call(epoch int64, script func(*Keyspace)) error {
	pool := p.node.pool
	for range 2 {
		s, err := p.connection(pool)
		if err != nil {
			return err
		}
		p.step()
		if s.state != leading {
			pool.drop(s)
			continue
		}
		script(s.keys)
		if !p.quiet && p.oneIn(40) {
			p.note("loses the reply")
			pool.drop(s)
			continue
		}
		if p.node.epoch != epoch {
			return errStale
		}
		if pool.closed {
			return errDown
		}
		return nil
	}
	return errDown
}

func (p *proc) connection(pool *pool) (*server, error) {
	if pool.closed {
		return nil, errDown
	}
	if len(pool.conns) > 0 && !p.oneIn(8) {
		return pool.conns[p.random.IntN(len(pool.conns))], nil
	}
	return p.dial(pool)
}

func (l *pool) drop(s *server) {
	for i := range l.conns {
		if l.conns[i] == s {
			l.conns = append(l.conns[:i:i], l.conns[i+1:]...)
			return
		}
	}
}

// unlinkBodies is Inbox.unlinkBodies: one body after the other.
func (p *proc) unlinkBodies() {
	epoch, err := p.currentEpoch()
	if err != nil {
		return
	}
	for id := range p.db.messages {
		if p.call(epoch, func(k *Keyspace) {
			if b := &k.Bodies[id]; b.Epoch < epoch {
				*b = Body{}
			}
		}) != nil {
			return
		}
	}
}
