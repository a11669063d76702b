package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"doran/chat"

	"github.com/mochi-mqtt/server/v2/packets"
)

// connectPacket is a CONNECT byte by byte.
func connectPacket(t *testing.T, p pass, keepalive uint16) []byte {
	t.Helper()
	pk := packets.Packet{ProtocolVersion: 4, FixedHeader: packets.FixedHeader{Type: packets.Connect}, Connect: packets.ConnectParams{
		ProtocolName: []byte("MQTT"), Keepalive: keepalive, ClientIdentifier: p.ClientID, UsernameFlag: true, Username: []byte(p.ClientID),
		PasswordFlag: true, Password: []byte(p.password)}}
	var b bytes.Buffer
	if err := pk.ConnectEncode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func subscribePacket(t *testing.T, topic string) []byte {
	t.Helper()
	pk := packets.Packet{ProtocolVersion: 4, FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: 1,
		Filters: packets.Subscriptions{{Filter: topic, Qos: 1}}}
	var b bytes.Buffer
	if err := pk.SubscribeEncode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ended waits for the other side to close.
func ended(t *testing.T, c net.Conn, within time.Duration) {
	t.Helper()
	begin := time.Now()
	_ = c.SetReadDeadline(begin.Add(within))
	if _, err := io.Copy(io.Discard, c); err != nil && isTimeout(err) {
		t.Errorf("the connection is open after %v", within)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestStrangersAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	for name, said := range map[string]string{
		"nothing":                 "",
		"the beginning of MQTT":   "\x10",
		"the beginning of HTTP":   "GET / HTTP/1.1\r\n",
		"a request, and no other": "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"a CONNECT of 256 MiB":    "\x10\xff\xff\xff\x7f",
		"a SUBSCRIBE":             "\x82\x05\x00\x01\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := raw(t, b.addr)
			_, _ = io.WriteString(c, said)
			ended(t, c, strangerTime+2*time.Second)
		})
	}
}

func TestPacketsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	mina := w.admit(b, w.session())
	c := raw(t, b.addr)
	_, _ = c.Write(connectPacket(t, mina, 60))
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		t.Fatalf("no CONNACK: %v", err)
	}
	_, _ = c.Write([]byte{0x82, 0xff, 0xff, 0xff, 0x7f}) // a SUBSCRIBE of 256 MiB
	ended(t, c, 2*time.Second)
}

// No log has a password, a payload or a packet, at any level: mochi logs whole packets.
func TestTheLogIsDiscreet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	mina, other := w.admit(b, w.session()), w.admit(b, w.session())

	c := raw(t, b.addr)
	_, _ = c.Write(connectPacket(t, mina, 60))
	_, _ = io.ReadFull(c, make([]byte, 4))
	_, _ = c.Write(connectPacket(t, mina, 60))
	ended(t, c, 2*time.Second)

	ear := other.listen(t, b.addr)
	send(t, b, deviceOf(other.Grant), "a-secret-of-two")
	ear.next(t)
	ear.Publish("somewhere", 1, false, "a-secret-of-two").WaitTimeout(time.Second)

	text := w.log.String()
	for _, secret := range []string{mina.password, other.password, "a-secret-of-two"} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprint([]byte(secret))[1:40]) {
			t.Errorf("the log has %q:\n%s", secret, text)
		}
	}
	if !strings.Contains(text, "mqtt: ") {
		t.Error("nothing was logged at all, so this test says nothing")
	}
}

// A phone that lost its network leaves a socket that takes nothing. It comes back over another and is not held up by it.
func TestAStuckSocketDoesNotHoldUpItsSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	mina := w.admit(b, w.session())
	to := deviceOf(mina.Grant)
	stuck := raw(t, b.addr)
	_ = stuck.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, _ = stuck.Write(append(connectPacket(t, mina, 0), subscribePacket(t, to.Topic())...)) // keepalive 0: nothing would ever end it
	if _, err := io.ReadFull(stuck, make([]byte, 4+5)); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 8<<20) // more than the sockets' buffers take
	publishing := make(chan error, 1)
	go func() { publishing <- b.Publish(context.Background(), to, []byte(big)) }()
	time.Sleep(200 * time.Millisecond) // the write is on its way now; there is nothing to see of it

	begin := time.Now()
	back := mina.listen(t, b.addr)
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the successor waited %v", took)
	}
	if err := <-publishing; !errors.Is(err, ErrAway) {
		t.Errorf("publishing to the stuck socket: %v", err)
	}
	send(t, b, to, "hello")
	for got := back.next(t); got != "hello"; got = back.next(t) {
		if got != big {
			t.Fatalf("heard %d bytes", len(got))
		}
	}
}

// A device that takes payloads and confirms none is cut: it may be half dead, and what it has not confirmed is not delivered.
func TestADeviceThatConfirmsNothingIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	b.Broker.(*restartable).Load().puback = 300 * time.Millisecond
	mina := w.admit(b, w.session())
	to := deviceOf(mina.Grant)
	mute := raw(t, b.addr)
	_, _ = mute.Write(append(connectPacket(t, mina, 60), subscribePacket(t, to.Topic())...))
	if _, err := io.ReadFull(mute, make([]byte, 4+5)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), to, []byte("x")); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	ended(t, mute, 2*time.Second)

	back := mina.listen(t, b.addr)
	for i := range 20 {
		send(t, b, to, fmt.Sprint(i))
	}
	for i := range 20 {
		if got := back.next(t); got != fmt.Sprint(i) {
			t.Fatalf("heard %q as number %d: what was not confirmed is the caller's to publish, in its order", got, i)
		}
	}
}

// The grant may end between the question to the database and the moment from which the connection can be found.
func TestAGrantThatEndsWhileConnecting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := w.session()
	asked := 0
	e, err := OpenEmbedded(EmbeddedConfig{Addr: "127.0.0.1:0", Log: logger(w.log), Grants: func(ctx context.Context, ids []string) ([]chat.Grant, error) {
		if asked++; asked == 2 {
			if err := w.service.EndToken(ctx, who, who.TokenID); err != nil {
				t.Error(err)
			}
		}
		return w.service.GrantsOfClients(ctx, ids)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	c := raw(t, e.Addr())
	_, _ = c.Write(connectPacket(t, w.admit(e, who), 60))
	ended(t, c, 3*time.Second)
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.embedded(Events{})
	_, err := OpenEmbedded(EmbeddedConfig{Addr: b.addr, Grants: w.service.GrantsOfClients, Log: logger(w.log)})
	if err == nil || !strings.Contains(err.Error(), b.addr) {
		t.Errorf("got %v", err)
	}
}
