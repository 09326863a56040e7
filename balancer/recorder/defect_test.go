package recorder_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/publish"
)

// defect breaks one thing of both recorders. A nil function leaves it alone.
type defect struct {
	disk    func(env.Disk) env.Disk
	journal func(publish.Library) publish.Library
}

// TestTheExplorerSeesDefects: each of them is noticed within some lives, by what becomes
// of the show.
func TestTheExplorerSeesDefects(t *testing.T) {
	for name, c := range map[string]struct {
		defect defect
		says   string
	}{
		"bytes are not synced":        {defect{disk: func(d env.Disk) env.Disk { return unsynced{d} }}, "was durable|not settled|record"},
		"names are not synced":        {defect{disk: func(d env.Disk) env.Disk { return unnamed{d} }}, "was durable|not settled|record"},
		"verified before it is asked": {defect{journal: func(l publish.Library) publish.Library { return hasty{l} }}, "was durable|record"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(200) {
				if said := explore(t, seed, c.defect, map[string]int{}); len(said) > 0 {
					require.Regexp(t, c.says, strings.Join(said, "\n"))
					t.Logf("life %d: %s", seed, said[0])
					return
				}
			}
			t.Fatal("it was not noticed in 200 lives")
		})
	}
}

// unsynced is a disk that forgets to make content durable.
type unsynced struct{ env.Disk }

func (d unsynced) OpenFile(name string, flag int) (env.File, error) {
	f, err := d.Disk.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ env.File }

func (unsyncedFile) Sync() error { return nil }

// unnamed is a disk that forgets to make names durable.
type unnamed struct{ env.Disk }

func (unnamed) SyncDir(string) error { return nil }

// hasty writes down that the store has a show when it is about to put it there.
type hasty struct{ publish.Library }

func (h hasty) Note(session string, lines ...manifest.Line) error {
	for _, l := range lines {
		if l.Type == manifest.Uploading || l.Type == manifest.Completing {
			lines = append(lines, manifest.Line{Type: manifest.Verified, Plan: l.Plan})
			break
		}
	}
	return h.Library.Note(session, lines...)
}
