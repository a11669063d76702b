package realtime

import "github.com/prometheus/client_golang/prometheus"

// metrics have bounded labels: the names of transports, and of the catalogue of disconnects.
type metrics struct {
	connections *prometheus.GaugeVec
	events      *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	busFailures prometheus.Counter
}

func newMetrics() *metrics {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "doran", Subsystem: "realtime", Name: name, Help: help}
	}
	return &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts(name("connections", "Open connections; of polls, the parked ones.")), []string{"transport"}),
		events:      prometheus.NewCounterVec(prometheus.CounterOpts(name("events_total", "Events written to clients.")), []string{"transport"}),
		disconnects: prometheus.NewCounterVec(prometheus.CounterOpts(name("disconnects_total", "Connections that ended, by reason.")), []string{"reason"}),
		busFailures: prometheus.NewCounter(prometheus.CounterOpts(name("bus_failures_total", "Subscriptions that were replaced, and wake-ups that did not reach Redis."))),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.connections, m.events, m.disconnects, m.busFailures}
}
