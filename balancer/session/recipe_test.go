package session_test

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/redis"
)

// Recipes are ways in which clients of Redis are known to go stale, hang, or lie.
// Whatever happens, no claim takes longer than its budget, and the index recovers.
type recipe struct {
	name string
	play func(t *judge, b *bed)
}

func recipes() []recipe {
	all := []recipe{
		{"X1 stalled both ways, then delivered", late(hold)},
		{"X1 stalled both ways, then cut", func(t *judge, b *bed) {
			b.all(swallow, swallow)
			require.Zero(t, b.claims(t, b.hold).ok)
			b.each(reset, reset)
			b.heal()
			b.recovers(t)
		}},
		{"X1 stalled both ways, new connections work", stalePath(hold, hold)},
		{"X2 only replies are lost", lossyPath(leave, swallow)},
		{"X2 only replies are lost, new connections work", stalePath(leave, swallow)},
		{"X3 only requests are lost", lossyPath(swallow, leave)},
		{"X3 only requests are lost, new connections work", stalePath(swallow, leave)},
		{"X4 idle connections die without a word", func(t *judge, b *bed) {
			time.Sleep(b.idle)
			b.each(swallow, swallow)
			b.recovers(t)
		}},
		{"X5 a storm of resets", resetStorm},
		{"X6 down, then up", downAndUp},
		{"X7 slower than the deadline", func(t *judge, b *bed) { late(lag(5*b.deadline, b.deadline))(t, b) }},
		{"X7 a thin line", late(narrow(300))},
		{"X7 in small pieces", func(t *judge, b *bed) {
			b.all(slice(50), slice(7))
			require.Zero(t, b.claims(t, b.hold).failed, "pieces are put together")
			b.recovers(t)
			b.heal()
		}},
		{"X8 closed in the middle of a reply", truncated(true)},
		{"X8 a reply breaks off, and nothing closes", truncated(false)},
	}
	for _, answer := range []redis.Answer{redis.ReadOnly, redis.OOM, redis.Misconf, redis.Loading, redis.NoAuth, redis.MaxClients} {
		all = append(all, recipe{"X14 " + string(answer), refusing(answer)})
	}
	return all
}

// late is a path on which everything arrives when it is too late.
func late(how func(*half)) func(*judge, *bed) {
	return func(t *judge, b *bed) {
		givenUp(t, b, func() func() {
			b.all(how, how)
			return b.heal
		})
	}
}

// givenUp plays a fault in which claims reach Redis after they were given up: they
// must do nothing then, and the claim from before it holds.
func givenUp(t *judge, b *bed, begin func() (end func())) {
	first, err := b.store.Claim(t.Context(), claimOf(0))
	require.NoError(t, err)
	end := begin()
	require.Zero(t, b.claims(t, b.hold).ok)
	end()
	time.Sleep(b.stale) // for what was stuck
	require.NoError(t, b.store.Renew(t.Context(), first.Mount, first.Epoch, mine.Window), "a claim was made after it was given up")
	b.recovers(t)
}

// lossyPath loses what goes one way, on new connections too.
func lossyPath(forth, back func(*half)) func(*judge, *bed) {
	return func(t *judge, b *bed) {
		b.all(forth, back)
		require.Zero(t, b.claims(t, b.hold).ok)
		b.each(reset, reset)
		b.heal()
		b.recovers(t)
	}
}

// stalePath breaks the connections that exist; new ones work. Nobody fails: what
// one caller finds out, the others need not.
func stalePath(forth, back func(*half)) func(*judge, *bed) {
	return func(t *judge, b *bed) {
		old := b.existing()
		b.each(forth, back)
		sum := b.claims(t, b.hold)
		require.Zero(t, sum.failed, "%d succeeded", sum.ok)
		got, err := b.store.Claim(t.Context(), claimOf(0))
		require.NoError(t, err)
		for _, c := range old {
			require.True(t, c.out.isClosed(), "a dead connection was kept")
			c.out.change(clear) // what was stuck arrives after all
		}
		time.Sleep(b.stale)
		require.NoError(t, b.store.Renew(t.Context(), got.Mount, got.Epoch, mine.Window), "a claim was made after it was given up")
		b.recovers(t)
	}
}

