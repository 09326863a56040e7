package recorder_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
	"deadair/balancer/env/envtest"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
	"deadair/fakes/disk"
)

var (
	lives = flag.Int("lives", 150, "how many lives of a show the explorer plays, each with kills and power cuts")
	life  = flag.Int("life", -1, "the only life that it plays")
)

// TestNoKillLosesOrDoublesAShow: two recorders record a show in turn and publish it,
// and are killed, or lose their power, at any of their changes of a disk and before and
// after anything they ask of the store. In the end it is in the store once, with every
// frame that was durable.
func TestNoKillLosesOrDoublesAShow(t *testing.T) {
	hit := map[string]int{}
	for seed := range uint64(*lives) {
		if *life >= 0 {
			seed = uint64(*life)
		}
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, seed)
			defer p.end()
			p.live()
			for stage, n := range p.hit {
				hit[stage] += n
			}
			p.judge()
		})
		if t.Failed() {
			t.Fatalf("again: go test -run %s -lives 1 -life %d", t.Name(), seed)
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(hit)) {
		t.Logf("%-18s %6d", stage, hit[stage])
	}
	if *lives < 150 {
		return
	}
	for _, stage := range []manifest.Type{manifest.Stitched, manifest.Uploading, manifest.Completing, manifest.Published, manifest.Collected} {
		require.Positive(t, hit[string(stage)+" before"]+hit[string(stage)+" after"], stage)
		for _, when := range []string{"before", "after"} {
			least := 0
			if *lives >= 5000 {
				least = 20
			}
			require.GreaterOrEqual(t, hit[string(stage)+" "+when], least, "%s the effect of %s", when, stage)
		}
	}
	require.Positive(t, hit[string(manifest.Verified)])
}

// pair is two recorders that share a store.
type pair struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	net   *envtest.Net
	store objects.Store
	nodes [2]*mortal
	kept  map[uint64]bool // frames that were durable at some time
	hit   map[string]int
	next  uint64 // frame
}

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

func newPair(t *testing.T, seed uint64) *pair {
	storeDisk, err := disk.New(disk.Config{})
	require.NoError(t, err)
	p := &pair{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), net: new(envtest.Net),
		store: objects.NewDir(storeDisk.Mount(), "."), kept: map[uint64]bool{}, hit: map[string]int{},
	}
	for i := range p.nodes {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		p.nodes[i] = &mortal{p: p, name: fmt.Sprintf("recorder-%d", i+1), ip: fmt.Sprintf("10.0.0.%d", 11+i), disk: d}
	}
	return p
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
		m.dieAt = 1 + rng.IntN(70)
		m.mount = m.disk.MountFor(m.dieAt)
	default:
		m.callAt, m.after = int64(1+rng.IntN(14)), rng.IntN(2) == 0
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
	e.Rand = func(string) *rand.Rand { return rand.New(rand.NewPCG(m.p.seed, uint64(m.ip[len(m.ip)-1]))) }
	r, err := recorder.New(cfg, e, recorder.Parts{Store: &mortalStore{m.p.store, m}})
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
	switch m.p.rng.IntN(3) {
	case 0:
		m.disk.PowerCut()
		m.p.keep(m)
	case 1:
		m.disk.PowerCutTorn(m.p.rng)
		m.p.keep(m)
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

// live plays the show and what befalls it, and heals.
func (p *pair) live() {
	for i, m := range p.nodes {
		m.start(i == int(p.seed%2))
	}
	deaths := 0
	for _, epoch := range []int64{1, 2, 3} {
		p.broadcast(p.nodes[epoch%2], epoch)
		deaths += p.reap(deaths)
	}
	for range 120 {
		time.Sleep(250 * time.Millisecond)
		deaths += p.reap(deaths)
	}
	for _, m := range p.nodes {
		if m.died() || m.callAt > 0 || m.dieAt > 0 {
			if !m.died() {
				m.die()
			}
			m.bury()
			m.start(false)
		}
		p.keep(m)
	}
	for range 600 {
		time.Sleep(time.Second)
		if p.settled() {
			return
		}
	}
	p.t.Errorf("life %d: not settled after ten minutes: %v", p.seed, p.left())
	for _, m := range p.nodes {
		d := m.disk.Mount()
		if f, err := d.OpenFile("s1/"+manifest.File, 0); err == nil {
			_ = f.Close()
			p.t.Logf("%s:\n%s", m.name, readFile(p.t, d, "s1/"+manifest.File))
		}
		d.Unmount()
	}
	p.t.Logf("%+v", p.record())
}

// reap buries who has died, and starts them again, at most thrice to die again.
func (p *pair) reap(deaths int) (more int) {
	for _, m := range p.nodes {
		if !m.died() {
			continue
		}
		m.bury()
		more++
		time.Sleep(time.Duration(p.rng.IntN(3000)) * time.Millisecond)
		m.start(deaths+more < 3)
		if !m.died() {
			p.keep(m) // it has made durable what a kill had left
		}
	}
	return more
}

// broadcast sends some frames, if the recorder takes them.
func (p *pair) broadcast(m *mortal, epoch int64) {
	conn, err := p.net.Env("balancer-1", clientIP, nil).DialContext(context.Background(), "tcp", m.ip+":8000")
	if err != nil {
		return
	}
	defer conn.Close()
	h := icecast.Head{Method: "PUT", Target: "/show", Proto: "HTTP/1.1"}
	for name, value := range map[string]string{"Session": "s1", "Epoch": fmt.Sprint(epoch), "Account": "anna", "Mount": "/show"} {
		h.Header.Add("Deadair-"+name, value)
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := h.WriteTo(conn); err != nil {
		return
	}
	if reply, err := icecast.ReadReply(conn); err != nil || reply.Status != 200 {
		return
	}
	for range 8 {
		p.send(conn)
		time.Sleep(400 * time.Millisecond)
		if m.died() {
			return
		}
	}
}

func (p *pair) send(conn net.Conn) {
	var b []byte
	for range 5 {
		b = append(b, frame(p.next)...)
		p.next++
	}
	_, _ = conn.Write(b) // the recorder may be dead
	synctest.Wait()
}

// keep takes note of the frames on a recorder's disk.
func (p *pair) keep(m *mortal) {
	d := m.disk.Mount()
	defer d.Unmount()
	entries, err := d.ReadDir("s1")
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Name() != manifest.File {
			p.frames(readFile(p.t, d, "s1/"+e.Name()), func(n uint64) { p.kept[n] = true })
		}
	}
}

// frames reads the numbers of whole frames.
func (p *pair) frames(data []byte, f func(uint64)) {
	split := audio.Splitter{Format: audio.MP3}
	for len(data) > 0 {
		u, ok := split.Next(data, true)
		if !ok {
			return
		}
		if u.Kind == audio.Frame && u.Length == frameSize {
			f(numberOf(data))
		}
		data = data[u.Length:]
	}
}

func numberOf(b []byte) (n uint64) {
	for _, c := range b[40:47] {
		n = n<<8 | uint64(c)
	}
	return n
}

// tally takes note of how far publishing was where somebody died.
func (p *pair) tally(m *mortal) {
	d := m.disk.Mount()
	defer d.Unmount()
	entries, _ := d.ReadDir("s1") // it may be gone
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == manifest.File }) {
		if p.record().Edition != nil {
			p.hit["collected after"]++
		}
		return
	}
	lines, _, _ := manifest.Parse(readFile(p.t, d, "s1/"+manifest.File))
	s, ok := manifest.Replay(lines)
	switch {
	case !ok || !s.Finished:
		p.hit["recording"]++
	case s.Stage == "":
		p.hit["finished"]++
	case s.Stage == manifest.Verified:
		p.hit["verified"]++
	case s.Stage == manifest.Collected:
		segments := 0
		for _, l := range lines {
			if l.Type == manifest.Segment {
				segments++
			}
		}
		p.hit["collected "+when(len(entries)-1 < segments)]++
	default:
		p.hit[string(s.Stage)+" "+when(p.done(s))]++
	}
}

