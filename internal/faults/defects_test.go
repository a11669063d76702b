//go:build failpoint

package faults

import (
	"strings"
	"testing"
	"time"

	"doran/internal/failpoint"
)

// The check finds what it is there to find: each mistake that somebody could make breaks a promise, and is seen.
// go test -tags failpoint ./internal/faults -run KnownDefects
func TestKnownDefectsAreFound(t *testing.T) {
	for _, c := range []struct {
		defect   failpoint.Defect
		faults   string // that bring it to light
		points   string
		promises string // one of which is broken
		churn    int
	}{
		{failpoint.PublishBeforeCommit, "connections ended", "before-commit=sleep:0.5", "phantom lost order stale", 2},
		{failpoint.AnswerBeforeCommit, "connections ended", "before-commit=sleep:0.5", "lost once", 2},
		{failpoint.NoDedupe, "none", "", "once", 2},
		{failpoint.AppendTwice, "node to redis: answers lost", "before-outbox=kill:0.02", "order", 2},
		{failpoint.NoEpoch, "snapshot", "", "lost stale kept deleted", 2},
		{failpoint.NoSweep, "none", "after-commit=kill:0.3", "stuck lost", 2},
		{failpoint.BirthFromNothing, "emptied", "", "lost stuck order kept leak", 2},
		{failpoint.MembersAsOfNow, "none", "before-append=sleep:0.7", "lost kept stuck", 40},
		{failpoint.BlindFill, "texts gone", "before-fill=sleep:0.9", "deleted", 2},
		{failpoint.NoAuthorisation, "none", "", "leak", 20},
		{failpoint.ForgetTombstone, "none", "", "deleted", 2},
	} {
		t.Run(string(c.defect), func(t *testing.T) {
			for seed := range uint64(4) { // what depends on a moment may need another try
				r := Run(t, Options{Seconds: 8, Seed: seed + 1, Nodes: 2, Users: 10, Rate: 100, Churn: c.churn, Patience: 6 * time.Second, Faults: c.faults, Tags: "failpoint",
					Environ: []string{"DEFECTS=" + string(c.defect), "FAILPOINTS=" + c.points}})
				for _, v := range r.Violations {
					promise, _, _ := strings.Cut(v, ":")
					if strings.Contains(c.promises, promise) {
						t.Logf("found: %s", v)
						return
					}
				}
				t.Logf("not found with this seed\n%s", r)
			}
			t.Error("it was not found")
		})
	}
}
