//go:build linux

package realclient_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/publish"
	"deadair/fakes/objectstore"
)

// publishLimit is how long a show may take from its end to the store: the window, and
// a few looks of the recorders.
const (
	shortWindow  = 12 * time.Second
	publishLimit = 90 * time.Second
)

// TestPublishedTracksPlay has shows of a real ffmpeg live through the death of their
// recorder, end, and be published: as one track that plays from its beginning to its
// end, without a word of complaint, and for as long as its record says.
func TestPublishedTracksPlay(t *testing.T) {
	need(t, "ip", "ss", "nsenter", "unshare", "mount", "ffmpeg", "ffprobe")
	bin := build(t)
	certify(t, bin)
	stage := newStage(t)
	for name, c := range map[string]client{
		"mp3":  returning("mp3", "audio/mpeg", "-c:a", "libmp3lame", "-b:a", "128k"),
		"aac":  returning("adts", "audio/aac", "-c:a", "aac", "-b:a", "128k"),
		"opus": returning("ogg", "application/ogg", "-c:a", "libopus", "-b:a", "128k", "-ar", "48000"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stage.meet(t, func(t testing.TB) {
				w := newWorld(t, bin, shortWindow)
				row := new(table).add(c, fault{name: "recorder-killed"})
				cell := &cell{t: t, row: row, world: w, client: c, fault: fault{strike: (*cell).killRecorder, moves: true}, show: show{
					dir: w.dir, chain: filepath.Join(bin, "chain.pem"), mount: "/ann." + name, account: "anna",
				}}
				defer func() {
					if t.Failed() {
						t.Log(w.tails())
					}
				}()
				cell.start()
				cell.lose()
				w.restart(cell.recorded.recorder)
				cell.process.kill()
				cell.published()
			}, func(string) {})
		})
	}
}

// published waits until the show is in the store, and plays it.
func (c *cell) published() {
	disk := env.OSDisk(filepath.Join(c.world.dir, "store"))
	var record publish.Record
	var tracks []objectstore.Version
	await(c.t, publishLimit, "the show is not in the store, with what both recorders had", func() bool {
		versions, err := objectstore.Read(disk)
		require.NoError(c.t, err)
		tracks = nil
		for _, v := range versions {
			data, err := os.ReadFile(filepath.Join(c.world.dir, "store", v.Blob))
			require.NoError(c.t, err)
			if strings.HasSuffix(v.Key, ".json") {
				require.NoError(c.t, json.Unmarshal(data, &record))
				continue
			}
			tracks = append(tracks, v)
		}
		if record.Edition == nil {
			return false
		}
		owners := map[string]bool{}
		for _, p := range record.Edition.Parts {
			owners[p.Recorder] = true
		}
		return len(owners) == recorders
	})
	require.Len(c.t, record.Edition.Tracks, 1)
	track := record.Edition.Tracks[0]
	last := tracks[len(tracks)-1]
	require.Equal(c.t, track.Key, last.Key)
	path := filepath.Join(c.world.dir, "track."+track.Format)
	data, err := os.ReadFile(filepath.Join(c.world.dir, "store", last.Blob))
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(path, data, 0o644))
	require.Empty(c.t, segment{path: path}.undecodable())
	seconds := c.probed(path, track.Format)
	require.InDelta(c.t, track.Seconds, seconds, 0.1)
	// What the record says is missing is what the wire saw: the failover, and nothing else.
	require.Len(c.t, track.Gaps, 1)
	gap := track.Gaps[0]
	require.InDelta(c.t, c.back.Sub(c.lost).Seconds(), gap.Length, clocks)
	require.Greater(c.t, gap.At, 0.0)
	require.Less(c.t, gap.At, track.Seconds)
	require.Equal(c.t, manifest.Crash, gap.Cause)
	c.t.Logf("%s: %.1f s of sound, gap of %.1f s at %.1f s; nobody was connected for %.1f s", track.Key, seconds, gap.Length, gap.At, c.back.Sub(c.lost).Seconds())
}

// clocks is how far a gap's length may be from the time without a connection, in seconds:
// what was on its way, and when a busy machine gets to it.
const clocks = 3

// probed is how long a track is by ffprobe, in seconds. ADTS has no length of its own,
// which ffprobe guesses: its frames are counted.
func (c *cell) probed(path, format string) float64 {
	argv := []string{"-v", "error", "-show_entries", "format=duration"}
	if format == "aac" {
		argv = []string{"-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets"}
	}
	out, err := exec.CommandContext(c.t.Context(), "ffprobe", append(argv, "-of", "csv=p=0", path)...).Output()
	require.NoError(c.t, err)
	n, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(c.t, err)
	if format == "aac" {
		return n * 1024 / 44100 // the noise's rate
	}
	return n
}
