package recorder_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
	"deadair/fakes/disk"
)

// heldStore is a store whose first object takes as long as the test wants.
type heldStore struct {
	objects.Store
	first         sync.Once
	begun, finish chan struct{}
}

func newHeldStore(t *testing.T) *heldStore {
	t.Helper()
	d, err := disk.New(disk.Config{})
	require.NoError(t, err)
	return &heldStore{Store: objects.NewDir(d.Mount(), "tracks"), begun: make(chan struct{}), finish: make(chan struct{})}
}

func (s *heldStore) Complete(ctx context.Context, key, upload string, tags []string, c objects.Condition) error {
	s.first.Do(func() {
		close(s.begun)
		<-s.finish
	})
	return s.Store.Complete(ctx, key, upload, tags, c)
}

// epochs are those of what is published of a session.
func (s *heldStore) epochs(t *testing.T, session string) (all []int64) {
	t.Helper()
	data, _, err := s.Get(t.Context(), publish.RecordKey("", session))
	require.NoError(t, err)
	var r publish.Record
	require.NoError(t, json.Unmarshal(data, &r))
	require.NotNil(t, r.Edition)
	for _, p := range r.Edition.Parts {
		all = append(all, p.Epoch)
	}
	return all
}

// TestSourceComesBackWhileItsShowIsPublished: what was over then does not stand for what
// comes after it, however late the store has it, and whatever happens meanwhile.
func TestSourceComesBackWhileItsShowIsPublished(t *testing.T) {
	for name, then := range map[string]func(g *rig, again *live, finish func()){
		"and goes on": func(_ *rig, again *live, finish func()) {
			finish()
			again.play(time.Second)
			again.hangUp()
		},
		"and is gone before": func(_ *rig, again *live, finish func()) {
			again.hangUp()
			time.Sleep(10 * time.Second)
			finish()
		},
		"and the recorder dies": func(g *rig, _ *live, finish func()) {
			finish()
			time.Sleep(10 * time.Second)
			g.kill()
			g.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				store := newHeldStore(t)
				g.parts.Store, g.cfg.Window = store, time.Second
				g.start()
				l := g.onAir(show("s1", 1))
				l.send(10)
				l.hangUp()
				<-store.begun
				again := g.onAir(show("s1", 2))
				again.send(10)
				then(g, again, func() { close(store.finish) })
				time.Sleep(time.Minute)
				require.Equal(t, []int64{1, 2}, store.epochs(t, "s1"))
				time.Sleep(25 * time.Hour)
				_, err := g.mount.ReadDir("s1")
				require.ErrorIs(t, err, fs.ErrNotExist, "the store has it")
				require.Equal(t, []int64{1, 2}, store.epochs(t, "s1"))
			})
		})
	}
}
