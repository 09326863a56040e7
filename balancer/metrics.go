package balancer

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"deadair/balancer/account"
	"deadair/balancer/session"
)

// metrics are counted for operators. They are no evidence.
type metrics struct {
	registry   *prometheus.Registry
	refusals   *prometheus.CounterVec
	admissions prometheus.Histogram
	endings    *prometheus.CounterVec
	calls      *prometheus.CounterVec
	proofs     *prometheus.CounterVec
	degraded   prometheus.Counter
	relayed    prometheus.Counter
}

func newMetrics(b *Balancer) *metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	make := promauto.With(registry)
	m := &metrics{
		registry: registry,
		refusals: make.NewCounterVec(prometheus.CounterOpts{
			Name: "balancer_refusals_total", Help: "Requests turned away, by reason.",
		}, []string{"reason"}),
		admissions: make.NewHistogram(prometheus.HistogramOpts{
			Name: "balancer_admission_seconds", Help: "From a source's head to its answer, of those that went on air.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2, 3, 5, 10, 20},
		}),
		endings: make.NewCounterVec(prometheus.CounterOpts{
			Name: "balancer_shows_ended_total", Help: "Sources that left the air, by what ended them.",
		}, []string{"why"}),
		calls: make.NewCounterVec(prometheus.CounterOpts{
			Name: "balancer_index_calls_total", Help: "Calls to the session index, by call and result.",
		}, []string{"call", "result"}),
		proofs: make.NewCounterVec(prometheus.CounterOpts{
			Name: "balancer_credentials_total", Help: "Credentials looked at, by result.",
		}, []string{"result"}),
		degraded: make.NewCounter(prometheus.CounterOpts{
			Name: "balancer_degraded_admissions_total", Help: "Sources that went on air without the index.",
		}),
		relayed: make.NewCounter(prometheus.CounterOpts{
			Name: "balancer_relayed_bytes_total", Help: "Bytes handed to recorders.",
		}),
	}
	gauge := func(name, help string, value func() float64) {
		make.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	gauge("balancer_sources", "Sources on air or waiting to be.", func() float64 { return float64(b.Sources()) })
	gauge("balancer_shows", "Sources on air.", func() float64 { return float64(b.table.onAir()) })
	gauge("balancer_waiting", "Sources held although there is no place for them.", func() float64 { return float64(b.table.waiting()) })
	gauge("balancer_proving", "Sources whose credentials are being proven.", func() float64 { return float64(b.table.unproven()) })
	gauge("balancer_admitting", "Sources that are claimed and offered to recorders.", func() float64 { return float64(len(b.turns)) })
	gauge("balancer_leaving", "Refused clients that read their answer.", func() float64 { return float64(len(b.leaving)) })
	gauge("balancer_pending", "Connections whose head is not complete.", func() float64 { return float64(b.pending.count()) })
	gauge("balancer_healthy", "1 ok, 0.5 degraded, 0 failing.", func() float64 {
		return map[Verdict]float64{OK: 1, Degraded: 0.5}[b.Health().Status]
	})
	return m
}

func (m *metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }

func (m *metrics) accepted(took time.Duration) { m.admissions.Observe(took.Seconds()) }

func (m *metrics) ended(why ending) { m.endings.WithLabelValues(string(why)).Inc() }

// proved counts credentials that were looked at.
func (m *metrics) proved(g account.Grant, err error) {
	result := "unavailable"
	switch {
	case err == nil && g.Stale:
		result = "stale"
	case err == nil:
		result = "right"
	case errors.Is(err, account.ErrWrong):
		result = "wrong"
	case errors.Is(err, account.ErrMount):
		result = "mount"
	}
	m.proofs.WithLabelValues(result).Inc()
}

// index counts a call to the index. An answer that says no is an answer.
func (m *metrics) index(call string, err error) {
	result := "failed"
	switch {
	case err == nil:
		result = "ok"
	case errors.Is(err, session.ErrTaken):
		result = "taken"
	case errors.Is(err, session.ErrFenced):
		result = "fenced"
	case errors.Is(err, session.ErrNotFound):
		result = "not-found"
	}
	m.calls.WithLabelValues(call, result).Inc()
}
