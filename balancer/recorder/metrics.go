package recorder

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are a recorder's own; nothing is registered globally.
type metrics struct {
	registry   *prometheus.Registry
	accepted   prometheus.Counter
	refused    *prometheus.CounterVec // by reason
	ended      *prometheus.CounterVec // by cause
	probes     *prometheus.CounterVec // by status
	bytes      prometheus.Counter
	audio      prometheus.Counter // seconds
	synced     prometheus.Counter // files
	syncTook   prometheus.Histogram
	diskErrors prometheus.Counter
	recovered  prometheus.Counter // segments
	opaque     prometheus.Counter // segments

	listened      prometheus.Counter
	listenRefused *prometheus.CounterVec // by reason
	listenEnded   *prometheus.CounterVec // by cause
	listenBytes   prometheus.Counter
}

func newMetrics(r *Recorder) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "deadair_recorder_" + name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "deadair_recorder_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "deadair_recorder_" + name, Help: help}, f)
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		accepted:   counter("sources_accepted_total", "Sources accepted."),
		refused:    counters("sources_refused_total", "Sources refused.", "reason"),
		ended:      counters("sources_ended_total", "Sources ended.", "cause"),
		probes:     counters("probes_total", "Probes answered.", "status"),
		bytes:      counter("written_bytes_total", "Bytes of audio written."),
		audio:      counter("written_audio_seconds_total", "Seconds of audio written."),
		synced:     counter("synced_segments_total", "Segments made durable by rounds."),
		diskErrors: counter("disk_errors_total", "Errors of the disk."),
		opaque:     counter("opaque_segments_total", "Segments without frames that are known: not audio, or of another kind."),
		recovered:  counter("recovered_segments_total", "Segments that had to be recovered at the start."),

		listened:      counter("listeners_total", "Listeners who got the stream."),
		listenRefused: counters("listeners_refused_total", "Listeners refused.", "reason"),
		listenEnded:   counters("listeners_ended_total", "Listeners gone.", "cause"),
		listenBytes:   counter("listener_bytes_total", "Bytes sent to listeners."),
		syncTook: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "deadair_recorder_sync_seconds", Help: "How long a round of syncs took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
		}),
	}
	m.registry.MustRegister(m.accepted, m.refused, m.ended, m.probes, m.bytes, m.audio, m.synced, m.syncTook,
		m.diskErrors, m.recovered, m.opaque, m.listened, m.listenRefused, m.listenEnded, m.listenBytes,
		gauge("listeners", "Listeners.", func() float64 { return float64(r.listeners.Load()) }),
		gauge("sources", "Sources being recorded.", func() float64 { return float64(r.shows.slots()) }),
		gauge("capacity", "Sources that may be recorded at once.", func() float64 { return float64(r.cfg.Capacity) }),
		gauge("connections", "Connections on the source port, without listeners.", func() float64 { return float64(r.sources.conns.Load()) }),
		gauge("disk_free_bytes", "Bytes free on the disk.", func() float64 { return float64(r.watch.condition().free) }),
		gauge("publish_waiting", "Shows that are over and not in the store.", func() float64 { _, body := r.health(); return float64(body.Waiting) }),
		gauge("notices_waiting", "Mails to broadcasters that were not sent yet.", func() float64 { _, body := r.health(); return float64(body.Notices) }),
		gauge("notices_held", "Mails to broadcasters that are held back because they say nothing.", func() float64 { _, body := r.health(); return float64(body.Held) }),
		gauge("disk_total_bytes", "Bytes of the disk.", func() float64 { return float64(r.watch.condition().total) }),
	)
	return m
}

// round takes note of a round of syncs.
func (m *metrics) round(files int, took time.Duration) {
	m.synced.Add(float64(files))
	m.syncTook.Observe(took.Seconds())
}
