package realtime_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"doran/chat"

	"github.com/fasthttp/websocket"
)

// transports are the three ways of this package, by name.
var transports = []string{"websocket", "sse", "poll"}

// batch is one as it stands on the wire.
type batch struct {
	After  string  `json:"after"`
	Gap    bool    `json:"gap"`
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}

type event struct {
	ID      string          `json:"id"`
	Type    chat.EventType  `json:"type"`
	ChatID  int64           `json:"chat_id"`
	Version int64           `json:"version"`
	Data    json.RawMessage `json:"data"`
}

// client follows an inbox over one transport, and keeps its cursor.
type client struct {
	t      testing.TB
	kind   string
	cursor string
	next   func() (batch, error) // waits up to ten seconds
	close  func()
}

// refusal is an answer instead of a connection.
type refusal struct{ status int }

func (r refusal) Error() string { return fmt.Sprintf("refused with %d", r.status) }

// connect opens the transport; without after it starts at now.
func (n *node) connect(kind string, p person, after string) (*client, error) {
	query := url.Values{}
	if after != "" {
		query.Set("after", after)
	}
	c := &client{t: n.t, kind: kind, cursor: after}
	header := http.Header{"Authorization": {"Bearer " + p.token}}
	var err error
	switch kind {
	case "websocket":
		err = c.dial(n, query, header)
	case "sse":
		err = c.listen(n, query, header)
	case "poll":
		c.poll(n, query, header)
	}
	if err == nil {
		n.t.Cleanup(c.close)
	}
	return c, err
}

// follow is connect for who must get in.
func (n *node) follow(kind string, p person, after string) *client {
	n.t.Helper()
	c, err := n.connect(kind, p, after)
	if err != nil {
		n.t.Fatalf("%s: %v", kind, err)
	}
	return c
}

func (n *node) dialer(query url.Values, header http.Header) (*websocket.Conn, error) {
	ws, answer, err := websocket.DefaultDialer.Dial("ws://"+n.host+"/realtime/ws?"+query.Encode(), header)
	if err != nil && answer != nil {
		return nil, refusal{answer.StatusCode}
	}
	return ws, err
}

func (c *client) dial(n *node, query url.Values, header http.Header) error {
	ws, err := n.dialer(query, header)
	if err != nil {
		return err
	}
	c.use(ws)
	return nil
}

func (c *client) use(ws *websocket.Conn) {
	c.close = func() { _ = ws.Close() }
	c.next = func() (b batch, err error) {
		if err := ws.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return b, err
		}
		err = ws.ReadJSON(&b)
		return b, err
	}
}

func (c *client) listen(n *node, query url.Values, header http.Header) error {
	answer, err := c.ask(n, "/realtime/sse?"+query.Encode(), header)
	if err != nil {
		return err
	}
	body := bufio.NewReader(answer.Body)
	c.close = func() { _ = answer.Body.Close() }
	c.next = func() (b batch, err error) {
		timeout := time.AfterFunc(10*time.Second, c.close)
		defer timeout.Stop()
		var id string
		for {
			line, err := body.ReadString('\n')
			if err != nil {
				return b, err
			}
			field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch field {
			case "id":
				id = value
			case "data":
				err = json.Unmarshal([]byte(value), &b)
			case "":
				if id != b.Cursor {
					err = fmt.Errorf("id %q is not the cursor %q", id, b.Cursor)
				}
				return b, err
			default:
				return b, fmt.Errorf("unexpected line %q", line)
			}
			if err != nil {
				return b, err
			}
		}
	}
	return nil
}

func (c *client) poll(n *node, query url.Values, header http.Header) {
	c.close = func() {}
	if !query.Has("wait") {
		query.Set("wait", "2")
	}
	c.next = func() (b batch, err error) {
		if c.cursor != "" {
			query.Set("after", c.cursor)
		}
		answer, err := c.ask(n, "/realtime/poll?"+query.Encode(), header)
		if err != nil {
			return b, err
		}
		defer func() { _ = answer.Body.Close() }()
		return b, json.NewDecoder(answer.Body).Decode(&b)
	}
}

func (c *client) ask(n *node, path string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequest(http.MethodGet, "http://"+n.host+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header = header
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, refusal{answer.StatusCode}
	}
	return answer, nil
}

// take is the next batch; it must follow where the client stands.
func (c *client) take() batch {
	c.t.Helper()
	b, err := c.next()
	if err != nil {
		c.t.Fatalf("%s: %v", c.kind, err)
	}
	switch {
	case b.Cursor == "" || b.Events == nil:
		c.t.Fatalf("%s: a batch without cursor or events: %+v", c.kind, b)
	case b.Gap && (b.After != "" || len(b.Events) > 0):
		c.t.Fatalf("%s: a gap follows nothing and brings nothing: %+v", c.kind, b)
	case !b.Gap && c.cursor != "" && b.After != c.cursor:
		c.t.Fatalf("%s: a batch after %q for a client at %q", c.kind, b.After, c.cursor)
	}
	c.cursor = b.Cursor
	return b
}

// events takes batches until there are so many kept events.
func (c *client) events(n int) []event {
	c.t.Helper()
	var got []event
	for len(got) < n {
		b := c.take()
		if b.Gap {
			c.t.Fatalf("%s: a gap after %d events", c.kind, len(got))
		}
		for _, e := range b.Events {
			if e.ID != "" {
				got = append(got, e)
			}
		}
	}
	return got
}

// texts are the contents of the next n messages.
func (c *client) texts(n int) []string {
	c.t.Helper()
	var texts []string
	for len(texts) < n {
		for _, e := range c.events(1) {
			if e.Type == chat.MessageCreated {
				texts = append(texts, text(c.t, e))
			}
		}
	}
	return texts
}

// textsUntil are the contents of messages up to this one.
func (c *client) textsUntil(last string) []string {
	c.t.Helper()
	texts := c.texts(1)
	for texts[len(texts)-1] != last {
		texts = append(texts, c.texts(1)...)
	}
	return texts
}

func text(t testing.TB, e event) string {
	t.Helper()
	var m chat.Message
	if err := json.Unmarshal(e.Data, &m); err != nil {
		t.Fatal(err)
	}
	return m.Content
}

// ending is the close code or the status with which a client is sent away; 0 when the connection just ended.
func ending(err error) int {
	var closed *websocket.CloseError
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return refused.status
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return closed.Code
	default:
		return 0
	}
}

// end takes batches until the connection ends.
func (c *client) end() int {
	c.t.Helper()
	for {
		b, err := c.next()
		if err != nil {
			return ending(err)
		}
		c.cursor = b.Cursor
	}
}
