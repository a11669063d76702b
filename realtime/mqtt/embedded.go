package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"doran/chat"

	mochi "github.com/mochi-mqtt/server/v2"
)

// The bounds of the embedded broker.
const (
	maxInbound     = 8 << 10          // bytes of a packet from a device: CONNECT and SUBSCRIBE are all that it has to say
	maxKeepalive   = 20 * 60          // seconds; a device that asks for none, or for more, gets this
	pubackTime     = 10 * time.Second // that a device may take to confirm a payload, before it is cut
	sessionSeconds = 24 * 60 * 60     // that the subscription of a device that is away is remembered
)

// Embedded is a broker inside the process, for a server of one node. It queues nothing: the inbox is the queue, and a payload counts as
// taken when the device itself has confirmed it. So what a device missed survives a restart, and comes in order.
//
// It is mochi-mqtt behind hooks and a listener of our own, because of what mochi 2.7.9 leaves open: a session goes to whoever
// gives its client id, a Will is not checked, packets are logged with the passwords in them, nothing bounds packets or the
// time before CONNECT, a socket that is stuck holds up its successor, and redelivery has no order. The comments in the embedded_*
// files say which line closes which.
type Embedded struct {
	log      *slog.Logger
	server   *mochi.Server
	listener *listener
	grants   func(ctx context.Context, clientIDs []string) ([]chat.Grant, error)
	events   Events
	puback   time.Duration

	mu     sync.Mutex
	ears   map[Device]*ear
	closed bool
}

// EmbeddedConfig is what an Embedded is made of.
type EmbeddedConfig struct {
	Addr   string // host:port for MQTT and, on the same port, MQTT over WebSocket
	Grants func(ctx context.Context, clientIDs []string) ([]chat.Grant, error)
	Events Events
	Log    *slog.Logger
}

// OpenEmbedded listens. Its error names the address when it is taken.
func OpenEmbedded(c EmbeddedConfig) (*Embedded, error) {
	inner, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("the embedded MQTT broker: %w", err)
	}
	e := &Embedded{log: c.Log, grants: c.Grants, events: c.Events, puback: pubackTime, ears: map[Device]*ear{}}
	e.listener = newListener(inner, c.Log)
	capabilities := mochi.NewDefaultServerCapabilities()
	capabilities.MaximumPacketSize = maxInbound
	capabilities.MaximumSessionExpiryInterval = sessionSeconds
	capabilities.MaximumClientWritesPending = 16
	capabilities.MaximumInflight = 16
	capabilities.ReceiveMaximum = 16
	capabilities.TopicAliasMaximum = 0
	capabilities.MaximumQos = 1
	capabilities.RetainAvailable = 0
	capabilities.SharedSubAvailable = 0
	capabilities.WildcardSubAvailable = 0
	e.server = mochi.New(&mochi.Options{
		Capabilities:           capabilities,
		InlineClient:           true,
		Logger:                 slog.New(discreet{c.Log.Handler()}),
		SysTopicResendInterval: 24 * 60 * 60, // nobody may listen to $SYS
	})
	if err := errors.Join(e.server.AddHook(&hook{broker: e}, nil), e.server.AddListener(e.listener), e.server.Serve()); err != nil {
		_ = inner.Close()
		return nil, fmt.Errorf("the embedded MQTT broker: %w", err)
	}
	return e, nil
}

// Addr is where it listens.
func (e *Embedded) Addr() string { return e.listener.Address() }

// Admit cuts whoever is connected by an earlier password; by the new one the device is let in because the database has it.
func (e *Embedded) Admit(_ context.Context, g chat.Grant, _ string) error {
	e.cut(g.ClientID, errReplaced)
	return nil
}

// Expel cuts the connections. Nobody comes back by a grant that has ended, as the database says so.
func (e *Embedded) Expel(_ context.Context, grants []chat.Grant) error {
	for _, g := range grants {
		e.cut(g.ClientID, errEnded)
	}
	return nil
}

var (
	errReplaced  = errors.New("the grant has a new password")
	errEnded     = errors.New("the grant ended")
	errTakenOver = errors.New("the device connected again")
	errNoPuback  = errors.New("the device confirmed nothing for too long")
)

// cut closes the connection at once. mochi's own way would first write a DISCONNECT, which waits for whatever the socket is
// stuck in.
func (e *Embedded) cut(clientID string, why error) {
	if client, ok := e.server.Clients.Get(clientID); ok {
		client.Stop(why)
	}
}

// Clients are those that are connected.
func (e *Embedded) Clients(context.Context) ([]string, error) {
	var ids []string
	for id, client := range e.server.Clients.GetAll() {
		if !client.Net.Inline && !client.Closed() {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Status is an error after Close only.
func (e *Embedded) Status() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("the embedded MQTT broker is closed")
	}
	return nil
}

// Close cuts every connection and stops listening.
func (e *Embedded) Close() {
	e.mu.Lock()
	closed := e.closed
	e.closed = true
	e.mu.Unlock()
	if !closed {
		_ = e.server.Close()
	}
}