// resetStorm resets all connections, those to come too, a second on and a second off.
func resetStorm(t *judge, b *bed) {
	before, done := b.dialled(), make(chan bool)
	go func() {
		defer close(done)
		for range 2 {
			b.all(reset, reset)
			time.Sleep(time.Second)
			b.heal()
			time.Sleep(time.Second)
		}
	}()
	sum := b.claims(t, 4*time.Second)
	<-done
	require.Positive(t, sum.failed)
	require.Positive(t, sum.ok)
	require.LessOrEqual(t, b.dialled()-before, sum.ok+sum.failed, "a call dials once at most")
	b.recovers(t)
}

// downAndUp closes and refuses everything for half a minute. Nothing that was asked
// for meanwhile is asked for when it is over: the epochs go on where they were.
func downAndUp(t *judge, b *bed) {
	before, err := b.store.Claim(t.Context(), claimOf(0))
	require.NoError(t, err)
	b.each(swallow, finish)
	b.setDials(syscall.ECONNREFUSED, false)
	sum := b.claims(t, b.hold/2)
	require.Zero(t, sum.ok)
	require.LessOrEqual(t, sum.worst, b.stale+t.allowance(), "a refusal is known at once")
	b.setDials(nil, false)
	after, err := b.store.Claim(t.Context(), claimOf(0))
	require.NoError(t, err)
	require.Equal(t, before.Epoch+1, after.Epoch, "old writes came late")
	b.recovers(t)
}

// truncated breaks the replies of all connections that exist, after some bytes.
func truncated(fin bool) func(*judge, *bed) {
	return func(t *judge, b *bed) {
		for _, n := range []int{0, 1, 4, 9, 40, 90} {
			b.warm(t, 4)
			b.each(leave, cutAfter(n, fin))
			b.recovers(t)
		}
		b.all(leave, cutAfter(40, fin)) // of new ones too
		require.Zero(t, b.claims(t, b.hold/4).ok)
		b.each(reset, reset)
		b.heal()
		b.recovers(t)
	}
}

// standingStill is a Redis that accepts and does not answer, and goes on without
// closing anything.
func standingStill(stop string) func(*judge, *bed) {
	return func(t *judge, b *bed) {
		givenUp(t, b, func() func() { return b.stops[stop](t) })
	}
}

// refusing is a Redis that is up and says no. A check that only reads is answered
// where the table says so, while nothing can be claimed: the index's own probe tells.
func refusing(answer redis.Answer) func(*judge, *bed) {
	alive := map[redis.Answer]bool{redis.ReadOnly: true, redis.OOM: true, redis.MaxClients: true}
	return func(t *judge, b *bed) {
		ping := b.ping(t)
		warm := b.existing()
		heal := b.ill(t, answer)
		if answer == redis.MaxClients { // who is in stays in
			for _, c := range warm[:len(warm)-1] {
				c.out.change(reset)
				c.in.change(reset)
			}
		}
		sum := b.claims(t, b.hold/2)
		require.Zero(t, sum.ok)
		require.Error(t, b.store.Probe(t.Context()), "the probe is a write like a claim")
		require.Equal(t, alive[answer], strings.HasPrefix(ping(), "+PONG"), ping())
		heal()
		b.recovers(t)
	}
}

// TestRecipes plays them against the fake, in virtual time.
func TestRecipes(t *testing.T) {
	all := append(recipes(), recipe{"X13 stopped", standingStill("stopped")})
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, b := &judge{T: t, late: func() time.Duration { return 0 }}, newFakeBed(t)
				b.warm(j, 8)
				r.play(j, b)
			})
		})
	}
}

// TestRecipesOnServer plays them against the real thing, each with one of its own.
func TestRecipesOnServer(t *testing.T) {
	if testing.Short() {
		t.Skip("real time: left out by -short")
	}
	all := append(recipes(),
		recipe{"X13 stopped", standingStill("stopped")},
		recipe{"X13 clients paused", standingStill("clients paused")},
		recipe{"X13 busy", standingStill("busy")})
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			b := newServerBed(t)
			j := &judge{T: t, late: canary(t), limit: b.stale / 4}
			b.warm(j, 8)
			r.play(j, b)
		})
	}
}
