package realtime_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"doran/chat"
	"doran/realtime"

	"github.com/fasthttp/websocket"
)

// socket opens a WebSocket with exactly these headers.
func (n *node) socket(query url.Values, header http.Header) (*client, error) {
	n.t.Helper()
	ws, err := n.dialer(query, header)
	if err != nil {
		return nil, err
	}
	c := &client{t: n.t, kind: "websocket"}
	c.use(ws)
	n.t.Cleanup(c.close)
	return c, nil
}

func TestWebSocketCredentials(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	for _, sc := range []struct {
		name   string
		query  url.Values
		header http.Header
		want   int // 0: let in; a status before the upgrade; a close code after it
	}{
		{"header", nil, http.Header{"Authorization": {"Bearer " + p.token}}, 0},
		{"header in lower case", nil, http.Header{"Authorization": {"bearer " + p.token}}, 0},
		{"subprotocols", nil, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer." + p.token}}, 0},
		{"subprotocols the other way round", nil, http.Header{"Sec-WebSocket-Protocol": {"bearer." + p.token + ",doran"}}, 0},
		{"nothing", nil, nil, 401},
		{"a token in the URL", url.Values{"token": {p.token}, "access_token": {p.token}}, nil, 401},
		{"another scheme", nil, http.Header{"Authorization": {"Basic " + p.token}}, 401},
		{"a header without a token", nil, http.Header{"Authorization": {"Bearer "}}, 401},
		{"two headers", nil, http.Header{"Authorization": {"Bearer " + p.token, "Bearer " + p.token}}, 401},
		{"a wrong header", nil, http.Header{"Authorization": {"Bearer nonsense"}}, 401},
		{"a wrong subprotocol", nil, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer.nonsense"}}, 4401},
		{"an empty subprotocol", nil, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer."}}, 4401},
		{"only the name of the protocol", nil, http.Header{"Sec-WebSocket-Protocol": {"doran"}}, 401},
		{"a wrong ticket", url.Values{"ticket": {"nonsense"}}, nil, 4401},
		{"a wrong header and a good subprotocol", nil, http.Header{"Authorization": {"Bearer nonsense"}, "Sec-WebSocket-Protocol": {"doran, bearer." + p.token}}, 401},
		{"header, and no cursor", url.Values{"after": {"x"}}, http.Header{"Authorization": {"Bearer " + p.token}}, 422},
		{"header, and an empty cursor", url.Values{"after": {""}}, http.Header{"Authorization": {"Bearer " + p.token}}, 422},
		{"subprotocol, and no cursor", url.Values{"after": {"x"}}, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer." + p.token}}, 4422},
		{"subprotocol, and an empty cursor", url.Values{"after": {""}}, http.Header{"Sec-WebSocket-Protocol": {"doran, bearer." + p.token}}, 4422},
	} {
		c, err := n.socket(sc.query, sc.header)
		if err == nil {
			_, err = c.next()
		}
		if got := ending(err); got != sc.want || (sc.want == 0) != (err == nil) {
			t.Errorf("%s: %v, want %d", sc.name, err, sc.want)
		}
	}
}

// The server selects doran, and never the subprotocol with the token.
func TestWebSocketSelectsItsProtocol(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	ws, err := n.dialer(nil, http.Header{"Sec-WebSocket-Protocol": {"bearer." + p.token + ", doran"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	if ws.Subprotocol() != "doran" {
		t.Errorf("selected %q", ws.Subprotocol())
	}
}

func TestWebSocketOrigin(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).nodeWith(realtime.Config{Origins: []string{"https://chat.example", "http://localhost:5173/"}})
	p := n.person()
	for origin, allowed := range map[string]bool{
		"":                                  true,
		"http://" + n.host:                  true,
		"https://" + n.host:                 true, // behind a proxy that ends TLS
		"https://chat.example":              true,
		"HTTPS://Chat.Example":              true,
		"http://localhost:5173":             true,
		"http://chat.example":               false,
		"https://chat.example:8443":         false,
		"https://chat.example.evil.test":    false,
		"https://evil.test":                 false,
		"https://evil.test/" + n.host:       false,
		"https://" + n.host + ".evil.test":  false,
		"https://evil.test@" + n.host + "x": false,
		"ftp://" + n.host:                   false,
		"null":                              false,
		"%":                                 false,
	} {
		header := http.Header{"Authorization": {"Bearer " + p.token}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		_, err := n.socket(nil, header)
		if allowed && err != nil || !allowed && ending(err) != 403 {
			t.Errorf("origin %q: %v, want allowed %v", origin, err, allowed)
		}
	}
}

func TestWebSocketWithoutUpgrade(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	if got := n.get("/realtime/ws", "").StatusCode; got != 401 {
		t.Errorf("without a token: %d, want 401", got)
	}
	answer := n.get("/realtime/ws", p.token)
	if answer.StatusCode != 426 || answer.Header.Get("Upgrade") != "websocket" {
		t.Errorf("without an upgrade: %d, Upgrade %q; want 426, websocket", answer.StatusCode, answer.Header.Get("Upgrade"))
	}
}

// The eleventh socket of a token ends the oldest, of another token or another transport none.
func TestTooManyOfAToken(t *testing.T) {
	t.Parallel()
	for kind, limit := range map[string]int{"websocket": 10, "sse": 10} {
		n := onEmbedded(t).node()
		p := n.person()
		var clients []*client
		for range limit + 1 {
			c := n.follow(kind, p, "")
			c.take()
			clients = append(clients, c)
		}
		if got, want := clients[0].end(), map[string]int{"websocket": 4409, "sse": 0}[kind]; got != want {
			t.Errorf("%s: the oldest ended with %d, want %d", kind, got, want)
		}
		eventually(t, "one has left", func() bool { return n.count("doran_realtime_connections", kind) == float64(limit) })
		if got := n.count("doran_realtime_disconnects_total", "too_many"); got != 1 {
			t.Errorf("%s: %v were ended, want 1", kind, got)
		}
	}
}

// What clients send is passed over; a message over 4 KiB, also one in parts, ends the socket, and the client gets to know why.
func TestWhatClientsSend(t *testing.T) {
	t.Parallel()
	n := onEmbedded(t).node()
	p := n.person()
	dial := func() *websocket.Conn {
		ws, err := n.dialer(nil, http.Header{"Authorization": {"Bearer " + p.token}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.Close() })
		return ws
	}
	ws := dial()
	pong := make(chan string, 1)
	ws.SetPongHandler(func(s string) error { pong <- s; return nil })
	for _, m := range []struct {
		kind int
		data []byte
	}{{websocket.TextMessage, []byte(`{"hello":1}`)}, {websocket.TextMessage, []byte("\xff")}, {websocket.BinaryMessage, make([]byte, 4<<10)}, {websocket.PingMessage, []byte("here")}} {
		if err := ws.WriteMessage(m.kind, m.data); err != nil {
			t.Fatal(err)
		}
	}
	reader := &client{t: t, kind: "websocket"}
	reader.use(ws)
	reader.take()
	n.server.Announce(ephemeral(p, "still there"))
	if b := reader.take(); len(b.Events) != 1 {
		t.Errorf("got %+v", b)
	}
	go func() { reader.end() }() // whatever else comes, so that the pong is read
	if got := <-pong; got != "here" {
		t.Errorf("pong %q", got)
	}

	for name, write := range map[string]func(*websocket.Conn) error{
		"at once":  func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.TextMessage, make([]byte, 4<<10+1)) },
		"far more": func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.BinaryMessage, make([]byte, 1<<20)) },
		"in parts": func(ws *websocket.Conn) error {
			w, err := ws.NextWriter(websocket.TextMessage)
			for i := 0; err == nil && i < 100; i++ {
				_, err = w.Write(make([]byte, 1000))
			}
			return err
		},
	} {
		c := &client{t: t}
		ws := dial()
		c.use(ws)
		go func() { _ = write(ws) }()
		if got := c.end(); got != 1009 {
			t.Errorf("%s: ended with %d, want 1009", name, got)
		}
	}
}

func ephemeral(to person, data any) chat.News {
	return chat.News{Ephemeral: []chat.Ephemeral{{Type: chat.Typing, ChatID: 7, At: chat.At(time.Now()), Data: data, To: []int64{to.id}}}}
}

// A client that does not read is not waited for: its connection ends, and it is counted as too slow.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"websocket", "sse"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := onEmbedded(t)
			s.timing = realtime.Timing{Write: 200 * time.Millisecond}
			n := s.node()
			p := n.person()
			conn := n.deaf(kind, p)
			defer func() { _ = conn.Close() }()
			eventually(t, "it is connected", func() bool { return n.count("doran_realtime_connections", kind) == 1 })
			big := strings.Repeat("x", 1<<20)
			eventually(t, "it is ended", func() bool {
				n.server.Announce(ephemeral(p, big))
				return n.count("doran_realtime_disconnects_total", "too_slow") == 1
			})
			eventually(t, "it has left", func() bool { return n.count("doran_realtime_connections", kind) == 0 })
		})
	}
}

