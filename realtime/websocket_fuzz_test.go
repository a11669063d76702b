package realtime_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Whatever bytes a client sends on its socket, it is passed over or the socket ends; nobody else notices, and nothing is answered
// but frames.
func FuzzWebSocketFrames(f *testing.F) {
	for _, seed := range []string{
		"\x81\x80\x00\x00\x00\x00",                                                 // an empty text
		"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e",                             // a masked one
		"\x81\x05hello",                                                            // not masked
		"\x82\x80\x00\x00\x00\x00",                                                 // binary
		"\x89\xfe\x00\x7e\x00\x00\x00\x00",                                         // a ping over 125 bytes
		"\x88\x82\x00\x00\x00\x00\x03\xe8",                                         // close 1000
		"\x88\x81\x00\x00\x00\x00\x03",                                             // a close of one byte
		"\x88\x82\x00\x00\x00\x00\x00\x00",                                         // close 0
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",                 // 2^63 bytes
		"\x01\x80\x00\x00\x00\x00\x89\x80\x00\x00\x00\x00\x80\x80\x00\x00\x00\x00", // fragments, and a ping between
		"\x80\x80\x00\x00\x00\x00",                                                 // a continuation of nothing
		"\xc1\x80\x00\x00\x00\x00",                                                 // RSV1
		"\x83\x80\x00\x00\x00\x00",                                                 // a reserved opcode
		"\x81\xfe\x10\x01\x00\x00\x00\x00",                                         // 4 KiB and one
		"\x81\x82\x00\x00\x00\x00\xff\xfe",                                         // no UTF-8
		"GET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	n := onEmbedded(f).node()
	p, witness := n.person(), n.person()
	f.Fuzz(func(t *testing.T, sent []byte) {
		c, r := n.upgraded(t, p)
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Write(sent); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		readFrames(t, r)
		req, _ := http.NewRequest("GET", "http://"+n.host+"/realtime/poll", nil)
		req.Header.Set("Authorization", "Bearer "+witness.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("after it, another client is answered with %+v, %v", res, err)
		}
		_ = res.Body.Close()
	})
}

// upgraded is a connection after the upgrade, without a library that would refuse what the fuzzer sends.
func (n *node) upgraded(t *testing.T, p person) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", n.host)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(c, "GET /realtime/ws HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", n.host, p.token)
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade is answered with %+v, %v", res, err)
	}
	return c, r
}

// readFrames reads until the server ends the connection: whole frames, not masked, of known kinds, of small size.
func readFrames(t *testing.T, r *bufio.Reader) {
	for {
		first, err := r.ReadByte()
		if err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Error("the server keeps a connection that its client has ended")
			}
			return
		}
		size, err := r.ReadByte()
		if err != nil {
			return // it ended in the middle: the client may see that of any connection
		}
		length := int64(size & 0x7f)
		if length == 126 {
			high, _ := r.ReadByte()
			low, _ := r.ReadByte()
			length = int64(high)<<8 | int64(low)
		}
		if opcode := first & 0x0f; first&0x70 != 0 || size&0x80 != 0 || opcode != 1 && opcode < 8 || length > 1<<14 {
			t.Fatalf("the server sends a frame that begins with %02x %02x", first, size)
		}
		_, _ = io.CopyN(io.Discard, r, length)
	}
}
