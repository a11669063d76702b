package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"doran/chat"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
)

const (
	fcmScope = "https://www.googleapis.com/auth/firebase.messaging"
	fcmQuota = time.Minute // the pause after a 429 that names none, as FCM's documentation asks for
)

// fcm speaks to Firebase Cloud Messaging through Google's own library, HTTP v1.
type fcm struct {
	client *messaging.Client
	log    *slog.Logger
}

// newFCM reads the file of a service account. It calls nobody.
func newFCM(file, endpoint string, log *slog.Logger) (*fcm, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the credentials of FCM cannot be read: %w", err)
	}
	var account struct {
		ProjectID string `json:"project_id"`
	}
	credentials, err := google.JWTConfigFromJSON(data, fcmScope)
	if err == nil {
		err = json.Unmarshal(data, &account)
	}
	if err == nil && (account.ProjectID == "" || credentials.Email == "" || len(credentials.PrivateKey) == 0) {
		err = errors.New("it lacks project_id, client_email or private_key")
	}
	if err != nil {
		return nil, fmt.Errorf("the credentials of FCM in %s are no key file of a service account; make one in the Firebase console: %w", file, err)
	}
	calls := &http.Client{Timeout: 10 * time.Second}
	tokens := credentials.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, calls))
	transport := onlyOnce{&oauth2.Transport{Source: tokens}}
	options := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: transport})}
	if endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(endpoint, "/")))
	}
	app, err := firebase.NewApp(context.Background(), &firebase.Config{ProjectID: account.ProjectID}, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing FCM: %w", err)
	}
	client, err := app.Messaging(context.Background())
	if err != nil {
		return nil, fmt.Errorf("preparing FCM: %w", err)
	}
	return &fcm{client, log}, nil
}

func (f *fcm) host(chat.PushTarget) string { return "fcm" }

func (f *fcm) push(ctx context.Context, t chat.PushTarget) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := &outcome{cancel: cancel}
	ttl := timeToLive
	_, err := f.client.Send(context.WithValue(ctx, outcomeKey{}, o), &messaging.Message{
		Token:   t.Address,
		Data:    map[string]string{"type": collapse},
		Android: &messaging.AndroidConfig{CollapseKey: collapse, Priority: "high", TTL: &ttl},
		APNS: &messaging.APNSConfig{
			Headers: map[string]string{"apns-push-type": "background", "apns-priority": "5", "apns-collapse-id": collapse},
			Payload: &messaging.APNSPayload{Aps: &messaging.Aps{ContentAvailable: true}},
		},
	})
	if err == nil {
		return answer{result: isSent}
	}
	return f.read(o, err)
}

// read understands an error, by https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode.
func (f *fcm) read(o *outcome, err error) answer {
	var token *oauth2.RetrieveError
	if errors.As(o.err, &token) {
		f.log.Warn("push: FCM's token server refuses the service account of DORAN_FCM_CREDENTIALS", "err", oneLine(o.err.Error()))
		return answer{result: isLater, detail: "This server cannot prove itself to FCM. Its operator finds the cause in its log."}
	}
	if o.status == 0 {
		return unreachable(errors.Join(o.err, err))
	}
	a := answer{detail: fmt.Sprintf("FCM said %d %s", o.status, o.said())}
	switch {
	case messaging.IsUnregistered(err), messaging.IsInvalidArgument(err) && o.namesToken():
		a.result = isRemoved
	case o.status == http.StatusTooManyRequests:
		if a.result, a.after = isLater, retryAfter(o.header); a.after == 0 {
			a.after = fcmQuota
		}
	case o.status >= 500:
		a.result, a.after = isLater, retryAfter(o.header)
	default: // another project's token, credentials without the right, a certificate of Apple's that is missing
		a.result = isRefused
		f.log.Warn("push: FCM refuses", "status", o.status, "said", oneLine(o.said()))
	}
	return a
}

// outcome is what came back of one call, beside what the library makes of it.
type outcome struct {
	cancel context.CancelFunc
	status int
	header http.Header
	body   []byte
	err    error
}

type outcomeKey struct{}

// said is the error in FCM's words.
func (o *outcome) said() string {
	var e struct {
		Error struct {
			Status  string
			Message string
			Details []struct{ ErrorCode string }
		}
	}
	if json.Unmarshal(o.body, &e) != nil || e.Error.Status == "" {
		return string(o.body)
	}
	word := e.Error.Status
	for _, d := range e.Error.Details {
		if d.ErrorCode != "" {
			word = d.ErrorCode
		}
	}
	return word + ": " + e.Error.Message
}

// namesToken says whether INVALID_ARGUMENT is about the registration token. It can be about anything else in a message too, and then
// the device is not to be blamed.
func (o *outcome) namesToken() bool {
	return bytes.Contains(o.body, []byte(`"message.token"`)) || bytes.Contains(o.body, []byte("not a valid FCM registration token"))
}

// onlyOnce keeps the library from asking again by itself: it would hold one of few places for as long as the service wishes, and nobody would
// see it in the log. It tries again on 503 and when there is no answer, so then the call is cancelled.
type onlyOnce struct{ http.RoundTripper }

func (t onlyOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	o, _ := r.Context().Value(outcomeKey{}).(*outcome)
	res, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		o.err = err
		o.cancel()
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close()
	o.status, o.header, o.body, o.err = res.StatusCode, res.Header, body, err
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.StatusCode == http.StatusServiceUnavailable {
		o.cancel()
	}
	return res, nil
}
