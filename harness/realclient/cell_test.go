//go:build linux

package realclient_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/manifest"
)

// enough is how much of a show has to be on a disk to be called on air, in bytes:
// more than a second of sound.
const enough = 24 << 10

// Limits of waiting. Clients and machines are slow to start; what follows a loss has
// to come.
const (
	startLimit  = 2 * time.Minute
	noticeLimit = 30 * time.Second
	returnLimit = 90 * time.Second
)

// cell is one client meeting one fault.
type cell struct {
	t      testing.TB
	row    *row
	world  *world
	client client
	fault  fault
	show   show

	argv     []string
	process  *process
	source   conn    // that carries the show before the fault
	recorded segment // that it fills

	lost, back time.Time // when the fault took the connection away, and when the one began that carried on
}

// play puts the client on air, has the fault happen, waits for what comes of it, and
// reads the disks.
func play(t testing.TB, r *row, w *world, c client, f fault, media string) {
	cell := &cell{t: t, row: r, world: w, client: c, fault: f, show: show{
		dir: w.dir, media: media, chain: filepath.Join(w.bin, "chain.pem"), mount: cmp.Or(c.mount, "/ann.mp3"), account: cmp.Or(c.account, "anna"), titles: f.strike == nil && c.titles,
	}}
	defer func() {
		t.Log("real client: ", r)
		if t.Failed() {
			t.Log(w.tails())
		}
	}()
	cell.start()
	if f.strike == nil {
		cell.announce()
	} else {
		cell.lose()
	}
	cell.process.kill()
	cell.judge()
}

// start puts the client on air at a recorder that its mount alone does not lead to:
// who finds it again has remembered.
func (c *cell) start() {
	var err error
	c.argv, err = c.client.prepare(c.show)
	require.NoError(c.t, err)
	hashed := c.world.hashed(c.show.mount)
	c.world.drain(hashed, true)
	c.process = c.world.broadcast(c.argv)
	c.recorded = c.onAir(0, startLimit)
	require.NotEqual(c.t, hashed, c.recorded.recorder)
	c.world.drain(hashed, false)
	c.world.indexed(c.show.mount, c.recorded.recorder)
	c.source = c.carried(time.Time{})
}

// onAir waits until enough of a connection of the show is on a disk, one with a higher epoch.
func (c *cell) onAir(above int64, limit time.Duration) (s segment) {
	c.t.Helper()
	await(c.t, limit, fmt.Sprintf("not on air, above epoch %d", above), func() bool {
		all := c.world.segments()
		i := slices.IndexFunc(all, func(s segment) bool { return s.epoch > above && s.bytes >= enough })
		if i >= 0 {
			s = all[i]
		}
		return i >= 0
	})
	return s
}

// carried waits for the connection that carries the show, which began after a moment.
func (c *cell) carried(after time.Time) (q conn) {
	c.t.Helper()
	await(c.t, noticeLimit, "on air, but not by this wire", func() (ok bool) {
		q, ok = c.world.wire.source(after)
		return ok
	})
	return q
}

// lose has the fault take the connection away, and waits until the show goes on.
func (c *cell) lose() {
	c.fault.strike(c)
	await(c.t, noticeLimit, "the fault did not reach the client", func() bool { return !c.world.wire.now(c.source).cut.IsZero() })
	c.lost = c.world.wire.now(c.source).cut
	if !c.client.returns {
		c.end()
		c.process = c.world.broadcast(c.argv)
	}
	c.onAir(c.recorded.epoch, returnLimit)
	last := c.carried(c.source.began)
	c.back = last.began
	attempts := slices.DeleteFunc(c.world.wire.since(c.source.began), func(q conn) bool {
		return q.began.After(last.began) || q.began.Before(c.lost) || c.aside(q)
	})
	if c.fault.deadFirst {
		require.True(c.t, attempts[0].refused, "it did not meet the address that is dead first: %v", attempts)
	}
	c.row.returned(c.lost, attempts, c.world.wire)
	require.Empty(c.t, c.row.differs, "mend the persona %s", c.client.name)
}

// aside tells whether a connection was for something else than going on air.
func (c *cell) aside(q conn) bool {
	return q.request() == "title" || q.request() == "title without credentials"
}

// end waits until the client has given its show up.
func (c *cell) end() {
	select {
	case <-c.process.ended:
		c.row.note("ended by itself, %s", c.process.cmd.ProcessState)
	case <-time.After(returnLimit):
		c.t.Fatal("it was to end by itself, and runs")
	}
}

// announce has a new title come by another balancer than the show's own, while
// somebody listens.
func (c *cell) announce() {
	audience := c.world.listen(c.recorded.recorder, c.show.mount)
	await(c.t, returnLimit, "nobody hears the show", audience.hears)
	by := "itself"
	if !c.client.titles {
		by = "the station's automation"
	}
	var updated time.Time
	await(c.t, returnLimit, "no title came by another balancer", func() bool {
		// The client's own titles, which nobody can read, may come just after and take its place.
		if !c.client.titles && time.Since(updated) > time.Second {
			c.world.update(c.source, c.show)
			updated = time.Now()
		}
		q, ok := c.announced(audience)
		if ok {
			c.row.note("title %q sent by %s, by way of %s, the show by way of %s, heard by a listener", q.title(), by, q.to, c.source.to)
		}
		return ok
	})
	now := c.world.wire.now(c.source)
	require.True(c.t, now.cut.IsZero(), "its connection was ended")
	later, _ := c.world.wire.source(time.Time{})
	require.Equal(c.t, now.port, later.port, "it has connected again")
	c.row.outcome = "title followed the show, which stayed on air"
}

// announced returns a request by another balancer than the show's whose title is on a
// disk, and was heard; in Ogg a stream has titles of its own only.
func (c *cell) announced(audience listener) (conn, bool) {
	ogg := filepath.Ext(c.recorded.path) == ".ogg"
	for _, q := range c.world.wire.since(c.source.began) {
		if q.request() != "title" || q.to == c.source.to || q.title() == "" {
			continue
		}
		kept := slices.ContainsFunc(c.world.titles(), func(l manifest.Line) bool { return strings.HasSuffix(l.Title, q.title()) })
		if kept && (ogg || audience.told(q.title())) {
			return q, true
		}
	}
	return conn{}, false
}

// judge reads the disks: one session, the right recorder, sound that decodes.
func (c *cell) judge() {
	if c.fault.moves {
		c.world.restart(c.recorded.recorder) // it finds what it had
	}
	c.world.stop()
	all := c.world.segments()
	sessions, owners := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		sessions[s.session], owners[s.recorder] = true, true
		if wrong := s.undecodable(); wrong != "" {
			c.t.Errorf("%s of %s does not decode: %s", s.path, s.recorder, wrong)
		}
	}
	require.Len(c.t, sessions, 1, "sessions of one show: %v", all)
	want, whose := 1, "same recorder"
	if c.fault.moves {
		want, whose = 2, "moved to another recorder"
	}
	require.Len(c.t, owners, want, "recorders of one show: %v", all)
	c.row.note("%s, one session, %d segments, all decode", whose, len(all))
}
