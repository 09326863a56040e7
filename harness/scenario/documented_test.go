package scenario

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// told is a scenario with a clock, and documented moments after it.
const told = `schema: 1
title: x
date: 2014-12-17
starts: 18:30Z
broadcasters: [{name: rome, from: Rome, persona: butt, count: 2}]
timeline: [{at: 18:40Z, kill: eu-west/balancer-1, for: 25m}]
ends: 19:10Z
`

func planOf(t *testing.T, text string) *Plan {
	t.Helper()
	f, err := Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	p, err := Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	return p
}

func TestDocumentedMomentsAreResolved(t *testing.T) {
	p := planOf(t, told+`documented:
  - {at: 18:40Z, says: It fails., seen: {first: fault-began, of: step-1}}
  - {at: 11m, says: Some are gone., assumed: true, seen: {last: lost, of: [rome, eu-west], class: reset}}
  - {when: the next morning, says: It is told.}
  - {at: 19:05Z, says: It is well., seen: {first: voted, of: eu-west/balancer-1, ok: true}}
`)
	at := func(d time.Duration) *time.Duration { return &d }
	yes := true
	m := p.Documented
	require.Equal(t, Milestone{At: at(10 * time.Minute), Says: "It fails.", Seen: &Sighting{Kind: "fault-began", Of: []string{"step-1"}}}, m[0])
	require.Equal(t, at(11*time.Minute), m[1].At)
	require.True(t, m[1].Assumed)
	require.True(t, m[1].Seen.Last)
	require.Equal(t, "reset", m[1].Seen.Class)
	require.Subset(t, m[1].Seen.Of, []string{"rome-01", "rome-02", "eu-west/recorder-3", "eu-west"}, "a datacenter is meant as a whole, too")
	require.Equal(t, Milestone{When: "the next morning", Says: "It is told."}, m[2])
	require.Equal(t, &Sighting{Kind: "voted", Of: []string{"eu-west/balancer-1"}, OK: &yes}, m[3].Seen)
}

func TestDocumentedMomentsThatSayNothing(t *testing.T) {
	for line, want := range map[string]string{
		"{says: x}":                           `either "at" or`,
		"{at: 1m, when: later, says: x}":      `either "at" or`,
		`{at: 1m, says: " "}`:                 `"says" is empty`,
		"{at: 1m}":                            `"says" is missing`,
		"{at: 1m, says: x, seen: {of: rome}}": `"seen" names one kind`,
		"{at: 1m, says: x, seen: {first: lost, last: lost}}":              `"seen" names one kind`,
		"{at: 1m, says: x, seen: {first: lost, of: romme}}":               `unknown name "romme" (did you mean "rome"?)`,
		"{at: 1m, says: x, seen: {first: lost, ok: 7}}":                   `neither true nor false`,
		"{at: 1m, says: x, sen: {first: lost}}":                           `unknown key "sen" (did you mean "seen"?)`,
		"{at: 25:00Z, says: x, seen: {first: lost, of: eu-west/record*}}": `"25:00Z" is no clock time`,
	} {
		_, err := Parse("x.yaml", []byte(told+"documented: ["+line+"]\n"))
		require.ErrorContains(t, err, want, line)
		require.ErrorContains(t, err, "x.yaml:8:", line)
	}
}

func TestAffects(t *testing.T) {
	require.Equal(t, []string{"recording", "dns"}, planOf(t, told+"expect: [pool-converges, sticky-reconnect]\n").Affects, "from the properties, in the order of a status page")
	require.Equal(t, []string{"website", "dns"}, planOf(t, told+"affects: [dns, website]\nexpect: [sticky-reconnect]\n").Affects)
	require.Empty(t, planOf(t, told).Affects, "who expects nothing tells nothing")
	_, err := Parse("x.yaml", []byte(told+"affects: [web-site]\n"))
	require.ErrorContains(t, err, `x.yaml:8:11: unknown component "web-site" (did you mean "website"?)`)
}

// TestFingerprintIsOfWhatIsPlayed, not of what is said about it or chosen by a seed.
func TestFingerprintIsOfWhatIsPlayed(t *testing.T) {
	const drop = told + "expect: [{dead-air: {at-most: 1m}}]\n"
	of := func(text string, seed uint64) string {
		f, err := Parse("x.yaml", []byte(text))
		require.NoError(t, err)
		p, err := Expand(f, "today", "virtual", seed, 1)
		require.NoError(t, err)
		return p.Fingerprint()
	}
	one := of(drop, 1)
	require.Len(t, one, 64)
	require.Equal(t, one, of(drop, 2), "the seed chooses names and passwords")
	require.Equal(t, one, of(drop+"story: so it was\nassumed: [all of it]\ndocumented: [{at: 1m, says: x}]\naffects: mail\nvariants: {today: {by-default: none, verdict: pass}}\n", 1))
	require.NotEqual(t, one, of(told+"expect: [{dead-air: {at-most: 2m}}]\n", 1), "a limit is another one")
	require.NotEqual(t, one, of(drop+"resolvers: pinned\n", 1))
	require.NotEqual(t, one, of(drop+"system: {balancers: 1}\n", 1))
}
