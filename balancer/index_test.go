package balancer_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/session"
)

func TestWithoutIndexTheHashChoosesAndTheRecorderNumbers(t *testing.T) {
	for name, away := range map[string]struct {
		err  error
		hang bool
		took time.Duration
	}{
		"refused":         {errAway, false, 0},
		"silent":          {nil, true, 500 * time.Millisecond},
		"strange trouble": {errors.New("something else"), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				r.store.set(away.err, away.hang)
				want := r.first("/show")
				c := r.ask(put("/show", "anna", "secret"))
				require.Equal(t, 200, c.code)
				require.Equal(t, away.took, c.took)
				synctest.Wait()
				require.Equal(t, want, r.holding("/show"))
				show := want.show("/show")
				require.EqualValues(t, 1, show.epoch)
				require.True(t, show.guessd)
			})
		})
	}
}

func TestWithoutIndexTheRecordersAreAsked(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		owner := r.recorders[3]
		require.NotEqual(t, owner, r.first("/show"))
		owner.hold("/show", fakeShow{id: "theirs", account: "anna", epoch: 7, until: time.Now().Add(time.Minute)})
		r.store.set(errAway, false)
		_, rec := r.live("/show")
		require.Equal(t, owner, rec)
		require.Equal(t, "theirs", rec.show("/show").id)
		require.EqualValues(t, 8, rec.show("/show").epoch, "above all that the recorder has seen")
	})
}

// A show that moves while the index is away keeps its session and never repeats an epoch.
func TestWithoutIndexAShowThatMovesIsNumberedOn(t *testing.T) {
	for mode, want := range map[string]int64{"full": 8, "draining": 8, "mute": 9} {
		t.Run(mode, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				owner := r.recorders[3]
				owner.hold("/show", fakeShow{id: "theirs", account: "anna", epoch: 7, until: time.Now().Add(time.Hour)})
				owner.set(mode)
				r.store.set(errAway, false)
				c := r.ask(source("/show", "anna", "secret"))
				require.Equal(t, 200, c.code)
				synctest.Wait()
				heir := r.holding("/show")
				require.NotEqual(t, owner, heir)
				require.Equal(t, "theirs", heir.show("/show").id)
				require.Equal(t, want, heir.show("/show").epoch)
			})
		})
	}
}

func TestWithoutIndexAFinishedShowIsNotContinued(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.recorders[3].hold("/show", fakeShow{id: "theirs", account: "anna", epoch: 7, until: time.Now().Add(-time.Second)})
		r.store.set(errAway, false)
		_, rec := r.live("/show")
		require.Equal(t, "eu", rec.name[:2])
		require.NotEqual(t, "theirs", rec.show("/show").id)
	})
}

func TestWithoutIndexOthersMountsAreStillTheirs(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.recorders[3].set("full") // a source of its own is not let in either: it must not end up elsewhere
		r.recorders[3].hold("/show", fakeShow{id: "theirs", account: "bert", epoch: 7, until: time.Now().Add(time.Minute)})
		r.store.set(errAway, false)
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 403, c.code)
		require.Equal(t, "Mountpoint in use", c.body)
	})
}

func TestShowsGoOnWhileTheIndexIsAway(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		r.store.set(errAway, false)
		for range 60 { // longer than the window, in writes more often than any idle timeout
			time.Sleep(10 * time.Second)
			io.WriteString(c, "x")
		}
		require.Len(t, r.heard(rec, "/show"), 60)
		require.True(t, rec.show("/show").live)
		require.Equal(t, balancer.Degraded, r.balancer.Health().Status)
	})
}

func TestLiveShowsAreRenewed(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.live("/show")
		for range 20 {
			time.Sleep(time.Minute)
			require.Greater(t, time.Until(r.store.row("/show").Until), 3*time.Minute)
		}
		require.InDelta(t, 20, r.store.count("renew"), 1, "once a minute")
	})
}

func TestShowIsKeptForTheWindowAfterItsEnd(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		id := rec.show("/show").id
		time.Sleep(10 * time.Minute)
		c.Close()
		time.Sleep(3*time.Minute + 50*time.Second) // window less one renewal
		_, rec = r.live("/show")
		require.Equal(t, id, rec.show("/show").id)
	})
}

