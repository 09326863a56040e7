package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// shelf is a library in memory whose segments are files of a folder, or one frame each.
type shelf struct {
	mu     sync.Mutex
	dir    string
	lines  map[string][]manifest.Line
	frames []byte
}

func (s *shelf) Pending() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for name := range s.lines {
		all = append(all, name)
	}
	slices.Sort(all)
	return all, nil
}

func (s *shelf) State(session string) (manifest.State, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := manifest.Replay(s.lines[session])
	return state, ok, nil
}

func (s *shelf) Note(session string, lines ...manifest.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		l.At = time.Now()
		s.lines[session] = append(s.lines[session], l)
	}
	return nil
}

func (s *shelf) Open(session, file string) (io.ReadCloser, error) {
	if s.dir == "" {
		return io.NopCloser(bytes.NewReader(s.frames)), nil
	}
	return os.Open(filepath.Join(s.dir, session, file))
}

func (s *shelf) Remove(session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lines, session)
	return nil
}

func (*shelf) Short() bool { return false }

// put adds a session that is over.
func (s *shelf) put(session string, bytes int64, segments int) {
	lines := []manifest.Line{{Type: manifest.Session, Session: session, Mount: "/" + session, Recorder: "r1"}, {Type: manifest.Source, Epoch: 1}}
	for i := range segments {
		name := fmt.Sprintf("1-%d.mp3", i+1)
		lines = append(lines, manifest.Line{Type: manifest.Segment, Epoch: 1, File: name}, manifest.Line{Type: manifest.Sealed, Epoch: 1, File: name, Bytes: bytes, Cause: manifest.Length})
	}
	s.lines[session] = append(lines, manifest.Line{Type: manifest.Ended, Epoch: 1}, manifest.Line{Type: manifest.Finished, At: time.Now()})
}

// alone is a recorder without peers.
type alone struct{}

func (alone) Holdings(context.Context, string) ([]Holding, int) { return nil, 0 }
func (alone) Open(context.Context, string, string, string) (io.ReadCloser, error) {
	return nil, os.ErrNotExist
}

func newPublisher(store objects.Store, library Library) *Publisher {
	return New(Config{
		Name: "r1", Store: store, Library: library, Peers: alone{}, Every: 5 * time.Second, Patience: time.Minute,
		Backoff: time.Second, BackoffMost: 30 * time.Second, Keep: time.Hour, PartBytes: 5 << 20, Workers: 2,
		Wall: time.Now, Rand: rand.New(rand.NewPCG(1, 1)), Log: slog.New(slog.DiscardHandler),
	})
}

// sick is a store that is dead until it is well, and slow like one across an ocean.
type sick struct {
	objects.Store
	mu    sync.Mutex
	well  bool
	asked int // while it was dead
	most  int // at once
	now   int
}

func (s *sick) meet() error {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	well := s.well
	if !well {
		s.asked++
	}
	s.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	if !well {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// heal makes it well and tells how often it was asked while it was dead.
func (s *sick) heal() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.well = true
	return s.asked
}

func (s *sick) Get(ctx context.Context, key string) ([]byte, objects.Info, error) {
	if err := s.meet(); err != nil {
		return nil, objects.Info{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *sick) Complete(ctx context.Context, key, id string, tags []string, c objects.Condition) error {
	if err := s.meet(); err != nil {
		return err
	}
	return s.Store.Complete(ctx, key, id, tags, c)
}

// TestDeadStoreIsNotStormed: 200 tracks wait for ten minutes while the store is dead,
// ask it hardly more than one would, and are in it within two minutes once it is well.
func TestDeadStoreIsNotStormed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		library := &shelf{lines: map[string][]manifest.Line{}, frames: frames(100)}
		for i := range 200 {
			library.put(fmt.Sprintf("s%03d", i), int64(len(library.frames)), 1)
		}
		store := &sick{Store: objects.NewDir(env.OSDisk(dir), "tracks")}
		p := newPublisher(store, library)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		require.Equal(t, 200, p.Waiting())
		require.False(t, p.Able())
		asked := store.heal()
		require.Less(t, asked, 120, "requests in ten minutes")
		healed := time.Now()
		for p.Waiting() > 0 && time.Since(healed) < 10*time.Minute {
			time.Sleep(100 * time.Millisecond)
		}
		took := time.Since(healed)
		stop()
		<-done
		t.Logf("%d requests while it was dead; empty %v after it was well; %d at once", asked, took.Round(time.Second), store.most)
		require.LessOrEqual(t, took, 2*time.Minute)
		require.LessOrEqual(t, store.most, 2)
	})
}

