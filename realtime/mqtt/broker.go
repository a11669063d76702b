package mqtt

import (
	"context"
	"errors"
	"fmt"

	"doran/chat"
)

// Broker is where devices listen in the background: the embedded one, or Mosquitto. Both hold the same rules, which one
// acceptance suite checks.
//
// A device is let in by the user name and password of its grant, under the grant's client id and no other, may subscribe to
// its own topic and to nothing else (no wildcard, no $share, no $SYS), and may publish nowhere: no message, nothing
// retained, no Will. Anonymous clients are not let in. So nobody hears another's messages, and nobody makes another's
// session, with what is queued in it, vanish by taking over its client id.
//
// Methods may be called by many goroutines at once. Each returns within a few seconds, also when the broker does not answer.
type Broker interface {
	// Admit lets the grant's device in by this password, and by no earlier one: whoever is connected by one is cut.
	Admit(ctx context.Context, g chat.Grant, password string) error

	// Expel ends these grants and cuts their connections. What was ended already is no error.
	Expel(ctx context.Context, grants []chat.Grant) error

	// Publish hands a payload over, QoS 1 and not retained, and returns nil only once somebody else answers for it: the broker,
	// which queues it for a session that is away, or the device itself. After any error it is to be published again.
	// Payloads for one device are handed over one after the other, so their order is kept. ErrAway: there is nobody to hand
	// it to, and Events.Arrived will tell when there is.
	Publish(ctx context.Context, to Device, payload []byte) error

	// Takes says whether Publish would do more than answer ErrAway just now: what cannot be handed over need not be read.
	Takes(to Device) bool

	// Clients are the client ids of grants that the broker knows.
	Clients(ctx context.Context) ([]string, error)

	// Status is nil while the broker can be used.
	Status() error

	// Close ends the broker, or the connection to it.
	Close()
}

// Events is what a broker tells. The functions do not block; none is called after Close.
type Events struct {
	Arrived func(user int64) // a device listens again, and what it missed can be published
	Back    func()           // the broker was away: what it had taken before may be gone
}

// Device is the one subscriber of a topic.
type Device struct{ User, Grant int64 }

// Topic is where the device listens.
func (d Device) Topic() string { return fmt.Sprintf("inbox/%d/%d", d.User, d.Grant) }

func deviceOf(g chat.Grant) Device { return Device{g.UserID, g.ID} }

// ErrAway says that the device is not connected to a broker that queues nothing.
var ErrAway = errors.New("the device is not connected")

// down is what everything but Status answers while the broker cannot be used.
func down(err error) error {
	return &chat.Error{Code: chat.CodeUnavailable, Detail: "The MQTT broker does not answer at the moment. Try again in a few seconds.", Err: err}
}
