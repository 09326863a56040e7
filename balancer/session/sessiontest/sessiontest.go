// Package sessiontest holds what every session.Store must do, as tests for any of
// them. It does not test what happens when the store is unreachable: that is each
// store's own.
package sessiontest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
)

// Case is one thing that a store must do. Check may be called in a synctest bubble.
type Case struct {
	Name  string
	Check func(t *testing.T, s session.Store)
}

// Run checks all cases, each with a store that newStore makes. Stores may share
// their data.
func Run(t *testing.T, newStore func(t *testing.T) session.Store) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Check(t, newStore(t)) })
	}
}

// Cases are all cases.
func Cases() []Case {
	return []Case{
		{"a first claim begins a session", firstClaim},
		{"a claim of the same account goes on with the session", sameAccount},
		{"a claim of another account is refused", otherAccount},
		{"a session ends with its window, its epochs do not", windowPasses},
		{"an epoch is greater than asked for", atLeast},
		{"an older epoch is fenced", fenced},
		{"an unknown epoch is not found", unknown},
		{"a lost epoch can be put back", putBack},
		{"renewing keeps a session", renew},
		{"renewing brings a session back that nobody claimed", renewLate},
		{"a released session is over", release},
		{"a title stays with its session", title},
		{"a proof stays with its session until there is another", proof},
		{"a writer may repeat itself", repeat},
		{"mounts do not mix", mountsApart},
		{"claims at the same time get different epochs", race},
		{"a claim that makes no sense is refused", nonsense},
		{"a probe succeeds", probe},
	}
}

const window = time.Minute

// short is a window to wait for.
const short = 100 * time.Millisecond

// claimOf is a claim with all that is needed, for a mount of this test alone.
func claimOf(t *testing.T) session.Claim {
	mount := fmt.Sprintf("/%s/%d", t.Name(), time.Now().UnixNano())
	return session.Claim{Mount: mount, Account: "ann", NewID: "first", Datacenter: "eu-west", Window: window}
}

// fresh is a claim of a new connection with a new session in hand.
func fresh(c session.Claim) session.Claim {
	c.NewID, c.Datacenter = "second", "us-east"
	return c
}

func firstClaim(t *testing.T, s session.Store) {
	c := claimOf(t)
	_, err := s.Lookup(t.Context(), c.Mount)
	require.ErrorIs(t, err, session.ErrNotFound)

	got := claim(t, s, c)
	require.WithinDuration(t, time.Now().Add(window), got.Until, 10*time.Second)
	want := session.Session{Mount: c.Mount, ID: "first", Account: "ann", Datacenter: "eu-west", Epoch: 1, Until: got.Until}
	require.Equal(t, want, got)
	require.Equal(t, want, lookup(t, s, c.Mount))
}

func sameAccount(t *testing.T, s session.Store) {
	c := claimOf(t)
	first := claim(t, s, c)
	require.NoError(t, s.Settle(t.Context(), c.Mount, first.Epoch, "recorder-2"))

	second := claim(t, s, fresh(c))
	want := session.Session{
		Mount: c.Mount, ID: "first", Account: "ann", Recorder: "recorder-2",
		Datacenter: "us-east", Epoch: first.Epoch + 1, Until: second.Until,
	}
	require.Equal(t, want, second)
	require.False(t, second.Until.Before(first.Until))
	require.Equal(t, want, lookup(t, s, c.Mount))
}

func otherAccount(t *testing.T, s session.Store) {
	c := claimOf(t)
	first := claim(t, s, c)
	other := fresh(c)
	other.Account = "bob"
	_, err := s.Claim(t.Context(), other)
	require.ErrorIs(t, err, session.ErrTaken)
	require.Equal(t, first, lookup(t, s, c.Mount))
}

func windowPasses(t *testing.T, s session.Store) {
	c := claimOf(t)
	c.Window = short
	first := claim(t, s, c)
	require.NoError(t, s.Settle(t.Context(), c.Mount, first.Epoch, "recorder-2"))
	gone(t, s, first)

	other := fresh(c)
	other.Account = "bob"
	second := claim(t, s, other)
	require.Equal(t, "second", second.ID)
	require.Equal(t, "bob", second.Account)
	require.Empty(t, second.Recorder)
	require.Equal(t, first.Epoch+1, second.Epoch)
}

func atLeast(t *testing.T, s session.Store) {
	c := claimOf(t)
	c.AtLeast = 41
	require.EqualValues(t, 42, claim(t, s, c).Epoch)
	c.AtLeast = 7
	require.EqualValues(t, 43, claim(t, s, c).Epoch)
	c.AtLeast = 1 << 50
	require.EqualValues(t, 1<<50+1, claim(t, s, c).Epoch)
	require.EqualValues(t, 1<<50+1, lookup(t, s, c.Mount).Epoch)
}