// A show that was accepted while the index was away is written to it when it is
// back, without a gap, and the next connection finds it there.
func TestShowIsBroughtIntoTheIndexWhenItIsBack(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		c, rec := r.live("/show")
		io.WriteString(c, "one ")
		time.Sleep(time.Minute)
		r.store.set(nil, false)
		time.Sleep(6 * time.Second)
		io.WriteString(c, "two ")
		require.Equal(t, "one two ", r.heard(rec, "/show"), "undisturbed")
		row, show := r.store.row("/show"), rec.show("/show")
		require.Equal(t, rec.name, row.Recorder)
		require.Equal(t, show.id, row.ID)
		require.GreaterOrEqual(t, row.Epoch, show.epoch)
		time.Sleep(10 * time.Minute)
		require.Greater(t, time.Until(r.store.row("/show").Until), 3*time.Minute, "and renewed")
		c.Close()
		_, again := r.live("/show")
		require.Equal(t, rec, again)
		require.Equal(t, show.id, again.show("/show").id)
		require.Greater(t, again.show("/show").epoch, row.Epoch)
	})
}

// An index that started empty again gets its live shows back.
func TestLostIndexIsFilledAgain(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for range 5 {
			r.live("/show")
		}
		c, rec := r.live("/show")
		before := r.store.row("/show")
		r.store.mu.Lock()
		clear(r.store.rows)
		r.store.mu.Unlock()
		time.Sleep(2 * time.Minute)
		after := r.store.row("/show")
		require.Equal(t, before.ID, after.ID)
		require.Equal(t, before.Recorder, after.Recorder)
		require.Equal(t, before.Epoch, after.Epoch)
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"))
	})
}

func TestIndexThatDiesBeforeSettleHearsOfTheRecorderLater(t *testing.T) {
	play(t, func(c *balancer.Config, p *balancer.Parts) {
		p.Store = &dyingStore{memStore: p.Store.(*memStore), dies: true}
	}, func(t *testing.T, r *rig) {
		_, rec := r.live("/show")
		require.Empty(t, r.store.row("/show").Recorder)
		time.Sleep(6 * time.Second)
		require.Equal(t, rec.name, r.store.row("/show").Recorder)
		require.EqualValues(t, 1, r.store.row("/show").Epoch)
		time.Sleep(10 * time.Minute)
		require.Greater(t, time.Until(r.store.row("/show").Until), 3*time.Minute, "and is renewed")
		require.LessOrEqual(t, r.store.count("lookup"), 1, "as any other")
	})
}

// dyingStore fails the first settle.
type dyingStore struct {
	*memStore
	dies bool
}

func (d *dyingStore) Settle(ctx context.Context, mount string, epoch int64, recorder string) error {
	if d.dies {
		d.dies = false
		return errAway
	}
	return d.memStore.Settle(ctx, mount, epoch, recorder)
}

// A newer connection at another balancer ends this one's relay at its next renewal.
func TestFencedShowIsCut(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, _ := r.live("/show")
		_, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "anna", NewID: "x", Window: time.Minute})
		require.NoError(t, err)
		began := time.Now()
		require.True(t, isReset(c.gone()))
		require.LessOrEqual(t, time.Since(began), time.Minute)
	})
}

// A newer connection that has claimed the mount, and is on its way to a recorder, is not
// taken the claim away from by a show that is brought back into the index.
func TestClaimOnItsWayIsLeftAlone(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		_, rec := r.live("/show")
		r.store.set(nil, false)
		time.Sleep(4900 * time.Millisecond)
		newer, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "anna", NewID: "newer", Window: time.Minute})
		require.NoError(t, err)
		time.Sleep(200 * time.Millisecond)
		require.NoError(t, r.store.Settle(t.Context(), "/show", newer.Epoch, rec.name))
	})
}