func when(done bool) string {
	if done {
		return "after"
	}
	return "before"
}

// done tells whether what a stage was written before has been done.
func (p *pair) done(s manifest.State) bool {
	r := p.record()
	switch s.Stage {
	case manifest.Stitched:
		return r.Edition != nil && r.Edition.Plan == s.Plan || slices.ContainsFunc(r.Underway, func(e publish.Edition) bool { return e.Plan == s.Plan })
	case manifest.Uploading:
		ids, err := p.store.Uploads(context.Background(), "s1.mp3")
		require.NoError(p.t, err)
		return len(ids) > 0
	case manifest.Completing:
		info, err := p.store.Head(context.Background(), "s1.mp3")
		return err == nil && info.Meta["deadair-plan"] == s.Plan
	}
	return r.Edition != nil && r.Edition.Plan == s.Plan
}

func (p *pair) record() (r publish.Record) {
	data, _, err := p.store.Get(context.Background(), "s1.json")
	if errors.Is(err, objects.ErrNotFound) {
		return r
	}
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(data, &r))
	return r
}

// left lists what is still on the disks.
func (p *pair) left() (all []string) {
	for _, m := range p.nodes {
		d := m.disk.Mount()
		if entries, err := d.ReadDir("s1"); err == nil {
			for _, e := range entries {
				all = append(all, m.name+"/"+e.Name())
			}
		}
		d.Unmount()
	}
	return all
}

// settled tells whether nothing is left to do.
func (p *pair) settled() bool { return len(p.left()) == 0 }

// judge reads what is in the store.
func (p *pair) judge() {
	if len(p.kept) == 0 {
		return // nothing was durable, and nothing is there or something of it
	}
	r := p.record()
	require.NotNil(p.t, r.Edition, "life %d: nothing published", p.seed)
	require.Empty(p.t, r.Underway)
	require.Len(p.t, r.Edition.Tracks, 1, "life %d", p.seed)
	track := r.Edition.Tracks[0]
	data, info, err := p.store.Get(context.Background(), track.Key)
	require.NoError(p.t, err)
	require.Equal(p.t, track.Bytes, info.Size)
	require.Equal(p.t, r.Edition.Plan, info.Meta["deadair-plan"])
	last, got := -1, map[uint64]bool{}
	p.frames(data, func(n uint64) {
		require.Greater(p.t, int(n), last, "life %d: frame %d after %d", p.seed, n, last)
		last = int(n)
		got[n] = true
	})
	for n := range p.kept {
		require.True(p.t, got[n], "life %d: frame %d was durable and is not in the track", p.seed, n)
	}
	ids, err := p.store.Uploads(context.Background(), track.Key)
	require.NoError(p.t, err)
	require.Empty(p.t, ids, "life %d: uploads left half done", p.seed)
	_, err = p.store.Head(context.Background(), strings.Replace(track.Key, ".", "-2.", 1))
	require.ErrorIs(p.t, err, objects.ErrNotFound)
}

// end stops who lives.
func (p *pair) end() {
	var all sync.WaitGroup
	for _, m := range p.nodes {
		if m.cancel != nil {
			m.cancel()
			all.Go(func() { <-m.ended })
		}
	}
	all.Wait()
	time.Sleep(3 * time.Minute) // idle connections end
}
