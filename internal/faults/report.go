package faults

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Report is what a run came to.
type Report struct {
	Options    Options
	Violations []string
	Figures    []string
	Faults     map[string]int
	NotDone    []string // faults that this machine could not do
	Recent     []string
}

func (w *town) figures() []string {
	t := &w.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.latency)
	quantile := func(q float64) time.Duration {
		if len(t.latency) == 0 {
			return 0
		}
		return t.latency[min(len(t.latency)-1, int(q*float64(len(t.latency))))].Round(100 * time.Microsecond)
	}
	var events, gaps, jumps, hops int
	var by [background + 1]int
	for _, d := range w.devices {
		events, gaps, jumps, hops = events+d.count, gaps+d.gaps, jumps+d.jumps, hops+d.hops
		for kind, n := range d.events {
			by[kind] += n
		}
	}
	var restarts, faults int
	for _, n := range w.nodes {
		restarts += n.starts - 1
	}
	for _, n := range w.done {
		faults += n
	}
	return []string{
		fmt.Sprintf("messages sent %d: answered 201 %d, again 200 %d, refused %d; to two nodes at once %d; tries with 503 %d, without an answer %d",
			t.sent.Load(), t.answered.Load(), t.again.Load(), t.refused.Load(), t.doubles.Load(), t.unavailable.Load(), t.unanswered.Load()),
		fmt.Sprintf("answered in %v (half), %v (99 %%), %v (slowest)", quantile(0.5), quantile(0.99), quantile(1)),
		fmt.Sprintf("edits %d, deletions %d, joins %d, departures %d, read markers %d, tokens ended with their socket %d", t.edits.Load(), t.deletions.Load(), t.joins.Load(), t.leaves.Load(), t.markers.Load(), t.visits.Load()),
		fmt.Sprintf("devices %d: events told %d (WebSocket %d, long-poll %d, SSE %d, MQTT %d), gaps %d, versions that passed silently %d, changes of transport and node %d",
			len(w.devices), events, by[socket], by[poll], by[sse], by[background], gaps, jumps, hops),
		fmt.Sprintf("faults %d, restarts of nodes %d", faults, restarts),
	}
}

// notDone are faults that need more than this machine gives.
func (w *town) notDone() []string {
	out := []string{"power loss (kill -9 leaves what the disk's cache has)", "packets lost or reordered below TCP"}
	if !canLimitFiles {
		out = append(out, "too many open files (only on Linux)")
	}
	if !w.ownDisks {
		out = append(out, "a full disk (this user may not mount one)")
	}
	return out
}

// String is the report as it is printed.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d s, %d nodes, %d users\n", r.Options.Seed, r.Options.Seconds, r.Options.Nodes, r.Options.Users)
	for _, line := range r.Figures {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	names := make([]string, 0, len(r.Faults))
	for name, n := range r.Faults {
		names = append(names, fmt.Sprintf("%s ×%d", name, n))
	}
	slices.Sort(names)
	fmt.Fprintf(&b, "  faults: %s\n", strings.Join(names, ", "))
	fmt.Fprintf(&b, "  not done here: %s\n", strings.Join(r.NotDone, ", "))
	fmt.Fprintf(&b, "  violations: %d\n", len(r.Violations))
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "    %s\n", v)
	}
	return b.String()
}
