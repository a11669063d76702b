package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fasthttp/websocket"
)

// stream is one connection that brings batches.
type stream struct {
	next  func(context.Context) (batch, error)
	close func()
}

// transport is a way to follow an inbox.
type transport struct {
	name string
	open func(ctx context.Context, n *node, d *device) (*stream, error)
}

// The transports, by number.
const (
	socket = iota
	poll
	sse
	background
)

var transports = []transport{
	{"websocket", func(ctx context.Context, n *node, d *device) (*stream, error) {
		return openSocket(ctx, n, d.token, d.cursor)
	}},
	{"poll", openPoll},
	{"sse", openSSE},
	{"mqtt", openMQTT},
}

func query(cursor string, more ...string) string {
	q := url.Values{}
	if cursor != "" {
		q.Set("after", cursor)
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "?" + q.Encode()
}

func openSocket(ctx context.Context, n *node, token, cursor string) (*stream, error) {
	dialer := websocket.Dialer{HandshakeTimeout: 4 * time.Second}
	ws, res, err := dialer.DialContext(ctx, "ws://"+n.front.addr+"/realtime/ws"+query(cursor), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		if res != nil {
			return nil, fmt.Errorf("refused with %d", res.StatusCode)
		}
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = ws.SetReadDeadline(time.Now()) })
	return &stream{
		next: func(context.Context) (b batch, err error) {
			err = ws.ReadJSON(&b)
			return b, err
		},
		close: func() { stop(); _ = ws.Close() },
	}, nil
}

func openPoll(_ context.Context, n *node, d *device) (*stream, error) {
	at := d.cursor
	return &stream{
		close: func() {},
		next: func(ctx context.Context) (b batch, err error) {
			a := n.askFor(ctx, d.token, "GET", "/realtime/poll"+query(at, "wait", "2"), nil)
			if a.status != http.StatusOK {
				return b, fmt.Errorf("%v", a)
			}
			if err = json.Unmarshal(a.body, &b); err == nil {
				at = b.Cursor
			}
			return b, err
		},
	}, nil
}

func openSSE(ctx context.Context, n *node, d *device) (*stream, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", n.url()+"/realtime/sse"+query(d.cursor), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("refused with %d", res.StatusCode)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	return &stream{
		close: func() { _ = res.Body.Close() },
		next: func(context.Context) (b batch, err error) {
			for lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
					err = json.Unmarshal([]byte(data), &b)
					return b, err
				}
			}
			return b, errors.Join(errors.New("the stream ended"), lines.Err())
		},
	}, nil
}
