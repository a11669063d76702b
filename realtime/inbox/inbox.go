// Package inbox keeps one Redis Stream for each user, `inbox:{42}`, in which the events of each chat stand once and in the
// order of their versions, and reads it from a [Cursor] that is valid on every transport and every node.
//
// The database is the truth, Redis holds what can be made again. What is committed stands in the outbox until every inbox
// that it concerns has it (publish.go). The script append.lua puts an event only right behind the version before it, so
// retries, several publishers and the sweep are harmless. An inbox that is missing, or of another epoch, is born from the
// versions in the database (birth.go), and whoever held a cursor of the old one is told of a gap. An epoch is one Redis
// with one past (epoch.go). Bodies stand once (body.go). What a user may be shown is decided when it is read (read.go).
package inbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"doran/chat"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// The bounds of what stands in Redis; docs/redis.md gives them to operators.
const (
	inboxEntries = 1000                // about so many are kept of an inbox
	inboxTTL     = 30 * 24 * time.Hour // after the last append
	bodyTTL      = 7 * 24 * time.Hour  // a missing body is read from the database
	fillTTL      = time.Minute         // of the word of who is about to fill a body
)

// Config is what an Inbox is made of.
type Config struct {
	Service  *chat.Service
	Redis    string              // redis://, rediss://; several hosts separated by commas are a cluster
	Embedded string              // names a Redis inside this process, which cannot name itself: another word at each start
	Wake     func(users []int64) // called when inboxes have grown; does not block; may be nil
	Log      *slog.Logger
	Sweep    time.Duration // how long an event may stand in the outbox before any node publishes it; 1 s when 0

	// Published is called with events that have reached every inbox, at least once for each; it does not block; may be nil.
	Published func(events []chat.Event)
}

// Inbox reads and publishes. Its methods are safe for concurrent use; the number of its Redis connections is bounded.
type Inbox struct {
	Config
	redis     *store
	epoch     *epoch
	publisher *publisher
	reader    *reader
	metrics   *metrics
	cancel    context.CancelFunc
	running   sync.WaitGroup
}

// Open starts the publisher and the sweep, also while Redis is down: sends go on, reads answer chat.CodeUnavailable until it
// is back. It fails for an address that is none. Close ends what it started.
func Open(c Config) (*Inbox, error) {
	if c.Sweep == 0 {
		c.Sweep = time.Second
	}
	if c.Wake == nil {
		c.Wake = func([]int64) {}
	}
	if c.Published == nil {
		c.Published = func([]chat.Event) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	in := &Inbox{Config: c, metrics: newMetrics(), cancel: cancel}
	in.epoch = newEpoch(in)
	var err error
	if in.redis, err = openStore(in); err != nil {
		cancel()
		return nil, err
	}
	in.publisher = newPublisher(in)
	in.reader = newReader(in)
	in.start(ctx, in.epoch.watch)
	in.start(ctx, in.epoch.clear)
	in.start(ctx, in.publisher.sweep)
	for i := range publishers {
		in.start(ctx, func(ctx context.Context) { in.publisher.run(ctx, i) })
	}
	for range readers {
		in.start(ctx, in.reader.run)
	}
	return in, nil
}

func (in *Inbox) start(ctx context.Context, run func(context.Context)) {
	in.running.Go(func() { run(ctx) })
}

// Close ends the publisher and the readers. What was not published stands in the outbox.
func (in *Inbox) Close() {
	in.cancel()
	in.running.Wait()
	in.redis.close()
}

// Client is the Redis client, for what else a node keeps there. Ask for it at each use: after a failover it is another one, and
// the one before is closed.
func (in *Inbox) Client() redis.UniversalClient { return in.redis.client() }

// Collectors are the inbox' metrics.
func (in *Inbox) Collectors() []prometheus.Collector { return in.metrics.all() }

// Publish hands over chats whose outbox has grown. It neither blocks nor fails: what it cannot publish is swept later.
func (in *Inbox) Publish(chatIDs []int64) { in.publisher.mark(chatIDs) }

// Read gives what follows the cursor: "" is now, "0" the oldest that is kept. It does not wait. The bool says that there is
// more already. A batch without events may still move the cursor: what it passed over is not for this user. Concurrent reads
// travel to Redis and the database together. Errors: chat.CodeValidation for what is no cursor of this user,
// chat.CodeUnavailable while Redis or the database is down, after some seconds at most, and the cause of ctx.
func (in *Inbox) Read(ctx context.Context, userID int64, after string) (Batch, bool, error) {
	return in.reader.read(ctx, userID, after)
}

func streamKey(user int64) string { return "inbox:{" + strconv.FormatInt(user, 10) + "}" }
func hashKey(user int64) string   { return streamKey(user) + ":chats" }
func inboxKeys(user int64) []string {
	return []string{streamKey(user), hashKey(user)}
}
func bodyKey(message int64) string { return "message:{" + strconv.FormatInt(message, 10) + "}" }

// random is n random bytes in hexadecimal.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
