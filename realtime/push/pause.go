package push

import (
	"sync"
	"time"
)

// pauses remember which services are to be left alone, by their host: those that said so, and those that have failed again and
// again, so that none of them keeps the others waiting.
type pauses struct {
	mu       sync.Mutex
	until    map[string]time.Time
	failures map[string]int // in a row
}

const (
	maxFailures  = 5 // in a row, after which a service has its pause without asking for it
	pauseOfHost  = 5 * time.Second
	pauseForgets = 10_000 // hosts; clients name them, so there is a bound
)

func newPauses() *pauses { return &pauses{until: map[string]time.Time{}, failures: map[string]int{}} }

// left is how long the host is to be left alone.
func (p *pauses) left(host string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.until[host])
	if left <= 0 {
		delete(p.until, host)
		return 0
	}
	return left
}

// heed takes notice of what the host said.
func (p *pauses) heed(host string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.result != isLater {
		delete(p.failures, host)
		return
	}
	if len(p.failures)+len(p.until) > pauseForgets {
		clear(p.failures)
		clear(p.until)
	}
	p.failures[host]++
	pause := a.after
	if pause == 0 && p.failures[host] >= maxFailures {
		pause = pauseOfHost
	}
	if until := time.Now().Add(pause); pause > 0 && until.After(p.until[host]) {
		p.until[host] = until
	}
}