func fenced(t *testing.T, s session.Store) {
	c := claimOf(t)
	old := claim(t, s, c).Epoch
	now := claim(t, s, fresh(c))
	require.ErrorIs(t, s.Settle(t.Context(), c.Mount, old, "recorder-9"), session.ErrFenced)
	require.ErrorIs(t, s.Renew(t.Context(), c.Mount, old, time.Hour), session.ErrFenced)
	require.ErrorIs(t, s.Release(t.Context(), c.Mount, old), session.ErrFenced)
	require.Equal(t, now, lookup(t, s, c.Mount))
}

func unknown(t *testing.T, s session.Store) {
	c := claimOf(t)
	notFound := func(epoch int64) {
		require.ErrorIs(t, s.Settle(t.Context(), c.Mount, epoch, "recorder-9"), session.ErrNotFound)
		require.ErrorIs(t, s.Renew(t.Context(), c.Mount, epoch, time.Hour), session.ErrNotFound)
		require.ErrorIs(t, s.Release(t.Context(), c.Mount, epoch), session.ErrNotFound)
	}
	notFound(1)
	now := claim(t, s, c)
	notFound(now.Epoch + 1)
	require.Equal(t, now, lookup(t, s, c.Mount))
}

func putBack(t *testing.T, s session.Store) {
	c := claimOf(t)
	c.NewID, c.AtLeast = "known elsewhere", 6
	got := claim(t, s, c)
	require.Equal(t, "known elsewhere", got.ID)
	require.EqualValues(t, 7, got.Epoch)
	require.NoError(t, s.Settle(t.Context(), c.Mount, 7, "recorder-2"))
}

func renew(t *testing.T, s session.Store) {
	c := claimOf(t)
	c.Window = short
	first := claim(t, s, c)
	require.NoError(t, s.Renew(t.Context(), c.Mount, first.Epoch, window))
	time.Sleep(time.Until(first.Until) + 10*time.Millisecond)
	now := lookup(t, s, c.Mount)
	require.WithinDuration(t, time.Now().Add(window), now.Until, 10*time.Second)
	require.Equal(t, "first", claim(t, s, fresh(c)).ID)
}

func renewLate(t *testing.T, s session.Store) {
	c := claimOf(t)
	c.Window = short
	first := claim(t, s, c)
	gone(t, s, first)
	require.NoError(t, s.Renew(t.Context(), c.Mount, first.Epoch, window))
	require.Equal(t, "first", lookup(t, s, c.Mount).ID)
}

func release(t *testing.T, s session.Store) {
	c := claimOf(t)
	first := claim(t, s, c)
	require.NoError(t, s.Release(t.Context(), c.Mount, first.Epoch))
	_, err := s.Lookup(t.Context(), c.Mount)
	require.ErrorIs(t, err, session.ErrNotFound)
	require.ErrorIs(t, s.Renew(t.Context(), c.Mount, first.Epoch, window), session.ErrFenced)
	require.ErrorIs(t, s.Settle(t.Context(), c.Mount, first.Epoch, "recorder-9"), session.ErrFenced)

	other := fresh(c)
	other.Account = "bob"
	second := claim(t, s, other)
	require.Equal(t, "second", second.ID)
	require.Empty(t, second.Recorder)
	require.Equal(t, first.Epoch+1, second.Epoch)
}

func title(t *testing.T, s session.Store) {
	c := claimOf(t)
	require.ErrorIs(t, s.Title(t.Context(), c.Mount, 1, "nobody plays this"), session.ErrNotFound)
	first := claim(t, s, c)
	require.Empty(t, first.Title)
	require.NoError(t, s.Title(t.Context(), c.Mount, first.Epoch, "Ärtist - Song"))
	require.Equal(t, "Ärtist - Song", lookup(t, s, c.Mount).Title)
	second := claim(t, s, fresh(c))
	require.Equal(t, "Ärtist - Song", second.Title)
	require.ErrorIs(t, s.Title(t.Context(), c.Mount, first.Epoch, "late"), session.ErrFenced)
	require.NoError(t, s.Title(t.Context(), c.Mount, second.Epoch, ""))
	require.Empty(t, lookup(t, s, c.Mount).Title)
	require.NoError(t, s.Title(t.Context(), c.Mount, second.Epoch, "last"))
	require.NoError(t, s.Release(t.Context(), c.Mount, second.Epoch))
	require.ErrorIs(t, s.Title(t.Context(), c.Mount, second.Epoch, "after the end"), session.ErrFenced)
	require.Empty(t, claim(t, s, fresh(c)).Title, "a new session has no title")
}

