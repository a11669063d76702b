package mqtt

import (
	"net"
	"sync"
	"time"
)

const (
	strangerTime = 5 * time.Second // from the connection to the CONNECT that is accepted
	writeTime    = 5 * time.Second // that a socket may be stuck
)

// conn is a device's connection, as mochi is given it. mochi sets one deadline for reading and writing, none before CONNECT and
// none at all where keepalive is 0; here a stranger has one that nothing renews, and each write has its own.
type conn struct {
	net.Conn

	mu       sync.Mutex
	device   Device
	known    bool
	stranger time.Time // until when it may be one
}

func newConn(inner net.Conn) *conn {
	c := &conn{Conn: inner, stranger: time.Now().Add(strangerTime)}
	_ = inner.SetReadDeadline(c.stranger)
	return c
}

// admit makes a known device of a stranger.
func (c *conn) admit(d Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.device, c.known = d, true
}

func (c *conn) admitted() (Device, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.device, c.known
}

// SetDeadline is for reading only, and never later than a stranger's own.
func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	if !c.known {
		t = c.stranger
	}
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// Write gives up on a socket that takes nothing: the device comes back over another, and must not wait for this one.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.Close() // or mochi would go on to read from it
	}
	return n, err
}
