// Package embedded runs, inside the process, the parts that Doran needs and that nobody has set up yet.
package embedded

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Redis is a Redis in memory, on an address of its own so that redis-cli can look in. What it holds ends with it.
type Redis struct {
	URL string
	ID  string // names this Redis, which cannot name itself: another word at each start

	server *miniredis.Miniredis
	stop   chan struct{}
	done   chan struct{}
}

// expiryTick is how often keys expire. The server's own clock would look at every key before every command.
const expiryTick = time.Second

// StartRedis listens on the address, whose error names it when it is taken.
func StartRedis(addr string) (*Redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("the embedded Redis: %w", err)
	}
	r := &Redis{URL: "redis://" + server.Addr(), ID: "embedded-" + rand.Text(), server: server,
		stop: make(chan struct{}), done: make(chan struct{})}
	go r.expire()
	return r, nil
}

// expire lets the keys' time pass, as miniredis stands still for the sake of tests.
func (r *Redis) expire() {
	defer close(r.done)
	tick := time.NewTicker(expiryTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-r.stop:
			return
		case now := <-tick.C:
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Close ends the server and its connections.
func (r *Redis) Close() {
	close(r.stop)
	<-r.done
	r.server.Close()
}
