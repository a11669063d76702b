package inbox

import "github.com/prometheus/client_golang/prometheus"

// metrics count what an operator asks about an inbox.
type metrics struct {
	appended, births, gaps, forsaken, passedOver, unreadable prometheus.Counter
	epochs, retries                                          prometheus.Counter
}

func newMetrics() *metrics {
	c := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "doran", Subsystem: "inbox", Name: name, Help: help})
	}
	return &metrics{
		appended:   c("appended_total", "Entries appended to inboxes."),
		births:     c("births_total", "Inboxes born from the database."),
		gaps:       c("gaps_total", "Reads that were told of a gap."),
		forsaken:   c("forsaken_total", "Inboxes removed because they missed an event that is no longer in the outbox."),
		passedOver: c("passed_over_total", "Entries that a reader may not be shown any more."),
		unreadable: c("unreadable_total", "Entries that could not be understood."),
		epochs:     c("epochs_total", "Epochs that this node began."),
		retries:    c("publish_failures_total", "Rounds of publishing that failed and are swept later."),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.appended, m.births, m.gaps, m.forsaken, m.passedOver, m.unreadable, m.epochs, m.retries}
}
