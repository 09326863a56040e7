package recorder_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
	"deadair/fakes/disk"
)

var (
	deaths = flag.Int("deaths", 200, "how many kills and power cuts the explorer makes, at least")
	life   = flag.Int("life", -1, "the only life that it plays")
)

// lifeID is the session of every life, called as a balancer would call it.
const lifeID = "019a0c3f5e217d10c34bd9aa01ee"

// TestNoKillLosesOrDoublesAShow: two recorders record a show in turn and publish it,
// and are killed, or lose their power, at any of their changes of a disk and before and
// after anything they ask of the store. In the end it is in the store once, with every
// frame that was durable. With 10,000 deaths (make explore) every state of the journal
// has to be met often, before its effect and after it.
func TestNoKillLosesOrDoublesAShow(t *testing.T) {
	hit := map[string]int{}
	if *life >= 0 {
		require.Empty(t, explore(t, uint64(*life), defect{}, hit))
		return
	}
	for seed := uint64(0); hit["deaths"] < *deaths; seed++ {
		if findings := explore(t, seed, defect{}, hit); len(findings) > 0 {
			t.Fatalf("life %d:\n%s\nagain: go test -run %s -life %d", seed, strings.Join(findings, "\n"), t.Name(), seed)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(hit)) {
		t.Logf("%-24s %6d", what, hit[what])
	}
	require.Greater(t, hit["lives with durable audio"], hit["lives"]*9/10)
	if *deaths < 10_000 {
		return
	}
	for _, stage := range []manifest.Type{manifest.Finished, manifest.Stitched, manifest.Uploading, manifest.Completing, manifest.Published, manifest.Verified, manifest.Collected} {
		for _, when := range []string{" before", " after"} {
			require.GreaterOrEqual(t, hit[string(stage)+when], 20, "%s its effect: %s", when, stage)
		}
	}
	for _, line := range []manifest.Type{manifest.Source, manifest.Segment, manifest.Sealed, manifest.Ended} {
		require.GreaterOrEqual(t, hit["recording, "+string(line)], 20, line)
	}
	for _, way := range []string{"kill", "power cut", "torn power cut", "uploading, parts known"} {
		require.GreaterOrEqual(t, hit[way], 20, way)
	}
}

// explore plays one life, counts what was hit, and tells what is wrong in the end.
func explore(t *testing.T, seed uint64, d defect, hit map[string]int) (findings []string) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, seed, d)
		defer p.end()
		findings = p.live()
		findings = append(findings, p.judge()...)
		for what, n := range p.hit {
			hit[what] += n
		}
		hit["lives"]++
		if len(p.durable()) > 0 {
			hit["lives with durable audio"]++
		}
	})
	return findings
}

// pair is two recorders that share a store.
type pair struct {
	t      *testing.T
	seed   uint64
	defect defect
	long   bool // the show is of several parts of an upload
	rng    *rand.Rand
	net    *envtest.Net
	store  objects.Store
	nodes  [2]*mortal
	hit    map[string]int
	next   uint64 // frame

	mu   sync.Mutex      // guards kept
	kept map[uint64]bool // frames that were durable at some time
}

func newPair(t *testing.T, seed uint64, d defect) *pair {
	storeDisk, err := disk.New(disk.Config{})
	require.NoError(t, err)
	p := &pair{
		t: t, seed: seed, defect: d, long: seed%32 == 31, rng: rand.New(rand.NewPCG(seed, 7)), net: new(envtest.Net),
		store: objects.NewDir(storeDisk.Mount(), "."), kept: map[uint64]bool{}, hit: map[string]int{},
	}
	for i := range p.nodes {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		p.nodes[i] = &mortal{p: p, name: fmt.Sprintf("recorder-%d", i+1), ip: fmt.Sprintf("10.0.0.%d", 11+i), disk: d}
	}
	return p
}

// live plays the show and what befalls it, heals, and tells what is left undone.
func (p *pair) live() (findings []string) {
	for i, m := range p.nodes {
		m.start(i == int(p.seed%2))
	}
	deaths := 0
	for _, epoch := range []int64{1, 2, 3} {
		p.broadcast(p.nodes[epoch%2], epoch)
		deaths += p.reap(deaths)
	}
	for range 120 {
		time.Sleep(250 * time.Millisecond)
		deaths += p.reap(deaths)
	}
	for _, m := range p.nodes {
		if m.died() || m.callAt > 0 || m.dieAt > 0 {
			if !m.died() {
				m.die()
			}
			m.bury()
			m.start(false)
		}
		p.keep(m)
	}
	for range 600 {
		time.Sleep(time.Second)
		if p.settled() {
			return nil
		}
	}
	findings = append(findings, fmt.Sprintf("not settled after ten minutes: %v", p.left()))
	for _, m := range p.nodes {
		d := m.disk.Mount()
		if _, err := d.Stat(lifeID + "/" + manifest.File); err == nil {
			findings = append(findings, fmt.Sprintf("%s:\n%s", m.name, readFile(p.t, d, lifeID+"/"+manifest.File)))
		}
		d.Unmount()
	}
	return findings
}

// reap buries who has died, and starts them again, at most thrice to die again.
func (p *pair) reap(deaths int) (more int) {
	for _, m := range p.nodes {
		if !m.died() {
			continue
		}
		m.bury()
		more++
		time.Sleep(time.Duration(p.rng.IntN(3000)) * time.Millisecond)
		m.start(deaths+more < 3)
		if !m.died() {
			p.keep(m) // it has made durable what a kill had left
		}
	}
	return more
}

// broadcast sends some frames, if the recorder takes them.
func (p *pair) broadcast(m *mortal, epoch int64) {
	conn, err := p.net.Env("balancer-1", clientIP, nil).DialContext(context.Background(), "tcp", m.ip+":8000")
	if err != nil {
		return
	}
	defer conn.Close()
	h := icecast.Head{Method: "PUT", Target: "/show", Proto: "HTTP/1.1"}
	for name, value := range map[string]string{"Session": lifeID, "Epoch": fmt.Sprint(epoch), "Account": "anna", "Mount": "/show"} {
		h.Header.Add("Deadair-"+name, value)
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := h.WriteTo(conn); err != nil {
		return
	}
	if reply, err := icecast.ReadReply(conn); err != nil || reply.Status != 200 {
		return
	}
	for range 8 {
		p.send(conn)
		time.Sleep(400 * time.Millisecond)
		if m.died() {
			return
		}
	}
}

func (p *pair) send(conn net.Conn) {
	var b []byte
	for range p.of(5, 500) {
		b = append(b, p.frame(p.next)...)
		p.next++
	}
	_, _ = conn.Write(b) // the recorder may be dead
	synctest.Wait()
}

// of is how much of something there is in a short life, or in a long one.
func (p *pair) of(short, long int) int {
	if p.long {
		return long
	}
	return short
}

// longFrame is the size of the frames of long lives, in bytes: 320 kbit/s.
const longFrame = 1044

// frame is a playable frame with a number.
func (p *pair) frame(n uint64) []byte {
	if !p.long {
		return frame(n)
	}
	b := make([]byte, longFrame)
	copy(b, []byte{0xFF, 0xFB, 0xE0, 0xC4})
	binary.BigEndian.PutUint64(b[40:], n<<8)
	return b
}

// end stops who lives.
func (p *pair) end() {
	var all sync.WaitGroup
	for _, m := range p.nodes {
		if m.cancel != nil {
			m.cancel()
			all.Go(func() { <-m.ended })
		}
	}
	all.Wait()
	time.Sleep(3 * time.Minute) // idle connections end
}
