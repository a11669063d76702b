package mqtt

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	published, events, failures, cut prometheus.Counter
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "doran", Subsystem: "mqtt", Name: name, Help: help})
	}
	return &metrics{
		published: counter("published_total", "Batches that the broker or the device has confirmed."),
		events:    counter("events_total", "Events in them."),
		failures:  counter("failures_total", "Users whose devices could not be served, and were tried again."),
		cut:       counter("grants_ended_total", "Grants that ended and were taken from the broker."),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.published, m.events, m.failures, m.cut}
}
