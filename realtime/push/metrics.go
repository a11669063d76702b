package push

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	results *prometheus.CounterVec
	took    *prometheus.HistogramVec
	dropped prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "doran", Subsystem: "push", Name: "results_total",
			Help: "What became of devices that something was to be pushed to, by their kind."}, []string{"kind", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "doran", Subsystem: "push", Name: "call_seconds",
			Help: "How long push services took to answer.", Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"kind"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "doran", Subsystem: "push", Name: "dropped_total",
			Help: "Events that wake nobody up, as too many were waiting while Redis was down."}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.results, m.took, m.dropped}
}
