package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/publish"
	"deadair/fakes/objectstore"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
	"deadair/reports"
)

// stored is a world whose store is looked at before it closes.
type stored struct {
	world.World
	look func(env.Disk)
}

func (w *stored) Close() error {
	w.look(w.World.Disk("store"))
	return w.World.Close()
}

// sidecars are the records in a store, by the keys of their tracks.
func sidecars(disk env.Disk) (map[string]publish.Edition, error) {
	versions, err := objectstore.Read(disk)
	if err != nil {
		return nil, err
	}
	all := map[string]publish.Edition{}
	for _, v := range versions { // later ones take the place of those before
		if v.Deleted || !strings.HasSuffix(v.Key, ".json") {
			continue
		}
		f, err := disk.OpenFile(v.Blob, os.O_RDONLY)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		var r publish.Record
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, err
		}
		if r.Edition == nil {
			continue
		}
		for _, t := range r.Edition.Tracks {
			all[t.Key] = *r.Edition
		}
	}
	return all, nil
}

// TestPageTellsTheSidecarsGaps: what the page says of a track is what stands in its
// record, and that is what is missing between its frames.
func TestPageTellsTheSidecarsGaps(t *testing.T) {
	text := strings.Replace(small, "ends: 2m", "ends: 3m", 1)
	text = strings.Replace(text, "  redis: eu-west\n", "  redis: eu-west\n  store: {in: eu-west}\n  balancer: {window: 1m}\n  recorder: {window: 1m}\n", 1)
	f, err := scenario.Parse("test", []byte(text+"  - {at: 40s, kill: \"eu-west/recorder-*\", for: 20s}\n"))
	require.NoError(t, err)
	p, err := scenario.Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	var kept map[string]publish.Edition
	var events []history.Event
	var ran, read error
	require.NoError(t, virtual.Guard(t.Context(), virtual.Limits{Still: time.Minute}, func(ctx context.Context) {
		w := &stored{look: func(disk env.Disk) { kept, read = sidecars(disk) }}
		log := history.NewLog(func() time.Duration { return w.Now() })
		if w.World, ran = virtual.New(virtual.Config{Hosts: stack.Hosts(p), Kinds: stack.Kinds(), RTT: scenario.RoundTrip, Seed: 1, Watch: stack.Watch(log)}); ran != nil {
			return
		}
		st, err := stack.New(p, w, log, slog.New(slog.DiscardHandler))
		if err != nil {
			ran = err
			return
		}
		if ran = Run(ctx, Config{Plan: p, World: w, Stack: st, Log: log}); ran == nil {
			events, ran = log.Events()
		}
	}))
	require.NoError(t, ran)
	require.NoError(t, read)
	require.Len(t, kept, 1)
	page := reports.Compute(reports.Judged{Plan: p, Events: events})
	require.Len(t, page.Tracks, 1)
	row := page.Tracks[0]
	edition, ok := kept[row.Key]
	require.True(t, ok, row.Key)
	require.Equal(t, edition.Revision, row.Revision)
	gaps := edition.Tracks[0].Gaps
	require.NotEmpty(t, gaps)
	var want []string
	for _, g := range gaps {
		want = append(want, fmt.Sprintf("%.1f s into it, for %.1f s (%s)", g.At, g.Length, g.Cause))
	}
	require.Equal(t, want, row.Gaps)
	var missing float64
	_, err = fmt.Sscanf(row.Missing, "%f s", &missing)
	require.NoError(t, err)
	sum := 0.0
	for _, g := range gaps {
		sum += g.Length
	}
	require.InDelta(t, missing, sum, 2, "of the frames' numbers")
}
