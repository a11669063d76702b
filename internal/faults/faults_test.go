package faults

import (
	"flag"
	"strings"
	"testing"
	"time"

	"doran/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(tests{m}) }

type tests struct{ *testing.M }

func (m tests) Run() int {
	defer removeBuilt()
	return m.M.Run()
}

var (
	seconds = flag.Int("seconds", 12, "how long things break")
	seed    = flag.Uint64("seed", 0, "which faults, in which order; 0: another at each run")
	nodes   = flag.Int("nodes", 3, "how many servers")
	users   = flag.Int("users", 24, "how many people; some of them follow with two devices")
	rate    = flag.Int("rate", 150, "messages a second that people try to send")
	only    = flag.String("faults", "", "only the faults with this in their names")
	out     = flag.String("out", "", "where logs and the whole history are left")
	points  = flag.String("failpoints", "", "where nodes end or wait, such as after-commit=kill:0.001, or every; builds them with the tag failpoint")
	defect  = flag.String("defect", "", "a mistake that is built in, with the tag failpoint")
)

// make faults SECONDS=3600 SEED=7 runs this one for an hour.
func TestNothingIsLost(t *testing.T) {
	o := Options{Seconds: *seconds, Seed: *seed, Nodes: *nodes, Users: *users, Rate: *rate, Churn: 2, Faults: *only, Dir: *out}
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano() % 1e6)
	}
	if *points == "every" {
		*points = everyPoint()
	}
	if *points+*defect != "" {
		o.Tags, o.Environ = "failpoint", []string{"FAILPOINTS=" + *points, "DEFECTS=" + *defect}
	}
	r := Run(t, o)
	t.Logf("\n%s", r)
	if len(r.Violations) > 0 {
		t.Errorf("seed %d: %d promises were broken; the newest of the history:\n%s", o.Seed, len(r.Violations), strings.Join(r.Recent, "\n"))
	}
}
