package publish

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/objects"
)

// dying is a store whose recorder dies when it is about to write its second record: its
// track is there.
type dying struct {
	objects.Store
	puts int
}

var errDied = errors.New("killed")

func (d *dying) Put(ctx context.Context, key string, data []byte, c objects.Condition) (string, error) {
	if d.puts++; d.puts > 1 {
		return "", errDied
	}
	return d.Store.Put(ctx, key, data, c)
}

// halfway is two recorders of which the second died when the track that it made of both
// was in the store, and its record was not. The first has published what it has before
// that, unless it is to be the first edition.
func halfway(t *testing.T, first, second string, edition int) (f *fleet, one, two *member) {
	f = newFleet(t, first, second)
	one, two = f.all[first], f.all[second]
	one.records(segment{1, 0, 39}, segment{3, 80, 119})
	two.records(segment{2, 40, 79})
	if edition > 1 {
		two.down = true
		require.True(t, one.look().done)
		lines := one.library.lines["s1"]
		one.library.lines["s1"] = lines[:len(lines)-1] // it died before it could ask the store
		one.down = true                                // otherwise it is asked to go first
	}
	two.p.cfg.Store = &dying{Store: f.store}
	require.ErrorIs(t, two.look().err, errDied)
	two.p.cfg.Store = f.store
	one.down = false
	return f, one, two
}

// TestFinisherThatComesBack ends what it began, though somebody waits for that who would
// be the finisher if he lacked something.
func TestFinisherThatComesBack(t *testing.T) {
	for _, names := range [][]string{{"r1", "r2"}, {"r2", "r1"}} {
		t.Run(names[0], func(t *testing.T) {
			f, one, two := halfway(t, names[0], names[1], 2)
			two.down = false
			require.False(t, one.look().done, "another edition is on its way")
			require.True(t, two.look().done)
			require.True(t, one.look().done)
			r, numbers, _ := f.published()
			require.Equal(t, 2, r.Edition.Revision)
			require.Equal(t, span(0, 119), numbers)
		})
	}
}

// TestFinisherThatStaysAway is waited for, and then another one ends what it began:
// nothing that it has put into the store gets lost.
func TestFinisherThatStaysAway(t *testing.T) {
	for edition := 1; edition <= 2; edition++ {
		t.Run(fmt.Sprintf("edition=%d", edition), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, one, two := halfway(t, "r1", "r2", edition)
				two.down = true
				if edition > 1 {
					require.False(t, one.look().done, "another edition is on its way")
				}
				time.Sleep(2 * time.Minute)
				require.True(t, one.look().done)
				_, numbers, tag := f.published()
				require.Equal(t, span(0, 119), numbers)

				two.down = false
				require.True(t, two.look().done)
				_, _, still := f.published()
				require.Equal(t, tag, still, "it is there already")
			})
		})
	}
}