// frameBytes is the size of a frame.
const frameBytes = 417

// frames are playable frames, all different.
func frames(n int) []byte {
	b := make([]byte, 0, n*frameBytes)
	for i := range n {
		f := make([]byte, frameBytes)
		copy(f, []byte{0xFF, 0xFB, 0x90, 0x00})
		f[100], f[101], f[102] = byte(i), byte(i>>8), byte(i>>16)
		b = append(b, f...)
	}
	return b
}

// BenchmarkJoinThreeHours joins a show of three hours in 12 segments from disk, as
// publishing does: twice, the second time in parts of 5 MiB that go nowhere.
func BenchmarkJoinThreeHours(b *testing.B) {
	dir := b.TempDir()
	const segments = 12
	library := &shelf{dir: dir, lines: map[string][]manifest.Line{}}
	quarter := quarterHours(b, filepath.Join(dir, "s1"), segments)
	library.put("s1", quarter, segments)
	state, _, err := library.State("s1")
	require.NoError(b, err)
	mine := HoldingOf("r1", state)
	b.SetBytes(quarter * segments)
	b.ReportAllocs()
	var most uint64
	for b.Loop() {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		stop := make(chan struct{})
		peak := make(chan uint64)
		go func() {
			top := uint64(0)
			for {
				select {
				case <-stop:
					peak <- top
					return
				case <-time.After(5 * time.Millisecond):
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					top = max(top, m.HeapInuse-min(m.HeapInuse, before.HeapInuse))
				}
			}
		}()
		p := newPublisher(&nowhere{}, library)
		s := &sitting{p: p, ctx: b.Context(), mine: mine, state: state}
		out := s.publish("s1.json", "", Record{}, Edition{Revision: 1, Plan: planOf(mine.Parts), Parts: mine.Parts})
		require.NoError(b, out.err)
		close(stop)
		most = max(most, <-peak)
	}
	b.ReportMetric(float64(most)/(1<<20), "MiB-peak")
}

// quarterHours writes n segments of a quarter of an hour each and tells the size of one in bytes.
func quarterHours(b *testing.B, dir string, n int) int64 {
	b.Helper()
	data := frames(34_450)
	require.NoError(b, os.MkdirAll(dir, 0o755))
	for i := range n {
		require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("1-%d.mp3", i+1)), data, 0o644))
	}
	return int64(len(data))
}

// nowhere is a store that takes all and keeps nothing but its size.
type nowhere struct {
	objects.Store
	info objects.Info
	done bool
}

func (n *nowhere) Head(context.Context, string) (objects.Info, error) {
	if !n.done {
		return objects.Info{}, objects.ErrNotFound
	}
	return n.info, nil
}

func (*nowhere) Put(context.Context, string, []byte, objects.Condition) (string, error) {
	return "t", nil
}

func (n *nowhere) Begin(_ context.Context, _, _ string, meta map[string]string) (string, error) {
	n.info.Meta = meta
	return "u", nil
}

func (n *nowhere) Part(_ context.Context, _, _ string, _ int, body []byte) (string, error) {
	n.info.Size += int64(len(body))
	return "p", nil
}

func (n *nowhere) Complete(context.Context, string, string, []string, objects.Condition) error {
	n.done = true
	return nil
}

func (*nowhere) Uploads(context.Context, string) ([]string, error) { return nil, nil }
