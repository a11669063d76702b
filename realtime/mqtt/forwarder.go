package mqtt

import (
	"context"
	"embed"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
	"doran/realtime/work"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Timing is how long things take. Fields that are 0 are those of DefaultTiming.
type Timing struct {
	Lease time.Duration // of a user who is being carried, renewed while that lasts: 5 s
	Idle  time.Duration // after which another node looks at what a node was given and has not finished: 5 s
	Pass  time.Duration // between two passes over all grants, at least: 10 s
}

// DefaultTiming is for everything but tests.
func DefaultTiming() Timing {
	return Timing{Lease: 5 * time.Second, Idle: 5 * time.Second, Pass: 10 * time.Second}
}

// Config is what a Forwarder is made of.
type Config struct {
	URL, WSURL string // what devices are told to connect to; WSURL may be empty
	Timing     Timing
	Log        *slog.Logger
}

// Forwarder carries inboxes to the broker, and looks after grants. It is made first, takes wake-ups and news from then on, and does
// nothing before Start.
type Forwarder struct {
	Config
	node    string
	service *chat.Service
	inbox   *inbox.Inbox
	broker  Broker
	work    *work.Stream
	metrics *metrics
	cancel  context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{} // users who are being carried
	woken   chan struct{} // of size one
	cutting chan struct{} // of size one

	mu      sync.Mutex
	waiting map[int64]bool // users to be put into the work stream; true: tell their devices where they stand
	jobs    map[int64]*job // by user
	ended   []int64        // tokens
	restate bool           // the broker may have lost what it had taken

	cleared time.Time // when pass last compared the broker's clients with the grants
}

// The bounds of a node.
const (
	maxCarried = 64        // users at once; each has one payload a grant on its way
	maxWaiting = 100_000   // users; more are found by the pass
	maxPayload = 128 << 10 // bytes: a bigger batch is sent in parts, below what brokers are set to take
	cursorTTL  = 7 * 24 * time.Hour
)

// NewForwarder makes a Forwarder.
func NewForwarder(c Config) *Forwarder {
	d := DefaultTiming()
	for _, f := range []struct{ have, other *time.Duration }{{&c.Timing.Lease, &d.Lease}, {&c.Timing.Idle, &d.Idle}, {&c.Timing.Pass, &d.Pass}} {
		if *f.have == 0 {
			*f.have = *f.other
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Forwarder{Config: c, node: strconv.FormatUint(rand.Uint64(), 36), metrics: newMetrics(), slots: make(chan struct{}, maxCarried),
		woken: make(chan struct{}, 1), cutting: make(chan struct{}, 1), waiting: map[int64]bool{}, jobs: map[int64]*job{}}
}

// Events are what the broker is to be opened with.
func (f *Forwarder) Events() Events {
	return Events{Arrived: func(user int64) { f.Wake([]int64{user}) }, Back: f.brokerBack}
}

// Start begins to forward. It waits for nothing: while Redis, the database or the broker is down, it tries again.
func (f *Forwarder) Start(service *chat.Service, in *inbox.Inbox, broker Broker) {
	f.service, f.inbox, f.broker = service, in, broker
	f.work = &work.Stream{Key: workKey, Group: workGroup, Node: f.node, Entries: workEntries, Redis: in.Client}
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	for _, run := range []func(context.Context){f.dispatch, f.takeWork, f.claim, f.pass, f.cut} {
		f.running.Go(func() { run(ctx) })
	}
}

// Close ends what Start began. What was not confirmed is published again by another node.
func (f *Forwarder) Close() {
	if f.cancel != nil {
		f.cancel()
		f.running.Wait()
	}
}

// Wake says that the inboxes of these users have grown, or that a foreground of theirs has ended. It does not block.
func (f *Forwarder) Wake(users []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, user := range users {
		if j := f.jobs[user]; j != nil {
			j.again = true
		} else if _, waits := f.waiting[user]; !waits && len(f.waiting) < maxWaiting {
			f.waiting[user] = false
		}
	}
	signal(f.woken)
}

// Announce hears of tokens that end: their grants are cut. It does not block.
func (f *Forwarder) Announce(n chat.News) {
	if len(n.EndedTokens) == 0 {
		return
	}
	f.mu.Lock()
	f.ended = append(f.ended, n.EndedTokens...)
	f.mu.Unlock()
	signal(f.cutting)
}

// Collectors are the forwarder's metrics.
func (f *Forwarder) Collectors() []prometheus.Collector { return f.metrics.all() }

func (f *Forwarder) redis() redis.UniversalClient { return f.inbox.Client() }

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

func cursorsKey(user int64) string { return "mqtt:{" + strconv.FormatInt(user, 10) + "}" }
func leaseKey(user int64) string   { return cursorsKey(user) + ":lease" }

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
	takeScript  = script("take")
	keepScript  = script("keep")
	moveScript  = script("move")
	freeScript  = script("free")
	beginScript = script("begin")
	lookScript  = script("look")
	dropScript  = script("drop")
)