// What the index knows comes before what was guessed: the show that another recorder
// records by an epoch of the index stays, or another one that the same recorder has
// taken since. The guessed one ends.
func TestKnownShowIsNotOutrankedByAGuess(t *testing.T) {
	t.Run("at another recorder", func(t *testing.T) {
		knownStays(t, func(r *rig, _ *fakeRecorder) *fakeRecorder { return r.recorders[3] })
	})
	t.Run("at the same one", func(t *testing.T) { knownStays(t, func(_ *rig, own *fakeRecorder) *fakeRecorder { return own }) })
}

func knownStays(t *testing.T, at func(r *rig, own *fakeRecorder) *fakeRecorder) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		guess, own := r.live("/show")
		other := at(r, own)
		other.hold("/show", fakeShow{id: "known", account: "anna", epoch: 7, live: true})
		r.store.mu.Lock()
		r.store.rows["/show"] = session.Session{Mount: "/show", ID: "known", Account: "anna", Recorder: other.name, Epoch: 7, Until: time.Now().Add(time.Hour)}
		r.store.mu.Unlock()
		r.store.set(nil, false)
		time.Sleep(6 * time.Second)
		require.True(t, isReset(guess.gone()))
		require.Equal(t, "known", r.store.row("/show").ID, "untouched")
		require.EqualValues(t, 7, r.store.row("/show").Epoch, "untouched")
	})
}

// The index points to a recorder where the show is not on air: the guessed one wins.
func TestGuessReplacesWhatIsOver(t *testing.T) {
	for name, held := range map[string]fakeShow{"lost": {}, "off air": {id: "old", account: "anna", epoch: 7, until: time.Now().Add(time.Hour)}} {
		t.Run(name, func(t *testing.T) { play(t, nil, func(t *testing.T, r *rig) { guessReplaces(t, r, held) }) })
	}
}

func guessReplaces(t *testing.T, r *rig, held fakeShow) {
	r.store.set(errAway, false)
	guess, rec := r.live("/show")
	r.recorders[3].hold("/show", held)
	r.store.mu.Lock()
	r.store.rows["/show"] = session.Session{Mount: "/show", ID: "old", Account: "anna", Recorder: r.recorders[3].name, Epoch: 7, Until: time.Now().Add(time.Hour)}
	r.store.mu.Unlock()
	r.store.set(nil, false)
	time.Sleep(6 * time.Second)
	io.WriteString(guess, "on air")
	require.Equal(t, "on air", r.heard(rec, "/show"))
	require.Equal(t, rec.name, r.store.row("/show").Recorder)
	require.EqualValues(t, 8, r.store.row("/show").Epoch)
	id := rec.show("/show").id
	require.Equal(t, id, r.store.row("/show").ID, "the session that its recorder has")
	guess.Close()
	_, again := r.live("/show")
	require.Equal(t, rec, again)
	require.Equal(t, id, again.show("/show").id, "its recording is not cut")
}

// An index that came back with an older state of the show gives the session up that it
// takes the show for.
func TestIndexThatFellBackGetsTheRecordersSession(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for range 5 {
			r.live("/show")
		}
		c, rec := r.live("/show")
		before := r.store.row("/show")
		r.store.mu.Lock()
		r.store.rows["/show"] = session.Session{Mount: "/show", ID: "earlier", Account: "anna", Recorder: rec.name, Epoch: 2, Until: time.Now().Add(time.Hour)}
		r.store.mu.Unlock()
		time.Sleep(2 * time.Minute)
		after := r.store.row("/show")
		require.Equal(t, before.ID, after.ID)
		require.Equal(t, before.Recorder, after.Recorder)
		require.Equal(t, before.Epoch, after.Epoch)
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"))
	})
}

// While that cannot be given up the index is left as it is, and so is the show.
func TestIndexThatKeepsItsSessionIsLeftAlone(t *testing.T) {
	play(t, func(_ *balancer.Config, p *balancer.Parts) {
		p.Store = &keepingStore{memStore: p.Store.(*memStore), keeps: true}
	}, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		c, rec := r.live("/show")
		old := session.Session{Mount: "/show", ID: "old", Account: "anna", Recorder: r.recorders[3].name, Epoch: 7, Until: time.Now().Add(time.Hour)}
		r.store.mu.Lock()
		r.store.rows["/show"] = old
		r.store.mu.Unlock()
		r.store.set(nil, false)
		time.Sleep(6 * time.Second)
		require.Equal(t, old, r.store.row("/show"))
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"))
	})
}

