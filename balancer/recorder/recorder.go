// Package recorder is the recording server: it takes sources from balancers, cuts
// what they send on frame boundaries into segments on disk, and keeps a manifest of
// each session. What it has told about survives the death of the process, and, except
// for the last second of audio, a power cut.
//
// On disk: <session>/<epoch>-<n>.<ext>, n from 1, and <session>/manifest.jsonl.
//
// It serves what it records to listeners, as Icecast does: GET /mount with the last
// seconds at once and titles in between, and /status-json.xsl. They never make a
// recording wait. A mount called as one of its own questions, such as /health, is
// recorded but cannot be listened to.
//
// When a show is over it is joined and put into an object store, if there is one: see
// package publish. Its broadcaster is told by mail, if there is a relay: see package notice.
//
// It decides which connection of a show is recorded (see [Fence]) and whether there is
// room. It knows no accounts.
package recorder

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/balancer/recorder/feed"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/notice"
	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
)

// Parts are what a recorder is made of besides its Config. The zero Parts is right.
type Parts struct {
	// Fence decides about epochs; nil: only higher ones than all before are accepted.
	Fence Fence
	// Store is where finished shows go; nil: the one that the configuration names.
	Store objects.Store
	// Order sorts what all recorders have of a session; nil: by epoch.
	Order func([]publish.Part)
	// Journal keeps how far publishing has come; nil: the session's manifest.
	Journal func(publish.Library) publish.Library
	// Guard looks at mails before they are sent; nil: they must say something.
	Guard func(notice.Mail, notice.Notice) error
	// Sender stands before the relay; nil: nobody does.
	Sender func(notice.Sender) notice.Sender
}

// Recorder is a recording server.
type Recorder struct {
	cfg      Config
	env      env.Env
	log      *slog.Logger
	shows    *registry
	syncer   *syncer
	watch    *watch
	buffers  buffers
	library  *library
	press    *publish.Publisher // nil: nothing is published
	post     *notice.Post       // nil: nobody is told
	metrics  *metrics
	probing  chan struct{} // of one: held while a probe writes
	draining atomic.Bool
	sources  port // and questions
	public   port

	listeners atomic.Int64
	started   time.Time // wall clock
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env, parts Parts) (*Recorder, error) {
	cfg = cfg.WithDefaults(e.Host)
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("recorder config: %w", err)
	}
	if parts.Fence == nil {
		parts.Fence = strict{}
	}
	r := &Recorder{cfg: cfg, env: e, log: e.Log, probing: make(chan struct{}, 1), started: e.Wall()}
	r.public.public = true
	r.shows = &registry{
		capacity: cfg.Capacity, max: cfg.MaxMounts, fence: parts.Fence, window: cfg.Window, shows: map[string]*show{},
		feeds: feed.Config{Burst: cfg.Burst, Backlog: cfg.Backlog, Batch: cfg.ListenerBatch},
	}
	r.library = newLibrary(r)
	var err error
	if r.post, err = r.poster(parts); err != nil {
		return nil, fmt.Errorf("recorder config: %w", err)
	}
	r.press = r.publisher(parts)
	r.metrics = newMetrics(r)
	// Rounds come twice per interval: what is written just after one waits for the next.
	interval := max(cfg.SyncInterval/2, 1)
	r.syncer = &syncer{
		disk: e.Disk, interval: interval, phase: e.Phase("sync", interval), wake: make(chan struct{}, 1),
		failed: r.diskTrouble, synced: r.metrics.round,
	}
	r.watch = &watch{
		disk: e.Disk, wall: e.Wall, fullAt: cfg.FullAt, handOverAt: cfg.HandOverAt,
		deadline: cfg.DiskDeadline, handOver: r.handOver,
	}
	return r, nil
}

// Run is a recorder with the configuration of its Env, until ctx is done.
func Run(ctx context.Context, e env.Env) error {
	var cfg Config
	if len(e.Config) > 0 {
		var err error
		if cfg, err = ParseConfig(e.Config); err != nil {
			return err
		}
	}
	r, err := New(cfg, e, Parts{})
	if err != nil {
		return err
	}
	return r.Serve(ctx)
}

