package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/publish"
	"deadair/fakes/objectstore"
)

// streamTo is where a person is told to stream to.
var streamTo = regexp.MustCompile(`icecast://(\w+):(\w+)@([\d.:]+)(/\w+)`)

// onAir is a show that is sent to a system that is held up.
type onAir struct {
	net.Conn
	t    *testing.T
	next *int // frame
}

// goOnAir connects as the explanation says.
func (s *started) goOnAir(t *testing.T, next *int) *onAir {
	t.Helper()
	to := streamTo.FindStringSubmatch(s.out.String())
	require.NotNil(t, to)
	conn, err := net.DialTimeout("tcp", to[3], patience)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	h := icecast.Head{Method: "SOURCE", Target: to[4], Proto: "HTTP/1.0"}
	h.Header.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(to[1]+":"+to[2])))
	h.Header.Add("Content-Type", "audio/mpeg")
	_, err = h.WriteTo(conn)
	require.NoError(t, err)
	reply, err := icecast.ReadReply(conn)
	require.NoError(t, err)
	require.Equal(t, 200, reply.Status)
	return &onAir{conn, t, next}
}

// killFrame is the size of the frames that are sent, in bytes: 128 kbit/s.
const killFrame = 417

// send sends frames with numbers.
func (a *onAir) send(n int) {
	a.t.Helper()
	for range n {
		f := make([]byte, killFrame)
		copy(f, []byte{0xFF, 0xFB, 0x90, 0x00})
		f[100], f[101] = byte(*a.next), byte(*a.next>>8)
		*a.next++
		_, err := a.Write(f)
		require.NoError(a.t, err)
	}
}

// holders are the recorders that have something of a show on their disks, with the last
// line of what they say of it.
func (s *started) holders() map[string]manifest.Line {
	all := map[string]manifest.Line{}
	found, _ := filepath.Glob(filepath.Join(s.dir, "held", "disks", "*", "recorder-*", "*", manifest.File))
	for _, name := range found {
		data, err := os.ReadFile(name)
		lines, _, _ := manifest.Parse(data)
		if err == nil && len(lines) > 0 {
			dir := filepath.Dir(filepath.Dir(name))
			all[path.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir))] = lines[len(lines)-1]
		}
	}
	return all
}

// written is how much of a show is on a recorder's disk, in bytes.
func (s *started) written(node string) (n int64) {
	found, _ := filepath.Glob(filepath.Join(s.dir, "held", "disks", filepath.FromSlash(node), "*", "*-*.mp3"))
	for _, name := range found {
		if fi, err := os.Stat(name); err == nil {
			n += fi.Size()
		}
	}
	return n
}

// stored is what the store has of the show; no numbers while there is no track.
func (s *started) stored(t *testing.T) (r publish.Record, numbers []int, tracks int) {
	t.Helper()
	disk := env.OSDisk(filepath.Join(s.dir, "held", "disks", "store"))
	versions, err := objectstore.Read(disk)
	require.NoError(t, err)
	blobs := map[string]string{}
	for _, v := range versions {
		blobs[v.Key] = v.Blob
	}
	for key, blob := range blobs {
		data, err := os.ReadFile(filepath.Join(s.dir, "held", "disks", "store", filepath.FromSlash(blob)))
		require.NoError(t, err)
		if strings.HasSuffix(key, ".json") {
			require.NoError(t, json.Unmarshal(data, &r))
			continue
		}
		tracks++
		numbers = numbered(data)
	}
	return r, numbers, tracks
}

// numbered are the numbers of a track's frames, but for the first, which describes them.
func numbered(data []byte) (numbers []int) {
	split := audio.Splitter{Format: audio.MP3}
	for first := true; ; first = false {
		u, ok := split.Next(data, true)
		if !ok {
			return numbers
		}
		if !first {
			numbers = append(numbers, int(data[100])|int(data[101])<<8)
		}
		data = data[u.Length:]
	}
}

// TestUpPublishesWhatRecordersKilledLeave: recorders are killed while they record, and
// while they finish and publish; when they are back the show is in the store as one
// track, with all that was on a disk.
func TestUpPublishesWhatRecordersKilledLeave(t *testing.T) {
	s, typing := beginWith(t, "up", "--out", "held", "--speed", "20")
	s.until(t, "the system is up", func() bool { return strings.Contains(s.out.String(), "Break it: type a fault") })
	say := func(format string, args ...any) {
		t.Helper()
		_, err := fmt.Fprintf(typing, format+"\n", args...)
		require.NoError(t, err)
	}
	next := 0
	first := s.goOnAir(t, &next)
	first.send(100)
	owner := ""
	s.until(t, "it is recorded", func() bool {
		for name := range s.holders() {
			owner = name
		}
		return owner != "" && s.written(owner) >= 100*killFrame
	})
	say("kill %s", owner)
	s.until(t, "its recorder is dead", func() bool { return len(s.named(owner)) == 0 })
	first.Close()

	second := s.goOnAir(t, &next)
	second.send(100)
	other := ""
	s.until(t, "it goes on elsewhere", func() bool {
		for name := range s.holders() {
			if name != owner {
				other = name
			}
		}
		return other != "" && s.written(other) >= 100*killFrame
	})
	say("heal")
	s.until(t, "its recorder is back", func() bool { return len(s.named(owner)) > 0 })
	second.Close()
	s.until(t, "the show is over", func() bool {
		return s.holders()[other].Type == manifest.Finished || s.holders()[other].Plan != ""
	})
	say("kill %s %s", owner, other)
	s.until(t, "both are dead", func() bool { return len(s.named(owner))+len(s.named(other)) == 0 })
	at := s.holders()
	say("heal")

	s.until(t, "the show is in the store, with what both had", func() bool {
		r, numbers, _ := s.stored(t)
		return r.Edition != nil && len(numbers) == next
	})
	r, numbers, tracks := s.stored(t)
	require.Equal(t, 1, tracks)
	for i, n := range numbers {
		require.Equal(t, i, n)
	}
	require.Len(t, r.Edition.Tracks[0].Gaps, 1)
	require.Equal(t, manifest.Crash, r.Edition.Tracks[0].Gaps[0].Cause)
	t.Logf("killed at %s (%s) and %s (%s): revision %d", at[owner].Type, owner, at[other].Type, other, r.Edition.Revision)

	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitOK, s.exit(t), "%s%s", s.out, s.err)
}
