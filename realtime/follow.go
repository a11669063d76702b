package realtime

import (
	"context"
	"math/rand/v2"
	"time"

	"doran/chat"
	"doran/internal/failpoint"
	"doran/realtime/inbox"
)

// stream is follow for a connection that stays, from the batch that admitted it on.
func (c *conn) stream(first inbox.Batch) error {
	if err := c.write(first); err != nil {
		return err
	}
	c.count(first)
	c.server.hub.confirm(c.session, first.After) // the client said so
	return c.follow(first.Cursor)
}

// follow delivers what comes after the cursor until the connection ends, and says why it did. Its caller has entered the hub
// before: what is appended from then on leaves a mark, what was before is read now.
func (c *conn) follow(cursor string) error {
	c.cursor, c.told = cursor, cursor
	c.idle = time.NewTimer(c.silence)
	defer c.idle.Stop()
	for silent := c.silence == 0; ; {
		wrote, err := c.catchUp()
		if err == nil && silent && !wrote {
			err = c.deliver(c.empty())
		}
		if err == nil {
			silent, err = c.park()
		}
		if err != nil {
			return err
		}
	}
}

// catchUp reads and writes until there is no more, and says whether it wrote.
func (c *conn) catchUp() (wrote bool, err error) {
	for more := true; more; {
		var batch inbox.Batch
		batch, more, err = c.server.read(c.ctx, c.session.UserID, c.cursor)
		if c.ctx.Err() != nil {
			return wrote, context.Cause(c.ctx)
		}
		if err != nil {
			return wrote, c.readFailed(err)
		}
		c.failures = 0
		c.cursor = batch.Cursor
		if batch.Gap || len(batch.Events) > 0 {
			wrote = true
			if err := c.deliver(batch); err != nil {
				return wrote, err
			}
		}
	}
	return wrote, nil
}

// readFailed keeps what is open open: it tries again, and whoever is not yet answered is told.
func (c *conn) readFailed(err error) error {
	if !c.transport.stays || hasCode(err, chat.CodeValidation) {
		return err
	}
	if c.failures == 0 && !hasCode(err, chat.CodeUnavailable) {
		c.server.Log.Error("realtime: an inbox cannot be read; trying again", "user", c.session.UserID, "error", err)
	}
	c.failures++
	return nil
}

// deliver writes a batch that follows where the client stands.
func (c *conn) deliver(b inbox.Batch) error {
	if !b.Gap {
		b.After = c.told
	}
	failpoint.Here(failpoint.BeforeDeliver)
	if err := c.write(b); err != nil {
		return err
	}
	c.told = b.Cursor
	c.idle.Reset(c.silence)
	c.count(b)
	return nil
}

func (c *conn) count(b inbox.Batch) {
	c.server.metrics.events.WithLabelValues(c.transport.name).Add(float64(len(b.Events)))
}

func (c *conn) empty() inbox.Batch {
	return inbox.Batch{After: c.told, Events: []inbox.Event{}, Cursor: c.cursor}
}

// park waits until there is something to do, and says whether that is because of silence. Ephemeral events do not break
// the silence: it is also what has a connection read whose wake-up was lost.
func (c *conn) park() (silent bool, err error) {
	var again <-chan time.Time
	if c.failures > 0 {
		again = time.After(backoff(c.failures))
	}
	for {
		select {
		case <-c.ctx.Done():
			return false, context.Cause(c.ctx)
		case <-c.woken:
			return false, nil
		case <-again:
			return false, nil
		case <-c.idle.C:
			c.idle.Reset(c.silence)
			return true, nil
		case e := <-c.passing:
			if err := c.tell(e); err != nil {
				return false, err
			}
		}
	}
}

// tell writes an ephemeral event: a batch that begins and ends where the client stands.
func (c *conn) tell(e *inbox.Event) error {
	b := inbox.Batch{After: c.told, Events: []inbox.Event{*e}, Cursor: c.told}
	c.count(b)
	return c.write(b)
}

// backoff is how long to wait after so many failures in a row: up to 5 s, spread so that not everybody comes back at once.
func backoff(failures int) time.Duration {
	longest := min(5*time.Second, 250*time.Millisecond<<min(failures-1, 8))
	return longest/2 + rand.N(longest/2)
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