// Serve recovers what is on disk, then listens and records until ctx is done. It
// returns nil then, after all sources have been written to their end. It is to be
// called once.
func (r *Recorder) Serve(ctx context.Context) error {
	if err := r.recover(); err != nil {
		return fmt.Errorf("recover recordings: %w", err)
	}
	if r.post != nil {
		if err := r.post.Open(); err != nil {
			return fmt.Errorf("recover notices: %w", err)
		}
	}
	r.watch.check()
	group, inner := errgroup.WithContext(ctx)
	if err := r.listen(inner, group); err != nil {
		return err
	}
	group.Go(func() error { r.syncer.run(inner); return nil })
	group.Go(func() error {
		r.watch.run(inner, r.cfg.DiskInterval, r.env.Phase("disk", r.cfg.DiskInterval))
		return nil
	})
	group.Go(func() error { r.sweep(inner); return nil })
	if r.press != nil {
		group.Go(func() error { r.press.Run(inner); return nil })
	}
	if r.post != nil {
		group.Go(func() error { r.post.Run(inner); return nil })
	}
	return group.Wait()
}

// listen opens all ports and serves them in the group, or none of them.
func (r *Recorder) listen(ctx context.Context, group *errgroup.Group) error {
	ports := []struct {
		of, addr string
		serve    func(ctx context.Context, l net.Listener) error
	}{
		{"sources", r.cfg.Listen, func(ctx context.Context, l net.Listener) error { return r.servePort(ctx, &r.sources, l) }},
		{"operators", r.cfg.Admin, r.serveAdmin},
		{"listeners", r.cfg.Public, func(ctx context.Context, l net.Listener) error { return r.servePort(ctx, &r.public, l) }},
	}
	if r.cfg.Public == "" {
		ports = ports[:2]
	}
	open := make([]net.Listener, len(ports))
	for i, p := range ports {
		l, err := r.env.Listen(ctx, "tcp", p.addr)
		if err != nil {
			for _, l := range open[:i] {
				_ = l.Close()
			}
			return fmt.Errorf("listen for %s: %w", p.of, err)
		}
		open[i] = l
	}
	for i, p := range ports {
		r.log.Info("listening", "for", p.of, "addr", open[i].Addr().String())
		group.Go(func() error { return p.serve(ctx, open[i]) })
	}
	return nil
}

// SetDraining starts or ends draining: no new shows are taken, those that are here go
// on and may reconnect.
func (r *Recorder) SetDraining(draining bool) {
	if r.draining.Swap(draining) != draining {
		r.log.Info("draining changed", "draining", draining)
	}
}

// Config is the configuration with its defaults.
func (r *Recorder) Config() Config { return r.cfg }

// WaitIdle waits until no show is held any more, or ctx is done. It looks every
// SweepInterval.
func (r *Recorder) WaitIdle(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if r.shows.held(time.Now()) == 0 {
			return
		}
		timer.Reset(r.cfg.SweepInterval)
	}
}

// handOver makes all sources go elsewhere.
func (r *Recorder) handOver() {
	for _, src := range r.shows.live() {
		r.log.Warn("source handed over: disk full", "mount", src.mount)
		src.stop(manifest.DiskFull, r.cfg.TakeoverGrace)
	}
}

// diskTrouble takes note of an error of the disk.
func (r *Recorder) diskTrouble(err error) {
	r.metrics.diskErrors.Inc()
	r.watch.trouble(err)
	r.log.Error("disk error", "err", err)
}

// SetTitle keeps what a mount is playing, cut to 1 KiB. It is false when nobody holds
// the mount.
func (r *Recorder) SetTitle(mount, title string) (bool, error) {
	title = clip(title, 1<<10)
	rec, ok := r.shows.setTitle(mount, title, time.Now())
	if rec == nil {
		return ok, nil
	}
	if err := rec.note(title); err != nil {
		r.diskTrouble(err)
		return true, fmt.Errorf("note title: %w", err)
	}
	return true, nil
}
