package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
)

// keep takes note of the frames on a recorder's disk, which are durable.
func (p *pair) keep(m *mortal) {
	d := m.disk.Mount()
	defer d.Unmount()
	entries, err := d.ReadDir(lifeID)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Name() != manifest.File {
			p.note(readFile(p.t, d, lifeID+"/"+e.Name()))
		}
	}
}

// keepSealed takes note of the frames of segments that are complete, of a recorder that
// may be recording others.
func (p *pair) keepSealed(m *mortal) {
	d := m.disk.Mount()
	defer d.Unmount()
	if _, err := d.Stat(lifeID + "/" + manifest.File); err != nil {
		return
	}
	lines, _, _ := manifest.Parse(readFile(p.t, d, lifeID+"/"+manifest.File))
	for _, l := range lines {
		if l.Type != manifest.Sealed {
			continue
		}
		if _, err := d.Stat(lifeID + "/" + l.File); err == nil {
			p.note(readFile(p.t, d, lifeID+"/"+l.File))
		}
	}
}

func (p *pair) note(segment []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames(segment, func(n uint64) { p.kept[n] = true })
}

// durable are the frames that were durable at some time, in order.
func (p *pair) durable() []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.kept))
}

// frames reads the numbers of whole frames.
func (p *pair) frames(data []byte, f func(uint64)) {
	split := audio.Splitter{Format: audio.MP3}
	for len(data) > 0 {
		u, ok := split.Next(data, true)
		if !ok {
			return
		}
		if u.Kind == audio.Frame && u.Length == p.of(frameSize, longFrame) && !bytes.Contains(data[:u.Length], []byte("Info")) {
			f(numberOf(data))
		}
		data = data[u.Length:]
	}
}

func numberOf(b []byte) (n uint64) {
	for _, c := range b[40:47] {
		n = n<<8 | uint64(c)
	}
	return n
}

// tally takes note of what the journal said where somebody died, and whether what it
// was about to do had been done.
func (p *pair) tally(m *mortal) {
	d := m.disk.Mount()
	defer d.Unmount()
	entries, _ := d.ReadDir(lifeID) // it may be gone
	if _, err := d.Stat(lifeID + "/" + manifest.File); err != nil {
		if p.record().Edition != nil {
			p.hit["collected after"]++
		}
		return
	}
	lines, _, _ := manifest.Parse(readFile(p.t, d, lifeID+"/"+manifest.File))
	s, ok := manifest.Replay(lines)
	switch {
	case !ok:
		p.hit["recording, nothing"]++
	case !s.Finished:
		p.hit["recording, "+string(lines[len(lines)-1].Type)]++
	case s.Stage == "":
		p.hit["finished "+when(m.calls.Load() > 0)]++
	case s.Stage == manifest.Verified:
		p.hit["verified before"]++
	case s.Stage == manifest.Collected:
		p.hit["verified after"]++
		p.hit["collected "+when(len(entries)-1 < segments(lines))]++
	default:
		p.hit[string(s.Stage)+" "+when(p.done(s))]++
		if len(s.Upload.Parts) > 0 && s.Stage == manifest.Uploading {
			p.hit["uploading, parts known"]++
		}
	}
}

// segments counts the files that lines tell of.
func segments(lines []manifest.Line) (n int) {
	for _, l := range lines {
		if l.Type == manifest.Segment {
			n++
		}
	}
	return n
}

func when(done bool) string {
	if done {
		return "after"
	}
	return "before"
}

// done tells whether what a stage was written before has been done.
func (p *pair) done(s manifest.State) bool {
	r := p.record()
	switch s.Stage {
	case manifest.Stitched:
		return r.Edition != nil && r.Edition.Plan == s.Plan || slices.ContainsFunc(r.Underway, func(e publish.Edition) bool { return e.Plan == s.Plan })
	case manifest.Uploading:
		ids, err := p.store.Uploads(context.Background(), lifeID+".mp3")
		require.NoError(p.t, err)
		return len(ids) > 0
	case manifest.Completing:
		info, err := p.store.Head(context.Background(), lifeID+".mp3")
		return err == nil && info.Meta["deadair-plan"] == s.Plan
	}
	return r.Edition != nil && r.Edition.Plan == s.Plan
}

func (p *pair) record() (r publish.Record) {
	data, _, err := p.store.Get(context.Background(), lifeID+".json")
	if errors.Is(err, objects.ErrNotFound) {
		return r
	}
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(data, &r))
	return r
}

// left lists what is still on the disks.
func (p *pair) left() (all []string) {
	for _, m := range p.nodes {
		d := m.disk.Mount()
		if entries, err := d.ReadDir(lifeID); err == nil {
			for _, e := range entries {
				all = append(all, m.name+"/"+e.Name())
			}
		}
		d.Unmount()
	}
	return all
}

// settled tells whether nothing is left to do.
func (p *pair) settled() bool { return len(p.left()) == 0 }

// judge reads what is in the store, and tells what is wrong with it.
func (p *pair) judge() (findings []string) {
	kept := p.durable()
	if len(kept) == 0 {
		return nil // nothing was durable, and nothing is there or something of it
	}
	wrong := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	r := p.record()
	if r.Edition == nil || len(r.Edition.Tracks) != 1 || len(r.Underway) > 0 {
		wrong("the record is not that of one track: %+v", r)
		return findings
	}
	track := r.Edition.Tracks[0]
	data, info, err := p.store.Get(context.Background(), track.Key)
	if p.long && err != nil {
		data, info, err = p.large(track)
	}
	if err != nil {
		wrong("the track: %v", err)
	}
	if track.Bytes != info.Size || r.Edition.Plan != info.Meta["deadair-plan"] {
		wrong("the track is not the one that its record tells of: %+v, %+v", track, info)
	}
	last, got := -1, map[uint64]bool{}
	p.frames(data, func(n uint64) {
		if int(n) <= last {
			wrong("frame %d after %d", n, last)
		}
		last = int(n)
		got[n] = true
	})
	for _, n := range kept {
		if !got[n] {
			wrong("frame %d was durable and is not in the track", n)
			break
		}
	}
	if ids, err := p.store.Uploads(context.Background(), track.Key); err != nil || len(ids) > 0 {
		wrong("uploads left half done: %v %v", ids, err)
	}
	if _, err := p.store.Head(context.Background(), strings.Replace(track.Key, ".", "-2.", 1)); !errors.Is(err, objects.ErrNotFound) {
		wrong("there is a second track: %v", err)
	}
	return findings
}

// large reads a track that is more than a store gives at once.
func (p *pair) large(t publish.Track) (data []byte, info objects.Info, err error) {
	if info, err = p.store.Head(context.Background(), t.Key); err != nil {
		return nil, info, err
	}
	for int64(len(data)) < info.Size {
		some, err := p.store.Range(context.Background(), t.Key, info.Tag, int64(len(data)), 4<<20)
		if err != nil {
			return nil, info, err
		}
		data = append(data, some...)
	}
	return data, info, nil
}
