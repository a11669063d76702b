package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"doran/chat"
	"doran/realtime/inbox"
	"doran/realtime/presence"
)

// job is one user whom this node carries just now.
type job struct {
	again   bool     // something came meanwhile
	restate bool     // tell the devices where they stand
	entries []string // of the work stream that are done with it
}

// carry brings what stands in a user's inbox to those of their devices that are in the background. Of one user there is one
// carrier at a time, on this node by the job, among nodes by the lease, so each device's batches keep their order.
func (f *Forwarder) carry(ctx context.Context, e entry) {
	if !f.begin(e) {
		return
	}
	for {
		held, err := f.round(ctx, e.user)
		if held && (e.claimed || e.restate) {
			f.end(e.user) // the entry stays, and is claimed when its time has come again
			return
		}
		if err != nil {
			f.fail(ctx, e.user, err)
			return
		}
		if f.done(e.user, held) {
			return
		}
	}
}

// begin makes a job, or leaves the entry to the one that there is.
func (f *Forwarder) begin(e entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	j := f.jobs[e.user]
	if j == nil {
		f.jobs[e.user] = &job{entries: []string{e.id}, restate: e.restate}
		return true
	}
	j.again, j.restate = true, j.restate || e.restate
	j.entries = append(j.entries, e.id)
	return false
}

// done ends the job, unless something came meanwhile that nobody else looks at.
func (f *Forwarder) done(user int64, held bool) bool {
	f.mu.Lock()
	j := f.jobs[user]
	if j.again && !held {
		j.again = false
		f.mu.Unlock()
		return false
	}
	delete(f.jobs, user)
	f.mu.Unlock()
	if held && j.again { // the holder was asked before that came
		f.Wake([]int64{user})
	}
	f.finish(j.entries)
	return true
}

// end forgets the job and leaves its entries to be claimed.
func (f *Forwarder) end(user int64) {
	f.mu.Lock()
	j := f.jobs[user]
	delete(f.jobs, user)
	f.mu.Unlock()
	if j.again {
		f.Wake([]int64{user})
	}
}

// fail puts the user into the work stream again, after a pause, which keeps a broker that takes nothing from being asked without
// end. While Redis is down, or when the node ends, the entries stay, and are claimed.
func (f *Forwarder) fail(ctx context.Context, user int64, err error) {
	f.metrics.failures.Inc()
	f.Log.Debug("mqtt: a user's devices could not be served; trying again", "user", user, "err", err)
	sleep(ctx, time.Second)
	f.mu.Lock()
	j := f.jobs[user]
	delete(f.jobs, user)
	f.mu.Unlock()
	if ctx.Err() == nil && f.hand(ctx, map[int64]bool{user: j.restate}) == nil {
		f.finish(j.entries)
	}
}

// round takes the lease, serves each device once, and gives the lease back. It says whether another node has the lease.
func (f *Forwarder) round(ctx context.Context, user int64) (held bool, err error) {
	for {
		devices, held, err := f.take(ctx, user)
		if held || err != nil {
			return held, err
		}
		restate := f.takeRestate(user)
		release := f.keepLease(user)
		err = f.serve(ctx, devices, restate)
		release()
		if err != nil {
			f.free(user)
			f.giveRestate(user, restate)
			return false, err
		}
		switch word, err := f.free(user); {
		case err != nil:
			return false, err
		case word != "again":
			return false, nil
		}
	}
}

// keepLease renews the lease until release: a device may take its time, and a node that died must not be waited for long.
func (f *Forwarder) keepLease(user int64) (release func()) {
	var mu sync.Mutex
	var timer *time.Timer
	renew := func() {
		mu.Lock()
		defer mu.Unlock()
		if timer == nil { // released
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), f.Timing.Lease/3)
		defer cancel()
		_ = keepScript.Run(ctx, f.redis(), []string{leaseKey(user)}, f.node, f.Timing.Lease.Milliseconds()).Err() // a lease that is lost shows by move
		timer.Reset(f.Timing.Lease / 3)
	}
	mu.Lock()
	timer = time.AfterFunc(f.Timing.Lease/3, renew)
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
		timer = nil
	}
}

func (f *Forwarder) takeRestate(user int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	j := f.jobs[user]
	restate := j.restate
	j.restate = false
	return restate
}

func (f *Forwarder) giveRestate(user int64, restate bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs[user].restate = f.jobs[user].restate || restate
}

// serve forwards to all devices at once: one that does not answer keeps no other waiting.
func (f *Forwarder) serve(ctx context.Context, devices []*standing, restate bool) error {
	errs := make([]error, len(devices))
	var serving sync.WaitGroup
	for i, d := range devices {
		serving.Go(func() { errs[i] = f.forward(ctx, d, restate) })
	}
	serving.Wait()
	return errors.Join(errs...)
}

// standing is a device in the background and the cursor up to where its topic was served; "": it is owed a gap.
type standing struct {
	Device
	token  string
	cursor string
}

func (d *standing) value(cursor string) string { return fmt.Sprintf("%d %s", d.Grant, cursor) }

