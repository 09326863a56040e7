package recorder_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder"
	"deadair/balancer/recorder/objects"
	"deadair/fakes/disk"
)

// mortal is one of them.
type mortal struct {
	p      *pair
	name   string
	ip     string
	disk   *disk.Disk
	mount  *disk.Mounted
	dieAt  int   // its change of the disk; 0 for none
	callAt int64 // … or its call of the store
	after  bool  // after that has had its effect
	calls  atomic.Int64
	dead   atomic.Bool
	cancel context.CancelFunc
	ended  chan error
}

// start starts a recorder, perhaps to die.
func (m *mortal) start(doomed bool) {
	m.dieAt, m.callAt, m.after = 0, 0, false
	m.calls.Store(0)
	m.dead.Store(false)
	switch rng := m.p.rng; {
	case !doomed:
		m.mount = m.disk.Mount()
	case rng.IntN(2) == 0:
		m.dieAt = 1 + rng.IntN(m.p.of(70, 400))
		m.mount = m.disk.MountFor(m.dieAt)
	default:
		m.callAt, m.after = int64(1+rng.IntN(m.p.of(14, 20))), rng.IntN(2) == 0
		m.mount = m.disk.Mount()
	}
	cfg := recorder.Config{
		Name: m.name, Window: 2 * time.Second, SweepInterval: time.Second, PublishInterval: time.Second, PeerPatience: 5 * time.Second,
		Keep: time.Second, DiskInterval: time.Hour, SegmentLength: 2 * time.Second,
	}
	for _, o := range m.p.nodes {
		if o != m {
			cfg.Peers = append(cfg.Peers, recorder.Peer{Name: o.name, Admin: o.ip + ":8001"})
		}
	}
	e := m.p.net.Env(m.name, m.ip, slog.New(slog.DiscardHandler))
	e.Disk = m.mount
	parts := recorder.Parts{Store: &mortalStore{m.p.store, m}, Journal: m.p.defect.journal}
	if m.p.defect.disk != nil {
		e.Disk = m.p.defect.disk(e.Disk)
	}
	e.Rand = func(string) *rand.Rand { return rand.New(rand.NewPCG(m.p.seed, uint64(m.ip[len(m.ip)-1]))) }
	r, err := recorder.New(cfg, e, parts)
	require.NoError(m.p.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.ended = cancel, make(chan error, 1)
	go func() { m.ended <- r.Serve(ctx) }()
	synctest.Wait()
}

// died tells whether the recorder has met its end.
func (m *mortal) died() bool {
	return m.dead.Load() || m.dieAt > 0 && m.mount.Changes() >= m.dieAt
}

// bury ends what is left of a recorder that has died, with its power or without, and
// takes note of what it leaves.
func (m *mortal) bury() {
	m.dead.Store(true)
	m.mount.Unmount()
	m.p.net.Cut(m.ip, clientIP)
	for _, o := range m.p.nodes {
		m.p.net.Cut(m.ip, o.ip)
	}
	m.cancel()
	<-m.ended
	m.cancel = nil
	m.p.hit["deaths"]++
	switch m.p.rng.IntN(3) {
	case 0:
		m.p.hit["power cut"]++
		m.disk.PowerCut()
		m.p.keep(m)
	case 1:
		m.p.hit["torn power cut"]++
		m.disk.PowerCutTorn(m.p.rng)
		m.p.keep(m)
	default:
		m.p.hit["kill"]++
	}
	m.p.tally(m)
}

// errDead is what a store tells somebody who has died.
var errDead = errors.New("nobody asked")

// mortalStore is the store as one recorder sees it, who may die before or after a call.
type mortalStore struct {
	objects.Store
	m *mortal
}

// call does one thing, unless its caller has died, or dies before it.
func (s *mortalStore) call(do func() error) error {
	m := s.m
	if m.died() {
		return errDead
	}
	last := m.calls.Add(1) == m.callAt
	if last && !m.after {
		m.die()
		return errDead
	}
	err := do()
	if last {
		m.die()
		return errDead
	}
	return err
}

func (m *mortal) die() {
	m.mount.Unmount()
	m.dead.Store(true)
}

func (s *mortalStore) Get(ctx context.Context, key string) (data []byte, info objects.Info, err error) {
	s.m.p.keepSealed(s.m)
	return data, info, s.call(func() (err error) { data, info, err = s.Store.Get(ctx, key); return err })
}

func (s *mortalStore) Range(ctx context.Context, key, tag string, from, n int64) (data []byte, err error) {
	err = s.call(func() (err error) { data, err = s.Store.Range(ctx, key, tag, from, n); return err })
	return data, err
}

func (s *mortalStore) Head(ctx context.Context, key string) (info objects.Info, err error) {
	err = s.call(func() (err error) { info, err = s.Store.Head(ctx, key); return err })
	return info, err
}

func (s *mortalStore) Put(ctx context.Context, key string, body []byte, c objects.Condition) (tag string, err error) {
	err = s.call(func() (err error) { tag, err = s.Store.Put(ctx, key, body, c); return err })
	return tag, err
}

func (s *mortalStore) Begin(ctx context.Context, key, kind string, meta map[string]string) (id string, err error) {
	err = s.call(func() (err error) { id, err = s.Store.Begin(ctx, key, kind, meta); return err })
	return id, err
}

func (s *mortalStore) Part(ctx context.Context, key, id string, n int, body []byte) (tag string, err error) {
	err = s.call(func() (err error) { tag, err = s.Store.Part(ctx, key, id, n, body); return err })
	return tag, err
}

func (s *mortalStore) Complete(ctx context.Context, key, id string, tags []string, c objects.Condition) error {
	return s.call(func() error { return s.Store.Complete(ctx, key, id, tags, c) })
}

func (s *mortalStore) Abort(ctx context.Context, key, id string) error {
	return s.call(func() error { return s.Store.Abort(ctx, key, id) })
}

func (s *mortalStore) Uploads(ctx context.Context, key string) (ids []string, err error) {
	err = s.call(func() (err error) { ids, err = s.Store.Uploads(ctx, key); return err })
	return ids, err
}