func TestIndexBehindARecorderIsToldItsEpoch(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		first := r.first("/show")
		first.hold("/show", fakeShow{id: "finished", account: "anna", epoch: 41, until: time.Now().Add(-time.Hour)})
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 200, c.code)
		require.Zero(t, c.took, "repeated at once")
		synctest.Wait()
		require.EqualValues(t, 42, first.show("/show").epoch)
		require.EqualValues(t, 42, r.store.row("/show").Epoch)
		require.NotEqual(t, "finished", first.show("/show").id, "a show that is over is not continued")
	})
}

// The show began while the index was away, and its balancer died before it could
// tell: whoever takes its next connection continues it.
func TestShowThatOnlyItsRecorderKnowsIsContinued(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		first := r.first("/show")
		first.hold("/show", fakeShow{id: "held", account: "anna", epoch: 3, guessd: true, until: time.Now().Add(time.Minute)})
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 200, c.code)
		synctest.Wait()
		require.Equal(t, "held", first.show("/show").id)
		require.EqualValues(t, 4, first.show("/show").epoch)
		require.Equal(t, "held", r.store.row("/show").ID)
		require.Equal(t, first.name, r.store.row("/show").Recorder)
	})
}

// A claim whose answer got lost left a session in the index, and the show went on
// without the index: its recorder knows an epoch that the index does not.
func TestSessionThatTheIndexDoesNotPlaceIsAskedFor(t *testing.T) {
	for name, held := range map[string]int64{"behind the index": 1, "level with it": 2, "ahead of it": 5} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				owner := r.recorders[3]
				require.NotEqual(t, owner, r.first("/show"))
				_, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "anna", NewID: "theirs", Window: time.Minute})
				require.NoError(t, err)
				owner.hold("/show", fakeShow{id: "theirs", account: "anna", epoch: held, guessd: true, until: time.Now().Add(time.Minute)})
				c := r.ask(put("/show", "anna", "secret"))
				require.Equal(t, 200, c.code)
				synctest.Wait()
				require.Equal(t, owner, r.holding("/show"))
				require.Equal(t, "theirs", owner.show("/show").id)
				require.Equal(t, max(2, held+1), owner.show("/show").epoch)
				require.Equal(t, owner.name, r.store.row("/show").Recorder)
			})
		})
	}
}

// An admission that was overtaken by a later one of the same source gives way.
func TestOvertakenAdmissionGivesWay(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = time.Second, 1 }, func(t *testing.T, r *rig) {
		r.all("full")
		time.Sleep(3 * time.Second)
		early := r.connect(source("/show", "anna", "secret")) // claims epoch 1 and is held
		synctest.Wait()
		_, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "anna", NewID: "x", Window: time.Minute})
		require.NoError(t, err)
		for _, rec := range r.recorders {
			rec.hold("/show", fakeShow{id: r.store.row("/show").ID, account: "anna", epoch: 2, live: true})
		}
		r.all("")
		early.answer()
		require.Equal(t, 403, early.code)
		require.Equal(t, "a newer connection of yours has this mountpoint", early.body)
		require.EqualValues(t, 2, r.store.row("/show").Epoch)
	})
}

func TestSourceWhoseRecorderForgotItIsCut(t *testing.T) {
	for name, away := range map[string]error{"with the index": nil, "without it": errAway} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				r.store.set(away, false)
				c, rec := r.live("/show")
				r.net.Mute(balancerIP, rec.ip) // its connections carry nothing any more, new ones work
				rec.hold("/show", fakeShow{id: rec.show("/show").id, account: "anna", epoch: 1, until: time.Now().Add(time.Minute)})
				began := time.Now()
				require.True(t, isReset(c.gone()))
				require.LessOrEqual(t, time.Since(began), time.Minute+5*time.Second)
			})
		})
	}
}
