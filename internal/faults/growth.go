package faults

import (
	"bytes"
	"os"
)

// usage is what a node uses when nobody is connected.
type usage struct{ goroutines, files float64 }

func (w *town) measure() map[string]usage {
	out := map[string]usage{}
	for _, n := range w.nodes {
		g, err := n.gauges("go_goroutines", "process_open_fds")
		if err == nil {
			out[n.name] = usage{g["go_goroutines"], g["process_open_fds"]}
		}
	}
	return out
}

// checkGrowth: nothing of what clients and faults left behind stays. Idle connections to the database and Redis may.
func (w *town) checkGrowth(before map[string]usage) {
	client.CloseIdleConnections()
	const allowed = 120
	for _, n := range w.nodes {
		var now usage
		if err := waitFor(30e9, n.name, func() bool {
			now = w.measure()[n.name]
			return now.goroutines > 0 && now.goroutines < before[n.name].goroutines+allowed && now.files < before[n.name].files+allowed
		}); err != nil {
			w.history.violation("growth", nil, "%s has %v goroutines and %v open files with nobody connected; before, %v", n.name, now.goroutines, now.files, before[n.name])
		}
	}
}

// checkLogs: no secret stands in a log, and no node gave up by itself.
func (w *town) checkLogs() {
	for _, n := range w.nodes {
		log, err := os.ReadFile(n.logFile)
		if err != nil {
			w.t.Fatal(err)
		}
		secrets := []string{canary, dbPassword, " says "}
		for _, p := range w.people {
			secrets = append(secrets, p.token)
		}
		for _, d := range w.devices {
			secrets = append(secrets, d.token)
			if d.grant != nil {
				secrets = append(secrets, d.grant.Password)
			}
		}
		for _, s := range secrets {
			if i := bytes.Index(log, []byte(s)); i >= 0 {
				w.history.violation("secret", nil, "the log of %s has %q: …%s…", n.name, s, log[max(0, i-200):min(len(log), i+100)])
			}
		}
		if i := bytes.Index(log, []byte("panic:")); i >= 0 {
			w.history.violation("panic", nil, "%s: %s", n.name, log[i:min(len(log), i+3000)])
		}
		if i := bytes.Index(log, []byte("DATA RACE")); i >= 0 {
			w.history.violation("race", nil, "%s: %s", n.name, log[i:min(len(log), i+3000)])
		}
	}
}