func proof(t *testing.T, s session.Store) {
	c := claimOf(t)
	require.Empty(t, claim(t, s, c).Proof)
	c.Proof = "$one"
	require.Equal(t, "$one", claim(t, s, c).Proof)
	first := claim(t, s, fresh(claimOfMount(c)))
	require.Equal(t, "$one", first.Proof, "who has none leaves it")
	require.NoError(t, s.Renew(t.Context(), c.Mount, first.Epoch, window))
	require.Equal(t, "$one", lookup(t, s, c.Mount).Proof)
	c.Proof = "$two"
	second := claim(t, s, c)
	require.Equal(t, "$two", lookup(t, s, c.Mount).Proof)
	require.NoError(t, s.Release(t.Context(), c.Mount, second.Epoch))
	require.Empty(t, claim(t, s, fresh(claimOfMount(c))).Proof, "a new session has none")
}

// claimOfMount is a claim without a proof.
func claimOfMount(c session.Claim) session.Claim {
	c.Proof = ""
	return c
}

// repeat is what happens when an answer was lost on its way.
func repeat(t *testing.T, s session.Store) {
	c := claimOf(t)
	claim(t, s, c)
	now := claim(t, s, c)
	require.Equal(t, "first", now.ID)
	for range 2 {
		require.NoError(t, s.Settle(t.Context(), c.Mount, now.Epoch, "recorder-2"))
	}
	for range 2 {
		require.NoError(t, s.Renew(t.Context(), c.Mount, now.Epoch, window))
	}
	require.Equal(t, "recorder-2", lookup(t, s, c.Mount).Recorder)
	for range 2 {
		require.NoError(t, s.Release(t.Context(), c.Mount, now.Epoch))
	}
}

func mountsApart(t *testing.T, s session.Store) {
	a := claimOf(t)
	b := a
	b.Mount, b.Account, b.NewID = a.Mount+"b", "bob", "other"
	mine, other := claim(t, s, a), claim(t, s, b)
	require.NoError(t, s.Release(t.Context(), b.Mount, other.Epoch))
	require.Equal(t, mine, lookup(t, s, a.Mount))
}

func race(t *testing.T, s session.Store) {
	c := claimOf(t)
	const claims = 20
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		epochs = map[int64]bool{}
		ids    = map[string]bool{}
		failed error
	)
	for i := range claims {
		mine := c
		mine.NewID = fmt.Sprint("session ", i)
		wg.Go(func() {
			got, err := s.Claim(t.Context(), mine)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
			epochs[got.Epoch], ids[got.ID] = true, true
		})
	}
	wg.Wait()
	require.NoError(t, failed)
	require.Len(t, epochs, claims)
	require.Len(t, ids, 1, "one of them began the session")
	require.EqualValues(t, claims, lookup(t, s, c.Mount).Epoch)
}

func nonsense(t *testing.T, s session.Store) {
	for name, spoil := range map[string]func(*session.Claim){
		"no mount":       func(c *session.Claim) { c.Mount = "" },
		"no account":     func(c *session.Claim) { c.Account = "" },
		"no id":          func(c *session.Claim) { c.NewID = "" },
		"no window":      func(c *session.Claim) { c.Window = 0 },
		"negative epoch": func(c *session.Claim) { c.AtLeast = -1 },
		"huge epoch":     func(c *session.Claim) { c.AtLeast = 1<<53 - 1 },
	} {
		c := claimOf(t)
		spoil(&c)
		_, err := s.Claim(t.Context(), c)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, session.ErrUnavailable, name)
	}
}

func probe(t *testing.T, s session.Store) {
	require.NoError(t, s.Probe(t.Context()))
}

func claim(t *testing.T, s session.Store, c session.Claim) session.Session {
	t.Helper()
	got, err := s.Claim(t.Context(), c)
	require.NoError(t, err)
	return got
}

func lookup(t *testing.T, s session.Store, mount string) session.Session {
	t.Helper()
	got, err := s.Lookup(t.Context(), mount)
	require.NoError(t, err)
	return got
}

// gone waits until a session's time is up.
func gone(t *testing.T, s session.Store, old session.Session) {
	t.Helper()
	time.Sleep(time.Until(old.Until) + 10*time.Millisecond)
	_, err := s.Lookup(t.Context(), old.Mount)
	require.ErrorIs(t, err, session.ErrNotFound)
}
