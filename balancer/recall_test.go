package balancer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/session"
)

// The index let a session lapse, for its balancer could not renew it: the recorder
// that holds it is asked, and it goes on there.
func TestLapsedSessionIsRecalledFromItsRecorder(t *testing.T) {
	soon, past := time.Minute, -time.Second
	for name, c := range map[string]struct {
		held   fakeShow
		left   time.Duration // of the window at the recorder
		unseen bool          // the index does not know the mount
		away   bool          // the index fails when the session is to be given up
		epoch  int64         // recalled with; 0: it is not
	}{
		"waiting for its source":    {held: fakeShow{account: "anna", epoch: 7}, left: soon, epoch: 9},
		"on air":                    {held: fakeShow{account: "anna", epoch: 7, live: true}, left: past, epoch: 9},
		"ahead of the index":        {held: fakeShow{account: "anna", epoch: 20, guessd: true}, left: soon, epoch: 21},
		"its window has passed":     {held: fakeShow{account: "anna", epoch: 7}, left: past},
		"somebody else's":           {held: fakeShow{account: "bert", epoch: 7}, left: soon},
		"a mount that is not known": {held: fakeShow{account: "anna", epoch: 7}, left: soon, unseen: true},
		"the index goes away":       {held: fakeShow{account: "anna", epoch: 7}, left: soon, away: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(_ *balancer.Config, p *balancer.Parts) {
				p.Store = &keepingStore{memStore: p.Store.(*memStore), keeps: c.away}
			}, func(t *testing.T, r *rig) {
				owner := r.recorders[3]
				require.NotEqual(t, owner, r.first("/show"))
				c.held.id, c.held.until = "lapsed", time.Now().Add(c.left)
				owner.hold("/show", c.held)
				if !c.unseen {
					r.store.lapsed(session.Session{Mount: "/show", ID: "lapsed", Account: "anna", Recorder: owner.name, Epoch: 7})
				}
				client := r.ask(put("/show", "anna", "secret"))
				require.Equal(t, 200, client.code)
				require.Zero(t, client.took)
				synctest.Wait()
				row := r.store.row("/show")
				if c.epoch == 0 {
					require.NotEqual(t, owner.name, row.Recorder)
					require.NotEqual(t, "lapsed", row.ID)
					require.Zero(t, owner.offered("/show"))
					return
				}
				require.Equal(t, "lapsed", owner.show("/show").id)
				require.True(t, owner.show("/show").live)
				require.Equal(t, c.epoch, owner.show("/show").epoch)
				require.Equal(t, 1, owner.offered("/show"), "with an epoch above its own at once")
				require.Equal(t, session.Session{
					Mount: "/show", ID: "lapsed", Account: "anna", Datacenter: "eu", Recorder: owner.name, Epoch: c.epoch, Until: row.Until,
				}, row)
			})
		})
	}
}

// lapsed writes a session whose window has passed.
func (m *memStore) lapsed(s session.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Until = time.Now().Add(-time.Second)
	m.rows[s.Mount] = s
}

// keepingStore cannot give a session up.
type keepingStore struct {
	*memStore
	keeps bool
}

func (k *keepingStore) Release(ctx context.Context, mount string, epoch int64) error {
	if k.keeps {
		return errAway
	}
	return k.memStore.Release(ctx, mount, epoch)
}
