package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin is what operators and their machines ask, on an address of its own.
func (n *node) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", n.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.metrics(), promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (n *node) metrics() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewDBStatsCollector(n.database.SQL, "doran"),
	)
	registry.MustRegister(n.inbox.Collectors()...)
	registry.MustRegister(n.realtime.Collectors()...)
	registry.MustRegister(n.mqtt.Collectors()...)
	registry.MustRegister(n.push.Collectors()...)
	return registry
}

// part is one line of /readyz.
type part struct {
	Name  string `json:"name"`
	Up    bool   `json:"up"`
	Error string `json:"error,omitempty"`

	needed bool // without it no request can be answered
	ask    func(context.Context) error
}

func (n *node) parts() []part {
	return []part{
		{Name: "database", needed: true, ask: n.database.SQL.PingContext},
		{Name: "redis", ask: func(ctx context.Context) error { return n.inbox.Client().Ping(ctx).Err() }},
		{Name: "mqtt", ask: func(context.Context) error { return n.broker.Status() }},
	}
}

// partTimeout keeps a probe's answer well below what balancers wait for it.
const partTimeout = 2 * time.Second

// readyz is 200 while the parts that are needed answer, with ?all while every part does, and 503 once the node is ending.
func (n *node) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), partTimeout)
	defer cancel()
	parts := n.parts()
	var asking sync.WaitGroup
	for i := range parts {
		asking.Go(func() {
			if err := parts[i].ask(ctx); err != nil {
				parts[i].Error = err.Error()
			}
			parts[i].Up = parts[i].Error == ""
		})
	}
	asking.Wait()

	ready, status := n.ready.Load(), http.StatusOK
	for _, p := range parts {
		ready = ready && (p.Up || !p.needed && !r.URL.Query().Has("all"))
	}
	if !ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": ready, "parts": parts})
}
