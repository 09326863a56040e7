package recorder_test

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
)

// TestBatch: with a batch a source is written so often and not with each packet, and
// nothing that came is missing when it ends.
func TestBatch(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Batch = 250 * time.Millisecond
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		time.Sleep(g.cfg.Batch)
		before := len(g.segments("s1")["1-1.mp3"])
		l.send(1)
		time.Sleep(time.Millisecond)
		l.send(1)
		require.Len(t, g.segments("s1")["1-1.mp3"], before+frameSize, "the first was waited for, the second waits")
		time.Sleep(g.cfg.Batch)
		require.Equal(t, upTo(12), numbers(t, g.segments("s1")))
		l.send(1)
		l.send(1)
		l.hangUp()
		time.Sleep(2 * g.cfg.Batch)
		require.Equal(t, upTo(14), numbers(t, g.segments("s1")))
		g.requireSealed("s1")
	})
}

// TestBatchAndTakeover: a source that has to go does not rest before.
func TestBatchAndTakeover(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Batch = time.Second
		g.start()
		old := g.onAir(show("s1", 1))
		old.send(5)
		old.send(5)
		start := time.Now()
		l := g.onAir(show("s1", 2))
		require.Equal(t, 20*time.Millisecond, time.Since(start))
		old.requireEnded()
		l.hangUp()
		time.Sleep(g.cfg.Batch)
		require.Equal(t, upTo(10), numbers(t, g.segments("s1")))
	})
}

// together is a disk that can sync all it holds, and tells how often it had to.
type together struct {
	env.Disk
	fails error
	all   atomic.Int64
	each  atomic.Int64 // of segments
	dead  atomic.Bool  // syncs of one segment fail
}

func (d *together) SyncAll() error {
	d.all.Add(1)
	return d.fails
}

func (d *together) OpenFile(name string, flag int) (env.File, error) {
	f, err := d.Disk.OpenFile(name, flag)
	if err != nil || path.Ext(name) != ".mp3" {
		return f, err
	}
	return &counted{f, d}, nil
}

type counted struct {
	env.File
	of *together
}

func (f *counted) Sync() error {
	f.of.each.Add(1)
	if f.of.dead.Load() {
		return errors.New("input/output error")
	}
	return f.File.Sync()
}

// TestSyncedTogether: many segments are synced in one step, few one by one, and each by
// itself when the one step failed.
func TestSyncedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		sources int
		fails   error
		all     bool
		each    int
	}{
		"many":                      {64, nil, true, 0},
		"few":                       {63, nil, false, 63},
		"the step fails":            {64, errors.New("input/output error"), true, 64},
		"the system has none of it": {64, errors.ErrUnsupported, true, 64},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.cfg.Capacity = 100
				d := &together{fails: c.fails}
				g.wraps = func(disk env.Disk) env.Disk { d.Disk = disk; return d }
				g.start()
				var all []*live
				for i := range c.sources {
					a := ask{mount: fmt.Sprintf("/show-%d", i), session: fmt.Sprintf("s%d", i), account: "anna", epoch: 1}
					all = append(all, g.onAir(a))
				}
				for _, l := range all {
					l.send(10)
				}
				time.Sleep(time.Second)
				require.Equal(t, c.all, d.all.Load() > 0)
				require.EqualValues(t, c.each, d.each.Load())
				for _, l := range all {
					l.hangUp()
				}
				require.EqualValues(t, c.each+c.sources, d.each.Load(), "one that is complete is synced by itself")
				require.True(t, strings.HasSuffix(g.types("s0"), "sealed:eof ended:eof"), g.types("s0"))
				require.Nil(t, g.lines("s0")[3].Synced, "all of it is durable")
			})
		})
	}
}

// TestWhatWasSyncedTogetherIsKnown: of a segment whose own sync fails it is told how much is
// durable all the same.
func TestWhatWasSyncedTogetherIsKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Capacity = 100
		d := &together{}
		g.wraps = func(disk env.Disk) env.Disk { d.Disk = disk; return d }
		g.start()
		var all []*live
		for i := range 64 {
			all = append(all, g.onAir(ask{mount: fmt.Sprintf("/show-%d", i), session: fmt.Sprintf("s%d", i), account: "anna", epoch: 1}))
		}
		for _, l := range all {
			l.send(10)
		}
		time.Sleep(time.Second)
		require.Zero(t, d.each.Load())
		all[0].send(5)
		d.dead.Store(true)
		all[0].hangUp()
		sealed := g.lines("s0")[3]
		require.EqualValues(t, 15*frameSize, sealed.Bytes)
		require.NotNil(t, sealed.Synced)
		require.EqualValues(t, 10*frameSize, *sealed.Synced)
	})
}
