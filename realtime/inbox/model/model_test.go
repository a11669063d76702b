package model

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

var (
	histories = flag.Uint64("histories", 5000, "how many histories of the sound protocol are played")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first one; a seed that failed, with -histories 1, is told in full")
)

// go test ./realtime/inbox/model -histories 2000000 takes about a quarter of an hour.
func TestSoundProtocol(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+*histories; seed++ {
		if o := Run(History{Seed: seed, Rules: Sound}); o.Failure != "" {
			tell(t, History{Seed: seed, Rules: Sound})
			t.Fatalf("seed %d: %s", seed, o.Failure)
		}
	}
	if *histories == 1 {
		tell(t, History{Seed: *firstSeed, Rules: Sound})
	}
}

func tell(t *testing.T, h History) {
	h.Trace = true
	t.Log(strings.Join(Run(h).Trace, "\n"))
}

func TestHistoryFollowsFromItsSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		h := History{Seed: seed, Rules: Sound, Trace: true}
		if !slices.Equal(Run(h).Trace, Run(h).Trace) {
			t.Errorf("seed %d gave two histories", seed)
		}
	}
}

// Each rule is there for something: without it a promise is broken before long. The rare ones begin at a seed that is known to be near.
func TestEachRuleIsNeeded(t *testing.T) {
	for _, c := range []struct {
		without  []Rule
		faults   []Fault
		from     uint64
		promises string // one of which is broken
	}{
		{without: []Rule{CommitFirst}, promises: "phantom"},
		{without: []Rule{OutboxLast}, promises: "lost deleted"},
		{without: []Rule{Sweep}, promises: "stuck"},
		{without: []Rule{Fence}, faults: []Fault{Isolated, Rejoined}, promises: "lost kept stale deleted"},
		{without: []Rule{AsOfVersion}, promises: "kept leak"},
		{without: []Rule{BodiesFirst}, promises: "deleted"},
		{without: []Rule{TombstoneSet}, faults: []Fault{BodyExpires}, promises: "deleted"},
		{without: []Rule{Once}, promises: "order"},
		{without: []Rule{NextOnly}, promises: "order"},
		{without: []Rule{NextStay}, promises: "stuck"},
		{without: []Rule{ReadForward}, promises: "order"},
		{without: []Rule{Forsake}, from: 3700, promises: "stuck"},
		{without: []Rule{BirthFromDatabase}, promises: "stuck lost"},
		{without: []Rule{BirthOfLeft}, promises: "stuck"},
		{without: []Rule{BirthClears}, faults: []Fault{StreamGone, HashGone}, from: 4100, promises: "order"},
		{without: []Rule{EmptyIsUnborn}, promises: "stuck"},
		{without: []Rule{Epochs}, faults: []Fault{Restored}, promises: "lost kept deleted"},
		{without: []Rule{EpochOfInbox}, faults: []Fault{Restored}, promises: "stuck"},
		{without: []Rule{LeaveStrays}, faults: []Fault{Isolated}, promises: "lost kept deleted"},
		{without: []Rule{Inclusive}, promises: "lost kept stale marker"},
		{without: []Rule{BirthOfCursor}, faults: []Fault{InboxExpires, ClockBack}, promises: "lost kept stale"},
		{without: []Rule{BodyVersion}, promises: "stale"},
		{without: []Rule{BodyWord, BodyNewer}, faults: []Fault{BodyExpires}, from: 4700, promises: "deleted"},
		{without: []Rule{MayAfterBodies}, promises: "leak"},
		{without: []Rule{MayOwnEnd}, promises: "kept"},
		{without: []Rule{MayFromJoin}, promises: "leak"},
		{without: []Rule{CursorBeforeMend}, promises: "lost kept stale"},
		{without: []Rule{FirstSeq}, promises: "kept"},
		{without: []Rule{ListStable}, promises: "lost kept"},
	} {
		t.Run(c.without[0].String(), func(t *testing.T) {
			t.Parallel()
			const within = 4000
			broken := map[string]bool{}
			for seed := c.from; seed < c.from+within; seed++ {
				o := Run(History{Seed: seed, Rules: Sound.Without(c.without...), Faults: c.faults})
				if promise, _, _ := strings.Cut(o.Failure, ":"); promise != "" {
					if slices.Contains(strings.Fields(c.promises), promise) {
						t.Logf("seed %d: %s", seed, o.Failure)
						return
					}
					broken[promise] = true
				}
			}
			t.Errorf("%d histories without it break none of %q (but %v)", within, c.promises, broken)
		})
	}
}
