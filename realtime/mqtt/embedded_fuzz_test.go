package mqtt

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"doran/chat"
)

// A client with a grant may send any bytes: it never hears another's topic, is never heard by another, and the broker serves on.
func FuzzEmbeddedBrokerPackets(f *testing.F) {
	for _, seed := range [][]byte{
		{0x82, 0x06, 0, 1, 0, 1, '#', 1}, {0x82, 0x06, 0, 1, 0, 1, '+', 1},
		append([]byte{0x82, 0x0d, 0, 1, 0, 8}, "inbox/+/#\x01"...), append([]byte{0x82, 0x0c, 0, 1, 0, 7}, "inbox/#\x01"...),
		append([]byte{0x82, 0x17, 0, 1, 0, 18}, "$share/g/inbox/2/2\x01"...), append([]byte{0x82, 0x0b, 0, 1, 0, 6}, "$SYS/#\x01"...),
		append([]byte{0x30, 0x0d, 0, 9}, "inbox/2/2hi"...), append([]byte{0x31, 0x0d, 0, 9}, "inbox/2/2hi"...), append([]byte{0x3d, 0x0f, 0, 9}, "inbox/2/2\x00\x01hi"...),
		{0x40, 2, 0, 1}, {0x50, 2, 0, 1}, {0x62, 2, 0, 1}, {0xc0, 0}, {0xe0, 0}, {0xf0, 0}, {0x10, 0xff, 0xff, 0xff, 0x7f}, {0x00}, {0x82, 0}, {0xa2, 5, 0, 1, 0, 1, '#'},
	} {
		f.Add(seed)
	}
	w := newWorld(f)
	b := w.embedded(Events{})
	victim, attacker := w.admit(b, w.session()), w.admit(b, w.session())
	heard := victim.listen(f, b.addr)
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := raw(t, b.addr)
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(40 * time.Millisecond)) // half a packet is waited for longer
		_, _ = c.Write(connectPacket(t, attacker, 30))
		_, _ = c.Write(sent)
		_, _ = c.Write([]byte{0xc0, 0}) // a ping: answered, unless the connection ended
		published := make(chan struct{})
		go func() {
			defer close(published)
			publishTo(b, victim.Grant)
		}()
		answer, _ := io.ReadAll(&untilPong{c})
		<-published
		if bytes.Contains(answer, []byte(secret)) {
			t.Fatalf("after %x it hears what was for another: %q", sent, answer)
		}
		if got := heard.next(t); got != secret {
			t.Fatalf("after %x the other hears %q", sent, got)
		}
	})
}

const secret = "for the victim only"

func publishTo(b Broker, g chat.Grant) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = b.Publish(ctx, deviceOf(g), []byte(secret))
}

// untilPong reads until the connection ends, or a moment after the broker answered the ping.
type untilPong struct {
	c interface {
		io.Reader
		SetDeadline(time.Time) error
	}
}

func (u *untilPong) Read(p []byte) (int, error) {
	n, err := u.c.Read(p)
	if bytes.Contains(p[:n], []byte{0xd0, 0}) {
		_ = u.c.SetDeadline(time.Now().Add(20 * time.Millisecond))
	}
	return n, err
}
