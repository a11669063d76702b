package realtime

import (
	"slices"
	"sync"
)

const shards = 64 // so that wake-ups and those who come and go seldom wait for each other

// index finds connections by the id of their user, or of their token.
type index [shards]shard

type shard struct {
	mu    sync.RWMutex
	conns map[int64][]*conn // oldest first
}

func (x *index) of(id int64) *shard { return &x[uint64(id)%shards] }

func (x *index) add(id int64, c *conn) {
	s := x.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		s.conns = map[int64][]*conn{}
	}
	s.conns[id] = append(s.conns[id], c)
}

func (x *index) remove(id int64, c *conn) {
	s := x.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.conns[id], c); i >= 0 {
		s.conns[id] = slices.Delete(s.conns[id], i, i+1)
	}
	if len(s.conns[id]) == 0 {
		delete(s.conns, id)
	}
}

// each calls do, which must not block, for the connections of an id, oldest first.
func (x *index) each(id int64, do func(*conn)) {
	s := x.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.conns[id] {
		do(c)
	}
}

func (x *index) ids() []int64 {
	var ids []int64
	for i := range x {
		s := &x[i]
		s.mu.RLock()
		for id := range s.conns {
			ids = append(ids, id)
		}
		s.mu.RUnlock()
	}
	return ids
}

// all calls do, which must not block, for every connection of the shard, and counts them.
func (s *shard) all(do func(*conn)) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := 0
	for _, conns := range s.conns {
		for _, c := range conns {
			do(c)
			n++
		}
	}
	return n
}