// take takes the lease and gives the devices that are in the background.
func (f *Forwarder) take(ctx context.Context, user int64) (devices []*standing, held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	keys := []string{cursorsKey(user), leaseKey(user), presence.Key(user)}
	reply, err := takeScript.Run(ctx, f.redis(), keys, f.node, f.Timing.Lease.Milliseconds(), time.Now().UnixMilli()).Slice()
	if err != nil {
		return nil, false, err
	}
	if reply[0] == "held" {
		return nil, true, nil
	}
	foreground := map[int64]bool{}
	for _, member := range texts(reply[2]) {
		foreground[presence.Token(member)] = true
	}
	fields := texts(reply[1])
	for i := 0; i+1 < len(fields); i += 2 {
		token, _ := strconv.ParseInt(fields[i], 10, 64)
		grant, cursor, _ := strings.Cut(fields[i+1], " ")
		id, err := strconv.ParseInt(grant, 10, 64)
		if err != nil || foreground[token] {
			continue
		}
		devices = append(devices, &standing{Device: Device{user, id}, token: fields[i], cursor: cursor})
	}
	return devices, false, nil
}

func texts(reply any) []string {
	list, _ := reply.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		out[i], _ = item.(string)
	}
	return out
}

// free gives the lease back, also when the node is ending.
func (f *Forwarder) free(user int64) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	return freeScript.Run(ctx, f.redis(), []string{leaseKey(user)}, f.node, f.Timing.Lease.Milliseconds()).Text()
}

// errStop says that somebody else has changed what this carrier went by.
var errStop = errors.New("the lease or the cursor is somebody else's now")

// forward publishes what follows the device's cursor, and where nothing does and restate is set, where it stands. The cursor of what
// was passed over is not written down: the device cannot know it, and its next batch follows the one that it has.
func (f *Forwarder) forward(ctx context.Context, d *standing, restate bool) error {
	if !f.broker.Takes(d.Device) {
		return nil
	}
	from, published := d.cursor, false
	for more := true; more; {
		var batch inbox.Batch
		var err error
		if batch, more, err = f.read(ctx, d.User, from); err != nil {
			return err
		}
		from = batch.Cursor
		if !batch.Gap && len(batch.Events) == 0 {
			continue
		}
		if !batch.Gap {
			batch.After = d.cursor
		}
		if err := f.publish(ctx, d, batch); err != nil {
			return f.settled(err)
		}
		published = true
	}
	if restate && !published {
		return f.settled(f.publish(ctx, d, inbox.Batch{After: d.cursor, Events: []inbox.Event{}, Cursor: d.cursor}))
	}
	return nil
}

// settled: a device that is away is served when it arrives, and one that is somebody else's now by them.
func (f *Forwarder) settled(err error) error {
	if errors.Is(err, ErrAway) || errors.Is(err, errStop) {
		return nil
	}
	return err
}

// read gives a gap where there is no cursor, or one that means nothing any more.
func (f *Forwarder) read(ctx context.Context, user int64, from string) (inbox.Batch, bool, error) {
	batch, more, err := f.inbox.Read(ctx, user, from)
	if from != "" && errors.Is(err, &chat.Error{Code: chat.CodeValidation}) {
		from = ""
		batch, more, err = f.inbox.Read(ctx, user, from)
	}
	if from == "" && err == nil {
		return inbox.Batch{Gap: true, Events: []inbox.Event{}, Cursor: batch.Cursor}, false, nil
	}
	return batch, more, err
}

// publish hands a batch over, in parts where it is big, and moves the cursor behind each part.
func (f *Forwarder) publish(ctx context.Context, d *standing, batch inbox.Batch) error {
	payload, err := json.Marshal(batch)
	if err != nil {
		return fmt.Errorf("encoding a batch: %w", err)
	}
	if n := len(batch.Events); len(payload) > maxPayload && n > 1 {
		middle := batch.Events[n/2-1].ID
		if err := f.publish(ctx, d, inbox.Batch{After: batch.After, Events: batch.Events[:n/2], Cursor: middle}); err != nil {
			return err
		}
		return f.publish(ctx, d, inbox.Batch{After: middle, Events: batch.Events[n/2:], Cursor: batch.Cursor})
	}
	if err := f.broker.Publish(ctx, d.Device, payload); err != nil {
		return err
	}
	f.metrics.published.Inc()
	f.metrics.events.Add(float64(len(batch.Events)))
	return f.move(ctx, d, batch.Cursor)
}

// move writes down that everything up to the cursor was taken.
func (f *Forwarder) move(ctx context.Context, d *standing, cursor string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	word, err := moveScript.Run(ctx, f.redis(), []string{cursorsKey(d.User), leaseKey(d.User)}, f.node, f.Timing.Lease.Milliseconds(),
		d.token, d.value(d.cursor), d.value(cursor), cursorTTL.Milliseconds()).Text()
	if err != nil {
		return err
	}
	if word != "moved" {
		return errStop
	}
	d.cursor = cursor
	return nil
}
