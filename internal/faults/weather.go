package faults

import (
	"sync"
	"time"
)

// weather knows when something was broken.
type weather struct {
	mu     sync.Mutex
	broken int // faults now
	faults int // so far
	since  time.Time
	well   time.Duration // in which nothing was broken, up to since
}

func (w *weather) breaks(faults int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == 0 && !w.since.IsZero() {
		w.well += time.Since(w.since)
	}
	w.broken, w.faults, w.since = w.broken+faults, w.faults+faults, time.Now()
}

func (w *weather) heals(faults int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken, w.since = w.broken-faults, time.Now()
}

// count is how many faults there were.
func (w *weather) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

// wellFor is how long everything was well since the beginning, all times together: what must happen within some seconds of a server that
// has its parts may take longer while it has not.
func (w *weather) wellFor() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken > 0 || w.since.IsZero() {
		return w.well
	}
	return w.well + time.Since(w.since)
}

// calm: nothing is broken, nor was a moment ago.
func (w *weather) calm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken == 0 && time.Since(w.since) > 5*time.Second
}
