package mqtt

import (
	"context"
	"errors"
	"slices"
	"time"

	"doran/chat"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook holds the embedded broker to the rules.
type hook struct {
	mochi.HookBase
	broker *Embedded
}

// ID names the hook in mochi's log.
func (h *hook) ID() string { return "doran" }

var provided = []byte{mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnWill, mochi.OnPacketRead,
	mochi.OnSessionEstablished, mochi.OnSubscribed, mochi.OnUnsubscribed, mochi.OnQosComplete, mochi.OnDisconnect}

// Provides says which of mochi's events the hook is for.
func (h *hook) Provides(b byte) bool { return slices.Contains(provided, b) }

var errWill = errors.New("a device may have no Will")

// OnConnect refuses a Will: mochi would publish it past OnACLCheck (its issue 503). A device that asks for no keepalive, or a
// very long one, is missed after maxKeepalive all the same.
func (h *hook) OnConnect(cl *mochi.Client, pk packets.Packet) error {
	if pk.Connect.WillFlag {
		_ = h.broker.server.SendConnack(cl, packets.ErrBadUsernameOrPassword, false, nil) // which mochi has a word for in MQTT 3 too
		return errWill
	}
	if cl.State.Keepalive == 0 || cl.State.Keepalive > maxKeepalive {
		cl.State.Keepalive, cl.State.ServerKeepalive = maxKeepalive, true
	}
	return nil
}

// authTime bounds the question to the database.
const authTime = 2 * time.Second

// OnConnectAuthenticate lets a grant's device in, under the grant's client id only: mochi hands the session of a client id,
// with what is queued in it, to whoever is let in under it. The device's own earlier connection is closed here, because mochi
// would write to it first and wait until its socket takes that.
func (h *hook) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	id := pk.Connect.ClientIdentifier
	conn, ok := cl.Net.Conn.(*conn)
	if !ok || id == "" || string(pk.Connect.Username) != id {
		return false
	}
	grant, ok := h.proves(pk)
	if !ok {
		return false
	}
	if before, ok := h.broker.server.Clients.Get(id); ok {
		before.Stop(errTakenOver)
		before.ClearInflights()
	}
	conn.admit(deviceOf(grant))
	return true
}

// proves says whether the CONNECT has the password of a live grant.
func (h *hook) proves(pk packets.Packet) (chat.Grant, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), authTime)
	defer cancel()
	found, err := h.broker.grants(ctx, []string{pk.Connect.ClientIdentifier})
	if err != nil {
		h.broker.log.Warn("mqtt: a device cannot be let in while the database does not answer", "err", err)
		return chat.Grant{}, false
	}
	ok := len(found) == 1 && found[0].Live && found[0].HasPassword(pk.Connect.Password)
	if !ok {
		return chat.Grant{}, false
	}
	return found[0], true
}

// device is whom the connection was let in as.
func device(cl *mochi.Client) (Device, bool) {
	if conn, ok := cl.Net.Conn.(*conn); ok {
		return conn.admitted()
	}
	return Device{}, false
}

// OnACLCheck compares whole strings: no filter but the device's own topic passes, so no wildcard and no $share group does.
func (h *hook) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	d, ok := device(cl)
	return ok && !write && topic == d.Topic()
}

// OnWill is never reached with a Will, and lets none pass.
func (h *hook) OnWill(*mochi.Client, mochi.Will) (mochi.Will, error) {
	return mochi.Will{}, errWill
}

// OnPacketRead ends a connection that publishes, authenticates anew or connects a second time: mochi would log the second CONNECT
// with the password in it.
func (h *hook) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	pk.Connect.WillRetain = false // leave the Will to OnConnect: mochi has no MQTT 3 code for refusing a retained one
	if _, in := device(cl); in {
		switch pk.FixedHeader.Type {
		case packets.Subscribe, packets.Unsubscribe, packets.Puback, packets.Pingreq, packets.Disconnect:
		default:
			return pk, packets.ErrRejectPacket // the only error that mochi acts on
		}
	}
	return pk, nil
}

// OnSessionEstablished asks once more, now that the connection can be found to be cut: the grant may have ended since it was let in.
// A session that was remembered listens already.
func (h *hook) OnSessionEstablished(cl *mochi.Client, pk packets.Packet) {
	d, ok := device(cl)
	if !ok {
		return
	}
	if _, ok := h.proves(pk); !ok {
		cl.Stop(errEnded)
		return
	}
	if subscription, ok := cl.State.Subscriptions.Get(d.Topic()); ok {
		h.broker.listens(d, cl, subscription.Qos)
	}
}

// OnSubscribed comes just before the SUBACK is written; what is published from here on follows it or, as MQTT 3.1.1 section
// 3.8.4 allows, comes before it.
func (h *hook) OnSubscribed(cl *mochi.Client, pk packets.Packet, reasonCodes []byte) {
	d, ok := device(cl)
	if !ok {
		return
	}
	for i, f := range pk.Filters {
		if f.Filter == d.Topic() && i < len(reasonCodes) && reasonCodes[i] <= packets.CodeGrantedQos2.Code {
			h.broker.listens(d, cl, f.Qos)
		}
	}
}

// OnUnsubscribed ends listening.
func (h *hook) OnUnsubscribed(cl *mochi.Client, pk packets.Packet) {
	d, ok := device(cl)
	if !ok {
		return
	}
	for _, f := range pk.Filters {
		if f.Filter == d.Topic() {
			h.broker.left(d, cl)
		}
	}
}

// OnQosComplete is the device's PUBACK.
func (h *hook) OnQosComplete(cl *mochi.Client, _ packets.Packet) {
	if d, ok := device(cl); ok {
		h.broker.confirmed(d, cl)
	}
}

// OnDisconnect drops what was not confirmed: it is published again from the inbox, in order. mochi would redeliver by the second,
// and within a second at random.
func (h *hook) OnDisconnect(cl *mochi.Client, _ error, _ bool) {
	if d, ok := device(cl); ok {
		h.broker.left(d, cl)
	}
	cl.ClearInflights()
}
