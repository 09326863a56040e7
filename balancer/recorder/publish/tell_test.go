package publish

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/manifest"
)

// TestOneRecorderTells of a session that is in the store: the one that published it
// first, until nobody says that it could not, and not again for what came later.
func TestOneRecorderTells(t *testing.T) {
	f := newFleet(t, "r1", "r2")
	told := map[string]int{}
	broken := errors.New("disk full")
	for name, m := range f.all {
		m.p.cfg.Tell = func(r Record) error {
			require.NotNil(t, r.Edition)
			told[name]++
			return broken
		}
	}
	r1, r2 := f.all["r1"], f.all["r2"]
	r1.records(segment{1, 0, 39})
	r2.records(segment{2, 40, 79})
	r2.down = true
	require.ErrorIs(t, r1.look().err, broken)
	state, _, err := r1.library.State("s1")
	require.NoError(t, err)
	require.Equal(t, manifest.Published, state.Stage, "it is not done while nobody was told")
	broken = nil
	require.True(t, r1.look().done)
	require.Equal(t, map[string]int{"r1": 2}, told)

	r2.down = false
	require.True(t, r2.look().done)
	record, _, err := readRecord(t.Context(), f.store, "s1.json", Holding{})
	require.NoError(t, err)
	require.Equal(t, 2, record.Edition.Revision)
	require.Equal(t, "r1", record.Teller)
	require.True(t, r1.look().done)
	require.Equal(t, map[string]int{"r1": 2}, told)
}

// TestTellerComesBack: a recorder that died between the store's yes and telling tells then.
func TestTellerComesBack(t *testing.T) {
	f := newFleet(t, "r1", "r2")
	r1, r2 := f.all["r1"], f.all["r2"]
	told := 0
	r1.p.cfg.Tell = func(Record) error { told++; return errors.New("dies here") }
	r2.p.cfg.Tell = func(Record) error { t.Error("it is not its show to tell"); return nil }
	r1.records(segment{1, 0, 39})
	r2.records(segment{2, 40, 79})
	r2.down = true
	require.Error(t, r1.look().err)
	r1.down, r2.down = true, false
	require.True(t, r2.look().done, "it adds what is late")
	r1.down = false
	r1.p.cfg.Tell = func(r Record) error { told++; require.Equal(t, 2, r.Edition.Revision); return nil }
	require.True(t, r1.look().done)
	require.Equal(t, 2, told)
}