// deaf opens a connection whose other side never reads.
func (n *node) deaf(kind string, p person) net.Conn {
	n.t.Helper()
	conn, err := net.Dial("tcp", n.host)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		n.t.Fatal(err)
	}
	upgrade := ""
	path := "/realtime/sse"
	if kind == "websocket" {
		path = "/realtime/ws"
		upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n", path, n.host, p.token, upgrade); err != nil {
		n.t.Fatal(err)
	}
	return conn
}

// After some silence there is a ping and an empty batch; who does not answer pings is not there any more.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t)
	s.timing = realtime.Timing{Silence: 100 * time.Millisecond, Pong: 700 * time.Millisecond}
	n := s.node()
	p := n.person()
	ws, err := n.dialer(nil, http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		t.Fatal(err)
	}
	pings, answering := 0, true
	pong := ws.PingHandler()
	ws.SetPingHandler(func(s string) error {
		pings++
		if answering {
			return pong(s)
		}
		return nil
	})
	c := &client{t: t, kind: "websocket"}
	c.use(ws)
	for begin := time.Now(); time.Since(begin) < time.Second; {
		if b := c.take(); len(b.Events) != 0 || b.Gap {
			t.Fatalf("got %+v", b)
		}
	}
	if pings < 5 {
		t.Errorf("%d pings in a second, want about 10", pings)
	}
	answering = false
	if got := c.end(); got != 0 {
		t.Errorf("ended with %d", got)
	}
	eventually(t, "it is lost", func() bool { return n.count("doran_realtime_disconnects_total", "lost") == 1 })

	e := n.follow("sse", p, "")
	for range 3 {
		if b := e.take(); len(b.Events) != 0 || b.Gap {
			t.Fatalf("got %+v", b)
		}
	}
}

