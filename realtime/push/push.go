package push

import (
	"context"
	"crypto/ecdh"
	"embed"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"doran/chat"
	"doran/realtime/presence"
	"doran/realtime/work"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Config is what a Sender is made of.
type Config struct {
	FCMCredentials string // the file of a service account; "": nothing is sent to FCM
	FCMEndpoint    string // "": https://fcm.googleapis.com/v1
	WebPushSubject string // whom a Web Push service may write to, a mail address or an https URL; Apple's wants one
	Timing         Timing
	Log            *slog.Logger
}

// Timing is how long things take. Fields that are 0 are those of DefaultTiming.
type Timing struct {
	Outstanding time.Duration // that a device is left alone after a push unless it polls: 1 h
	Claim       time.Duration // within which a push is sent, or another node may: 30 s; longer than Call
	Idle        time.Duration // after which another node takes what a node was given and has not finished: 90 s; longer than Claim, which is over by then
	Backoff     time.Duration // before a service is asked again the first time, unless it says when: 10 s
	Look        time.Duration // between two looks at what is to be sent again: 1 s
	Call        time.Duration // that a service may take: 10 s
}

// DefaultTiming is for everything but tests.
func DefaultTiming() Timing {
	return Timing{Outstanding: time.Hour, Claim: 30 * time.Second, Idle: 90 * time.Second, Backoff: 10 * time.Second, Look: time.Second, Call: 10 * time.Second}
}

func (t Timing) orDefault() Timing {
	d := DefaultTiming()
	for _, f := range []struct{ have, other *time.Duration }{
		{&t.Outstanding, &d.Outstanding}, {&t.Claim, &d.Claim}, {&t.Idle, &d.Idle}, {&t.Backoff, &d.Backoff}, {&t.Look, &d.Look}, {&t.Call, &d.Call},
	} {
		if *f.have == 0 {
			*f.have = *f.other
		}
	}
	return t
}

// Sender wakes devices up. It is made first, takes news from then on, and sends nothing before Start.
type Sender struct {
	Config
	service  *chat.Service
	redis    func() redis.UniversalClient
	work     *work.Stream
	services map[string]service // by the kind of device
	pauses   *pauses
	metrics  *metrics
	cancel   context.CancelFunc
	running  sync.WaitGroup
	batches  chan struct{} // those in work
	calls    chan struct{} // of services, on their way
	news     chan struct{} // of size one

	mu      sync.Mutex
	waiting map[task]struct{}  // for the work stream
	entered map[visit]struct{} // to be written down

	keyed sync.Mutex
	key   *ecdh.PrivateKey // of Web Push, once it was asked for
}

// visit is a token that connected.
type visit struct{ user, token int64 }

// The bounds of a node.
const (
	maxBatches = 8       // of entries of the work stream
	perBatch   = 16      // entries
	maxCalls   = 64      // of services, at once
	maxWaiting = 100_000 // entries that wait for Redis; more are dropped and counted
	perRound   = 500     // of what waits, in one pipeline
)

// New makes a Sender. It fails for credentials that cannot be used.
func New(c Config) (*Sender, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Timing = c.Timing.orDefault()
	s := &Sender{Config: c, services: map[string]service{}, pauses: newPauses(), metrics: newMetrics(), batches: make(chan struct{}, maxBatches),
		calls: make(chan struct{}, maxCalls), news: make(chan struct{}, 1), waiting: map[task]struct{}{}, entered: map[visit]struct{}{}}
	s.services[chat.KindWebPush] = newWebPush(c.WebPushSubject, s.webPushKey)
	if c.FCMCredentials != "" {
		f, err := newFCM(c.FCMCredentials, c.FCMEndpoint, c.Log)
		if err != nil {
			return nil, err
		}
		s.services[chat.KindFCM] = f
	}
	return s, nil
}

// Start begins to send. It waits for nothing: while Redis or the database is down, it tries again.
func (s *Sender) Start(service *chat.Service, client func() redis.UniversalClient) {
	s.service, s.redis = service, client
	s.work = &work.Stream{Key: "push:work", Group: "senders", Node: strconv.FormatUint(rand.Uint64(), 36), Entries: maxWaiting, Redis: client}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	for _, run := range []func(context.Context){s.dispatch, s.takeWork, s.takeOver, s.sendLater} {
		s.running.Go(func() { run(ctx) })
	}
}

// Close ends what Start began. What was not sent is handed to other nodes, or to this one when it starts again.
func (s *Sender) Close() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.dispatchAll(ctx)
}

// Published hears of events that have reached the inboxes. It does not block.
func (s *Sender) Published(events []chat.Event) {
	for _, e := range events {
		if t, wakes := taskOf(e); wakes {
			s.add(t)
		}
	}
}

// Ended hears of users of whom a device was connected and is no longer: what came meanwhile may not have reached it. It does not block.
func (s *Sender) Ended(users []int64) {
	for _, user := range users {
		s.add(task{user: user})
	}
}

// Entered hears of a token that connected: what its devices were woken up for they now get. It does not block.
func (s *Sender) Entered(user, token int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entered) < maxWaiting {
		s.entered[visit{user, token}] = struct{}{}
	}
	signal(s.news)
}

func (s *Sender) add(t task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == maxWaiting {
		s.metrics.dropped.Inc()
		return
	}
	s.waiting[t] = struct{}{}
	signal(s.news)
}

// Collectors are the sender's metrics.
func (s *Sender) Collectors() []prometheus.Collector { return s.metrics.all() }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// sleep waits, and says whether ctx still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func stateKey(user int64) string { return "push:{" + strconv.FormatInt(user, 10) + "}" }
func inboxKey(user int64) string { return "inbox:{" + strconv.FormatInt(user, 10) + "}" }

// stateTTL is how long what is owed to a device that stays connected is remembered after the last event.
const stateTTL = 7 * 24 * time.Hour

func stateKeys(user int64) []string {
	return []string{stateKey(user), presence.Key(user), inboxKey(user)}
}

//go:embed scripts/*.lua
var scriptFiles embed.FS

func script(name string) *redis.Script {
	b, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is embedded
	}
	return redis.NewScript(string(b))
}

var (
	claimScript  = script("claim")
	settleScript = script("settle")
	enterScript  = script("enter")
	owedScript   = script("owed")
	logScript    = script("log")
)
