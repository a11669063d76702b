package mqtt

import (
	"context"
	"fmt"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
)

// ear is a device that is connected and subscribed. One payload at a time is on its way to it.
type ear struct {
	client *mochi.Client
	qos    byte
	gone   chan struct{} // closed when the connection is over
	once   sync.Once

	publishing sync.Mutex
	puback     chan struct{} // of size one
}

func (x *ear) end() { x.once.Do(func() { close(x.gone) }) }

// listens makes a subscriber known, in place of one before.
func (e *Embedded) listens(d Device, client *mochi.Client, qos byte) {
	x := &ear{client: client, qos: qos, gone: make(chan struct{}), puback: make(chan struct{}, 1)}
	e.mu.Lock()
	before, known := e.ears[d]
	if known && before.client == client {
		x = nil // it subscribed again
		before.qos = qos
	} else {
		e.ears[d] = x
	}
	closed := e.closed
	e.mu.Unlock()
	if known && x != nil {
		before.end()
	}
	if !closed && e.events.Arrived != nil {
		e.events.Arrived(d.User)
	}
}

// left forgets a subscriber, unless a later connection has taken its place.
func (e *Embedded) left(d Device, client *mochi.Client) {
	e.mu.Lock()
	x, known := e.ears[d]
	if known && x.client == client {
		delete(e.ears, d)
	}
	e.mu.Unlock()
	if known && x.client == client {
		x.end()
	}
}

func (e *Embedded) confirmed(d Device, client *mochi.Client) {
	e.mu.Lock()
	x, known := e.ears[d]
	e.mu.Unlock()
	if known && x.client == client {
		select {
		case x.puback <- struct{}{}:
		default:
		}
	}
}

func (e *Embedded) ear(d Device) (x *ear, qos byte, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x, ok = e.ears[d]; ok {
		qos = x.qos
	}
	return x, qos, ok
}

// Takes is for a device that is connected and subscribed.
func (e *Embedded) Takes(to Device) bool {
	x, _, ok := e.ear(to)
	return ok && !x.client.Closed()
}

// Publish waits for the PUBACK of the device itself, so an unconfirmed payload is never the broker's to redeliver.
func (e *Embedded) Publish(ctx context.Context, to Device, payload []byte) error {
	x, qos, ok := e.ear(to)
	if !ok || x.client.Closed() {
		return ErrAway
	}
	x.publishing.Lock()
	defer x.publishing.Unlock()
	select {
	case <-x.puback: // of one that was given up
	default:
	}
	if err := e.server.Publish(to.Topic(), payload, false, 1); err != nil {
		return fmt.Errorf("publishing to the embedded broker: %w", err)
	}
	if qos == 0 { // the device asked for no confirmation
		return nil
	}
	patience := time.NewTimer(e.puback)
	defer patience.Stop()
	select {
	case <-x.puback:
		return nil
	case <-x.gone:
		return ErrAway
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		x.client.Stop(errNoPuback)
		return ErrAway
	}
}