// Ephemeral events reach those who are connected, on every node, over WebSocket and SSE, and move no cursor.
func TestEphemeral(t *testing.T) {
	t.Parallel()
	settings(t, func(t *testing.T, s *setting) {
		w := s.world(t)
		for _, kind := range []string{"websocket", "sse"} {
			c := w.a.follow(kind, w.bob, "")
			at := c.take().Cursor
			for _, from := range []*node{w.a, w.b} {
				if err := from.service.SendTyping(t.Context(), w.ann.id, w.chat); err != nil {
					t.Fatal(err)
				}
				b := c.take()
				if len(b.Events) != 1 || b.Cursor != at {
					t.Fatalf("%s: got %+v, want one event at %s", kind, b, at)
				}
				e := b.Events[0]
				var data struct {
					UserID int64 `json:"user_id"`
				}
				if err := json.Unmarshal(e.Data, &data); err != nil || e.Type != chat.Typing || e.ID != "" || e.ChatID != w.chat || data.UserID != w.ann.id {
					t.Errorf("%s: got %+v, %v", kind, e, err)
				}
			}
		}
		poll := w.a.follow("poll", w.bob, w.start)
		taken := make(chan batch, 1)
		go func() { taken <- poll.take() }()
		w.open(w.a, "poll", 1)
		if err := w.a.service.SendTyping(t.Context(), w.ann.id, w.chat); err != nil {
			t.Fatal(err)
		}
		w.send(1)
		if b := <-taken; len(b.Events) != 1 || b.Events[0].Type != chat.MessageCreated {
			t.Errorf("a poll answered %+v, want the message alone", b)
		}
	})
}
