package push

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"doran/chat"

	"github.com/SherClockHolmes/webpush-go"
)

const (
	message    = `{"type":"sync"}`   // all that a push ever says
	collapse   = "sync"              // a later one takes the place of an earlier one
	timeToLive = 28 * 24 * time.Hour // the longest that FCM takes; it stays true until the device has polled
	maxAnswer  = 4 << 10             // bytes that are read of what a service says
)

// webPush speaks to the services that browsers choose: RFC 8030, with the encryption of RFC 8291 and VAPID of RFC 8292.
type webPush struct {
	subject string
	client  *http.Client
	key     func(context.Context) (*ecdh.PrivateKey, error)
}

func newWebPush(subject string, key func(context.Context) (*ecdh.PrivateKey, error)) *webPush {
	// The library puts mailto: before everything that is no https URL.
	return &webPush{subject: strings.TrimPrefix(subject, "mailto:"), client: outside(publicOnly), key: key}
}

// webPushKey asks the database for the key once.
func (s *Sender) webPushKey(ctx context.Context) (*ecdh.PrivateKey, error) {
	s.keyed.Lock()
	defer s.keyed.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	key, err := s.service.WebPushKey(ctx)
	s.key = key
	return key, err
}

func (w *webPush) host(t chat.PushTarget) string {
	u, err := url.Parse(t.Address)
	if err != nil {
		return t.Address
	}
	return u.Host
}

func (w *webPush) push(ctx context.Context, t chat.PushTarget) answer {
	key, err := w.key(ctx)
	if err != nil {
		return answer{result: isLater, detail: "This server's database does not answer."}
	}
	text := base64.RawURLEncoding
	res, err := webpush.SendNotificationWithContext(ctx, []byte(message),
		&webpush.Subscription{Endpoint: t.Address, Keys: webpush.Keys{P256dh: text.EncodeToString(t.P256dh), Auth: text.EncodeToString(t.Auth)}},
		&webpush.Options{HTTPClient: w.client, Subscriber: w.subject, Topic: collapse, TTL: int(timeToLive.Seconds()), Urgency: webpush.UrgencyHigh,
			VAPIDPublicKey: text.EncodeToString(key.PublicKey().Bytes()), VAPIDPrivateKey: text.EncodeToString(key.Bytes())})
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return w.read(res, said)
}

// read understands an answer: RFC 8030, section 5 to 8, and what Mozilla's, Google's, Apple's and Microsoft's services document.
func (w *webPush) read(res *http.Response, said []byte) answer {
	a := answer{detail: fmt.Sprintf("The service said %s. %s", res.Status, said)}
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return answer{result: isSent}
	case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusGone:
		a.result = isRemoved
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode == http.StatusRequestTimeout, res.StatusCode >= 500:
		a.result, a.after = isLater, retryAfter(res.Header)
	case res.StatusCode >= 300 && res.StatusCode < 400:
		a.result, a.detail = isRefused, fmt.Sprintf("The service said %s. Endpoints that lead elsewhere are not followed: subscribe anew.", res.Status)
	default:
		a.result = isRefused
	}
	return a
}

// unreachable is a service that could not be asked.
func unreachable(err error) answer {
	if errors.Is(err, errPrivate) {
		return answer{result: isRefused, detail: "The endpoint leads into a private network, where nothing is sent to."}
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return answer{result: isLater, detail: "The service did not answer in time."}
	}
	return answer{result: isLater, detail: "The service could not be reached."}
}

// retryAfter reads both forms of the header (RFC 9110, section 10.2.3), up to a day; 0 when it says nothing.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), 24*time.Hour)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), 24*time.Hour)
	}
	return 0
}
