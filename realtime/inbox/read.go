package inbox

import (
	"context"
	"errors"
	"slices"
	"time"
)

// The bounds of reading.
const (
	readers       = 4  // goroutines that read, each for many users at once
	readsPerRound = 64 // users whose inboxes are read in one pipeline
	readTimeout   = 5 * time.Second
	readTries     = 4
)

// reader answers reads in groups: those that wait while one group travels to Redis and the database go together in the next. So
// a thousand connections that wake at once cost a few round trips, and one alone waits for nobody.
type reader struct {
	in    *Inbox
	queue chan *read
}

// read is one read on its way.
type read struct {
	ctx   context.Context
	user  int64
	after string // as it came
	from  Cursor // where after is a cursor
	mode  mode

	gap     bool
	birth   string
	entries []entry
	batch   Batch
	more    bool
	err     error
	done    chan struct{}
}

type mode int

const (
	fromCursor mode = iota
	fromOldest
	fromNow
)

func newReader(in *Inbox) *reader { return &reader{in: in, queue: make(chan *read, readsPerRound)} }

// read waits for its answer, its turn included, no longer than readTimeout: behind a Redis that is frozen, who comes last would else wait for
// the rounds of all who came before.
func (r *reader) read(ctx context.Context, user int64, after string) (Batch, bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readTimeout, unavailable(context.DeadlineExceeded))
	defer cancel()
	q := &read{ctx: ctx, user: user, after: after, done: make(chan struct{})}
	switch after {
	case "":
		q.mode = fromNow
	case "0":
		q.mode = fromOldest
	default:
		var err error
		if q.from, err = ParseCursor(user, after); err != nil {
			return Batch{}, false, err
		}
	}
	select {
	case r.queue <- q:
	case <-ctx.Done():
		return Batch{}, false, context.Cause(ctx)
	}
	select {
	case <-q.done:
		return q.batch, q.more, q.err
	case <-ctx.Done():
		return Batch{}, false, context.Cause(ctx)
	}
}

func (r *reader) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-r.queue:
			group := slices.DeleteFunc(r.gather(q), func(q *read) bool { return q.ctx.Err() != nil }) // nobody waits for these
			if len(group) == 0 {
				continue
			}
			r.answer(ctx, group)
			for _, q := range group {
				close(q.done)
			}
		}
	}
}

// gather takes what waits already.
func (r *reader) gather(first *read) []*read {
	group := []*read{first}
	for len(group) < readsPerRound {
		select {
		case q := <-r.queue:
			group = append(group, q)
		default:
			return group
		}
	}
	return group
}

func (r *reader) answer(ctx context.Context, group []*read) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var err error
	for range 2 {
		if err = r.entries(ctx, group); err == nil {
			err = r.in.render(ctx, group)
		}
		if !errors.Is(err, errStale) { // else the epoch ended between the entries and their bodies
			break
		}
	}
	for _, q := range group {
		if err != nil && q.err == nil {
			q.err = err
		}
	}
}

// entries reads the streams. A cursor whose own entry is gone, whose inbox was born again, or whose epoch is over, is a gap: the
// answer is the cursor of now, taken before the client reads the database.
func (r *reader) entries(ctx context.Context, group []*read) error {
	pending := group
	for range readTries {
		epoch, err := r.epochFor(ctx, pending)
		if err != nil {
			return err
		}
		if pending, err = r.once(ctx, epoch, pending); err != nil && !errors.Is(err, errStale) {
			return err
		}
		if err != nil {
			if err := r.in.epoch.refresh(ctx); err != nil {
				return err
			}
		}
		if len(pending) == 0 {
			return nil
		}
	}
	return unavailable(errors.New("inboxes vanish faster than they are born"))
}

// epochFor is the epoch to read in: at least that of the newest cursor, which another node may have known before this one.
func (r *reader) epochFor(ctx context.Context, group []*read) (int64, error) {
	epoch, err := r.in.epoch.now(ctx)
	if err != nil {
		return 0, err
	}
	for _, q := range group {
		if q.mode == fromCursor && q.from.Epoch > epoch {
			if err := r.in.epoch.refresh(ctx); err != nil {
				return 0, err
			}
			return r.in.epoch.now(ctx)
		}
	}
	return epoch, nil
}

// once sends the reads and gives those that are to be sent again.
func (r *reader) once(ctx context.Context, epoch int64, pending []*read) ([]*read, error) {
	calls := make([]*call, len(pending))
	for i, q := range pending {
		if q.mode == fromCursor && q.from.Epoch != epoch {
			q.gap, q.mode = true, fromNow
		}
		calls[i] = &call{script: "read", keys: inboxKeys(q.user), args: q.args(epoch)}
	}
	if err := r.in.redis.run(ctx, epoch, calls); err != nil {
		return pending, err
	}
	var again []*read
	var unborn []int64
	var err error
	for i, q := range pending {
		reply, _ := calls[i].reply.([]any)
		switch word(reply, 0) {
		case "ok":
			q.birth = word(reply, 1)
			q.entries = parseEntries(reply)
			q.from.User, q.from.Epoch, q.from.Birth = q.user, epoch, q.birth
		case "gap":
			q.gap, q.mode = true, fromNow
			again = append(again, q)
		case "unborn":
			q.gap = q.gap || q.mode == fromCursor
			if q.mode == fromCursor {
				q.mode = fromNow
			}
			unborn = append(unborn, q.user)
			again = append(again, q)
		default:
			again = append(again, q)
			err = errStale
		}
	}
	if err != nil {
		return again, err
	}
	return again, r.in.bear(ctx, epoch, unborn)
}

// args in the order that read.lua documents.
func (q *read) args(epoch int64) []any {
	switch q.mode {
	case fromNow:
		return []any{epoch, "now", "", 1}
	case fromOldest:
		return []any{epoch, "", "", MaxEvents}
	default:
		return []any{epoch, q.from.Birth, q.from.Entry, MaxEvents}
	}
}

// entry is one entry of a stream.
type entry struct {
	id     string
	fields map[string]string
}

func word(reply []any, i int) string {
	if i >= len(reply) {
		return ""
	}
	s, _ := reply[i].(string)
	return s
}

func parseEntries(reply []any) []entry {
	if len(reply) < 3 {
		return nil
	}
	list, _ := reply[2].([]any)
	out := make([]entry, 0, len(list))
	for _, item := range list {
		pair, _ := item.([]any)
		if len(pair) != 2 {
			continue
		}
		e := entry{id: word(pair, 0), fields: map[string]string{}}
		values, _ := pair[1].([]any)
		for i := 0; i+1 < len(values); i += 2 {
			e.fields[word(values, i)] = word(values, i+1)
		}
		out = append(out, e)
	}
	return out
}
