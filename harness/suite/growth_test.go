package suite

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flat is what a night of ten shows holds: disks fill, an outage takes nodes away for a while.
func flat() []Sample {
	var all []Sample
	for i := range 32 {
		s := Sample{At: time.Duration(i) * growthEvery, Goroutines: 138, Conns: 30, Keys: 14, DiskBytes: int64(i) * 9 << 20, HeapBytes: uint64(i)*10<<20 + 4<<20}
		if i == 0 || i > 29 {
			s.Goroutines, s.Conns = 196, 50
		}
		all = append(all, s)
	}
	return all
}

func TestGrowthIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(i int, s *Sample)
		want   string
	}{
		"flat":       {func(int, *Sample) {}, ""},
		"goroutines": {func(i int, s *Sample) { s.Goroutines += 3 * i }, "from 153 goroutines in its first quarter to 222 in its last"},
		"conns":      {func(i int, s *Sample) { s.Conns += i }, "from 35 open connections in its first quarter to 58 in its last"},
		"keys":       {func(i int, s *Sample) { s.Keys += i }, "from 18 keys in the index in its first quarter to 42 in its last"},
		"an evening": {func(i int, s *Sample) {
			if i > 25 && i%4 == 0 {
				s.Goroutines += 100
			}
		}, ""},
		"heap": {func(i int, s *Sample) { s.HeapBytes += uint64(i) * 3 << 20 }, "its heap has 407 MB at the end, and the disks only 279 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			all := flat()
			for i := range all {
				c.change(i, &all[i])
			}
			if c.want == "" {
				require.NoError(t, grown(all))
				return
			}
			require.ErrorContains(t, grown(all), c.want)
		})
	}
	require.NoError(t, grown(flat()[:3]), "of a run that was ended early nothing is said")
}

// TestALongRunIsSampled plays a small system for longer than any incident takes.
func TestALongRunIsSampled(t *testing.T) {
	j := job(t, "today")
	j.Plan.End = longRun
	for i := range j.Plan.Broadcasters {
		j.Plan.Broadcasters[i].OffAir = time.Minute
	}
	out := t.TempDir()
	outcomes, err := Run(t.Context(), Config{Out: out}, []Job{j})
	require.NoError(t, err)
	require.NoError(t, outcomes[0].Err)
	data, err := os.ReadFile(filepath.Join(out, j.Dir(), growthFile))
	require.NoError(t, err)
	var all []Sample
	require.NoError(t, json.Unmarshal(data, &all))
	require.Len(t, all, 24)
	require.Positive(t, all[0].Goroutines)
	require.Positive(t, all[0].Conns)
	require.Positive(t, all[0].Keys)
	require.Positive(t, all[0].DiskBytes)
	require.Positive(t, all[0].HeapBytes)
}
