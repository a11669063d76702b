//go:build failpoint

package failpoint

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The environment says what happens: FAILPOINTS="after-commit=kill:0.001,before-fill=sleep:0.2", where sleep is up to 100 ms, and
// DEFECTS="no-epoch,no-sweep".
var (
	actions = parse(os.Getenv("FAILPOINTS"))
	defects = strings.Split(os.Getenv("DEFECTS"), ",")
)

const longestSleep = 100 * time.Millisecond

type action struct {
	what string
	odds float64
}

func parse(text string) map[Point]action {
	out := map[Point]action{}
	for part := range strings.SplitSeq(text, ",") {
		point, how, ok := strings.Cut(part, "=")
		what, odds, ok2 := strings.Cut(how, ":")
		p, err := strconv.ParseFloat(odds, 64)
		if part == "" {
			continue
		}
		if !ok || !ok2 || err != nil || !slices.Contains(Points, Point(point)) {
			panic("FAILPOINTS has " + strconv.Quote(part))
		}
		out[Point(point)] = action{what, p}
	}
	return out
}

// Here does what the environment says of this point.
func Here(p Point) {
	a, ok := actions[p]
	if !ok || rand.Float64() >= a.odds {
		return
	}
	switch a.what {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "sleep":
		time.Sleep(rand.N(longestSleep))
	}
}

// Defective says whether the mistake is built in.
func Defective(d Defect) bool { return slices.Contains(defects, string(d)) }
