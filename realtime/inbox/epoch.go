package inbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"doran/internal/failpoint"

	"github.com/redis/go-redis/v9"
)

// epoch knows which Redis the inboxes stand in. The database has one row: a number, and the identities (run id and replication id) of the
// masters that belong to it. Every new connection is asked who it leads to before anything else is said on it; one that the
// row does not know has another past than the inboxes of this epoch, so a new epoch begins: every older inbox is born again
// and every older cursor is a gap. Each script compares the epoch that its inbox was born in with the caller's.
//
// A Redis that was only emptied keeps its epoch: its inboxes are gone, and births give new cursors.
type epoch struct {
	in *Inbox

	mu     sync.Mutex
	number int64           // 0 until known
	redis  []string        // identities of the epoch
	seen   map[string]bool // identities that this node's connections lead to

	moved chan struct{} // to an epoch that is not the first: what stands of older ones is to be cleared away
}

// epochMasters bounds the identities of one epoch: masters of a cluster, those replaced included until a later epoch drops them.
const epochMasters = 64

func newEpoch(in *Inbox) *epoch {
	return &epoch{in: in, seen: map[string]bool{}, moved: make(chan struct{}, 1)}
}

// now is the number of the epoch that this node works in; it asks Redis and the database when none is known yet.
func (e *epoch) now(ctx context.Context) (int64, error) {
	e.mu.Lock()
	n := e.number
	e.mu.Unlock()
	if n != 0 {
		return n, nil
	}
	if err := e.in.redis.client().Ping(ctx).Err(); err != nil { // connects, which agrees
		return 0, unavailable(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.number == 0 {
		return 0, unavailable(errors.New("no epoch is agreed on yet"))
	}
	return e.number, nil
}

// onConnect runs on each new connection before it is used.
func (e *epoch) onConnect(ctx context.Context, conn *redis.Conn) error {
	id, before, err := e.identify(ctx, conn)
	if err != nil {
		return err
	}
	return e.agree(ctx, id, before)
}

// identify names the Redis at the other end, and the past that it took over from another one when it was promoted. The run id alone would not do: a master that was demoted and promoted again keeps it,
// and lacks what its successor took meanwhile; its replication id is another one then.
func (e *epoch) identify(ctx context.Context, conn *redis.Conn) (id, before string, err error) {
	if e.in.Embedded != "" {
		return e.in.Embedded, "", nil
	}
	server, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return "", "", err
	}
	replication, err := conn.Info(ctx, "replication").Result()
	if err != nil {
		return "", "", err
	}
	run, replid, role := infoField(server, "run_id"), infoField(replication, "master_replid"), infoField(replication, "role")
	if run == "" || replid == "" {
		return "", "", errors.New("cannot tell which Redis this is: INFO has no run_id or no master_replid")
	}
	if role != "master" {
		return "", "", errReplica
	}
	return run + "/" + replid, infoField(replication, "master_replid2"), nil
}

var errReplica = errors.New("this Redis is a replica; inboxes are read from and written to the master only")

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// agree makes sure that the Redis of this identity belongs to the epoch, beginning a new one if it does not.
func (e *epoch) agree(ctx context.Context, id, before string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[id] = true
	if slices.Contains(e.redis, id) {
		return nil
	}
	for range 10 {
		number, names, err := e.in.Service.Epoch(ctx)
		if err != nil {
			return err
		}
		known := strings.Fields(names)
		if number > 0 && failpoint.Defective(failpoint.NoEpoch) {
			known = append(known, id)
		}
		if slices.Contains(known, id) {
			e.adopt(number, known)
			return nil
		}
		next := []string{id}
		if e.in.redis.cluster {
			next = succeed(known, id, before)
		}
		began, err := e.in.Service.BeginEpoch(ctx, number, strings.Join(next, " "))
		if err != nil {
			return err
		}
		if began {
			e.adopt(number+1, next)
			e.in.metrics.epochs.Inc()
			e.in.Log.Info("a new epoch begins: this Redis is new to the inboxes, which are born again as they are read", "epoch", number+1)
			return nil
		}
	}
	return errors.New("the nodes do not agree on an epoch: is each of them connected to another Redis?")
}

// succeed puts a master of a cluster beside those that are known, in the place of the one that it took over from: that one may not know
// it, and take appends that are lost with it.
func succeed(known []string, id, before string) []string {
	var next []string
	for _, k := range known[max(0, len(known)-epochMasters+1):] {
		if before == "" || !strings.HasSuffix(k, "/"+before) {
			next = append(next, k)
		}
	}
	return append(next, id)
}

// refresh takes over an epoch that another node began.
func (e *epoch) refresh(ctx context.Context) error {
	number, names, err := e.in.Service.Epoch(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if number > e.number {
		e.adopt(number, strings.Fields(names))
	}
	return nil
}

// adopt moves to an epoch, and leaves every connection behind when one of them leads to a Redis that does not belong to it: a master that
// nobody told that it was replaced takes appends as before, and they would be lost with it. The caller holds mu.
func (e *epoch) adopt(number int64, known []string) {
	e.number, e.redis = number, known
	if number > 1 {
		select {
		case e.moved <- struct{}{}:
		default:
		}
	}
	for id := range e.seen {
		if !slices.Contains(known, id) {
			e.in.Log.Warn("connections lead to a Redis that is not that of the epoch: connecting again", "epoch", number)
			e.seen = map[string]bool{}
			e.in.redis.redial()
			return
		}
	}
}

// is says whether this node is in the epoch.
func (e *epoch) is(number int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.number == number
}

// watch asks once a second whether another node began an epoch.
func (e *epoch) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			ask, cancel := context.WithTimeout(ctx, 2*time.Second)
			if err := e.refresh(ask); err != nil && ctx.Err() == nil {
				e.in.Log.Debug("cannot ask the database for the epoch", "err", err)
			}
			cancel()
		}
	}
}

// clear removes the bodies of older epochs, until it succeeds: a Redis that was restored brought them back, and they may hold texts that were
// deleted since. Each node does so, as the one that began the epoch may end before it is done.
func (e *epoch) clear(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.moved:
		}
		for e.in.unlinkBodies(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
	}
}
