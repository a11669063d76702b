package faults

import (
	"context"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Run runs everything for as long as asked, and gives what was found.
func Run(t testing.TB, o Options) Report {
	t.Helper()
	w := newTown(t, o)
	w.history.alarm = func(what string) { t.Logf("%v: %s", time.Since(w.start).Round(time.Second), what) }
	w.settle()
	w.giveDevices(40)
	before := w.measure()
	following, stopFollowing := context.WithCancel(context.Background())
	defer stopFollowing()
	var followers, workers sync.WaitGroup
	for _, d := range w.devices {
		followers.Go(func() { d.live(following) })
	}
	w.weather.heals(0)
	working, stopWorking := context.WithTimeout(context.Background(), time.Duration(o.Seconds)*time.Second)
	defer stopWorking()
	workers.Go(func() { w.work(working) })
	workers.Go(func() { w.sayHowItGoes(working) })

	w.breakThings(working)
	workers.Wait()
	w.history.note("-- nothing is broken any more; everybody is to have everything --")
	w.mustBeReady(w.nodes, 30*time.Second)
	w.waitForOutbox(w.options.Patience)
	pause(following, time.Second)
	stopFollowing()
	followers.Wait()
	w.catchUp(w.options.Patience)
	w.check()
	w.checkGrowth(before)
	w.checkLogs()
	w.history.flush()
	return Report{Options: o, Violations: w.history.found(), Figures: w.figures(), Faults: w.done, NotDone: w.notDone(), Recent: w.history.recent(200)}
}

// sayHowItGoes is for who waits for a long run.
func (w *town) sayHowItGoes(ctx context.Context) {
	for pause(ctx, 5*time.Minute); ctx.Err() == nil; pause(ctx, 5*time.Minute) {
		w.t.Logf("%v: %d messages answered, %d faults", time.Since(w.start).Round(time.Second), w.tally.answered.Load(), w.weather.count())
	}
}

// breakThings has one fault after the other happen, sometimes two at a time, and heals each after a while.
func (w *town) breakThings(ctx context.Context) {
	w.done = map[string]int{}
	pause(ctx, time.Second)
	known := faultsOf(w)
	if len(known) == 0 {
		<-ctx.Done()
		return
	}
	if slices.ContainsFunc(known, func(f fault) bool { return strings.Contains(f.name, "snapshot") }) {
		w.restore = w.redis.Backup()
	}
	order := w.random.Perm(len(known))
	for i := 0; ctx.Err() == nil; i++ {
		if i%len(order) == 0 && i > 0 {
			order = w.random.Perm(len(known))
		}
		now := []fault{known[order[i%len(order)]]}
		if w.random.IntN(4) == 0 {
			if other := known[w.random.IntN(len(known))]; part(other) != part(now[0]) {
				now = append(now, other)
			}
		}
		w.suffer(ctx, now, time.Duration(300+w.random.IntN(2500))*time.Millisecond)
		pause(ctx, time.Duration(200+w.random.IntN(1200))*time.Millisecond)
	}
	w.mariadb.Cont()
	w.redis.Cont()
	w.broker.Cont()
	for _, n := range w.nodes {
		n.signal(syscall.SIGCONT)
	}
}

// part is what a fault is about; two of one part at a time would undo each other.
func part(f fault) string { p, _, _ := strings.Cut(f.name, ":"); return p }

func (w *town) suffer(ctx context.Context, now []fault, long time.Duration) {
	w.weather.breaks(len(now))
	defer w.weather.heals(len(now))
	heals := map[string]func(){}
	for _, f := range now {
		w.history.note("FAULT %s", f.name)
		w.done[f.name]++
		if heal := f.happen(w); heal != nil {
			heals[f.name] = heal
		}
	}
	if len(heals) > 0 {
		pause(ctx, long)
	}
	for _, f := range now {
		if heal := heals[f.name]; heal != nil {
			heal()
			w.history.note("healed %s", f.name)
		}
	}
}

func (w *town) waitForOutbox(limit time.Duration) {
	left := 0
	if err := waitFor(limit, "the outbox is empty", func() bool {
		return w.db.QueryRow("SELECT COUNT(*) FROM outbox").Scan(&left) == nil && left == 0
	}); err != nil {
		w.history.violation("stuck", nil, "%d events are still in the outbox %v after everything was well again", left, limit)
	}
}

// catchUp has each device read until there is nothing more.
func (w *town) catchUp(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var all sync.WaitGroup
	for _, d := range w.devices {
		all.Go(func() {
			for idle := 0; idle < 2; {
				if ctx.Err() != nil {
					d.wrong("stuck", "has not everything %v after everything was well again", limit)
					return
				}
				before, gaps := d.count, d.gaps
				if !d.pollOnce(ctx) {
					idle = 0
					pause(ctx, 50*time.Millisecond)
				} else if idle++; d.count != before || d.gaps != gaps {
					idle = 0
				}
			}
		})
	}
	all.Wait()
}
