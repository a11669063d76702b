package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// answer is what a request came to. Without a status nobody knows whether it was done.
type answer struct {
	status  int
	code    string // of a problem
	body    []byte
	refused bool // no connection: it was certainly not done
	took    time.Duration
}

func (a answer) known() bool { return a.status != 0 && a.status < 500 }

func (a answer) String() string {
	if a.status == 0 {
		return fmt.Sprintf("no answer in %v", a.took.Round(time.Millisecond))
	}
	return fmt.Sprintf("%d %s in %v", a.status, a.code, a.took.Round(time.Millisecond))
}

var client = &http.Client{
	Timeout: 90 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 20 * time.Second,
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext},
}

// ask sends one request to a node, and waits for the answer as long as an impatient app does.
func (n *node) ask(ctx context.Context, token, method, path string, body any) answer {
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	return n.askFor(ctx, token, method, path, body)
}

func (n *node) askFor(ctx context.Context, token, method, path string, body any) (a answer) {
	start := time.Now()
	defer func() { a.took = time.Since(start) }()
	var sent io.Reader
	if body != nil {
		text, _ := json.Marshal(body)
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.url()+path, sent)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		var op *net.OpError
		a.refused = asOp(err, &op) && op.Op == "dial"
		return a
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}
	}
	a.status, a.body = res.StatusCode, text
	if res.StatusCode >= 400 {
		var problem struct{ Code string }
		_ = json.Unmarshal(text, &problem)
		a.code = problem.Code
	}
	return a
}

// persist asks nodes, one after the other, until one answers.
func (w *town) persist(ctx context.Context, token, method, path string, body any) answer {
	for {
		a := w.node().ask(ctx, token, method, path, body)
		if a.known() && a.status != http.StatusTooManyRequests || ctx.Err() != nil {
			return a
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func decode[T any](a answer) (v T) {
	_ = json.Unmarshal(a.body, &v)
	return v
}
