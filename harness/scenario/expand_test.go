package scenario

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func flood(t require.TestingT) *File {
	data, err := os.ReadFile("testdata/flood.yaml")
	require.NoError(t, err)
	f, err := Parse("testdata/flood.yaml", data)
	require.NoError(t, err)
	return f
}

func expand(t *testing.T, variant, world string, seed uint64, speed float64) *Plan {
	p, err := Expand(flood(t), variant, world, seed, speed)
	require.NoError(t, err)
	return p
}

func TestExpandGivesTheSamePlanForTheSameSeed(t *testing.T) {
	a, b := expand(t, "today", "virtual", 7, 1), expand(t, "today", "virtual", 7, 1)
	require.Equal(t, a, b)
	other := expand(t, "today", "virtual", 8, 1)
	require.NotEqual(t, a.Steps[2].Who, other.Steps[2].Who)
	require.NotEqual(t, a.Broadcasters[0].Password, other.Broadcasters[0].Password)
}

func TestExpandChoosesTheSamePeopleInEveryVariantAndWorld(t *testing.T) {
	a, b := expand(t, "today", "virtual", 7, 1), expand(t, "bigger", "loopback", 7, 10)
	require.Len(t, a.Steps[2].Who, 3)
	require.Equal(t, a.Steps[2].Who, b.Steps[2].Who)
}

func TestExpandPlacesBroadcasters(t *testing.T) {
	p := expand(t, "today", "virtual", 1, 1)
	rome, boston := p.Broadcasters[0], p.Broadcasters[13]
	require.Equal(t, Broadcaster{
		Name: "rome-01", Group: "rome", From: "Rome", Nearest: "eu-west", Persona: "ffmpeg-fifo", Resolver: "honest",
		Mount: "/rome-01", Account: "rome-01", Password: rome.Password, Bitrate: 8000, Retry: Retry{Form: "put", Tries: Endless, Again: time.Second, Connect: 5 * time.Second, NextAddr: true},
		OnAir: 10 * time.Second, OffAir: p.End,
	}, rome)
	require.Equal(t, "boston-10", boston.Name)
	require.Equal(t, "us-east", boston.Nearest)
	require.Equal(t, "clamp:300s", boston.Resolver)
	require.Equal(t, 128_000, boston.Bitrate)
	require.Equal(t, 60*time.Second+9*250*time.Millisecond, boston.OnAir)
}

func TestExpandResolvesTargets(t *testing.T) {
	p := expand(t, "today", "virtual", 1, 1)
	require.Equal(t, []string{"eu-west/balancer-1", "eu-west/recorder-1", "eu-west/recorder-2", "eu-west/recorder-3"}, p.Steps[0].Nodes)
	delay := p.Steps[1]
	require.Equal(t, []string{"us-east/balancer-1", "us-west/balancer-1", "us-west/recorder-1", "us-west/recorder-2", "us-west/recorder-3"}, delay.From)
	require.Equal(t, []string{"redis"}, delay.To)
	require.Equal(t, "forth", delay.Way)
	require.Equal(t, "all", delay.Conns)
	require.Len(t, p.Steps[3].From, 10)
}

func TestExpandAppliesAVariantsChanges(t *testing.T) {
	p := expand(t, "bigger", "virtual", 1, 1)
	require.Equal(t, 3, p.System.Datacenters[0].Balancers)
	require.Equal(t, "eu-west", p.System.Redis)
	require.Equal(t, 30*time.Second, p.System.DNS.TTL)
	require.Equal(t, 2, p.System.DNS.Threshold, "the file's own, not the preset's")
	require.Equal(t, map[string]any{"window": "10m", "drain_timeout": "10s", "max-sources": 100.0}, p.System.Balancer)
	require.Equal(t, 10*time.Minute, p.Timing.Window)
	require.Equal(t, "pinned", p.Broadcasters[0].Resolver)
	require.Equal(t, "clamp:300s", p.Broadcasters[5].Resolver)
	require.Equal(t, Want{Fail: []string{"dead-air"}}, p.Want)
	require.Contains(t, p.Steps[0].Nodes, "redis", "a datacenter's outage takes the Redis that stands in it")

	require.Equal(t, "kill", expand(t, "one-more", "virtual", 1, 1).Steps[4].Do)
	control := expand(t, "control", "virtual", 1, 1)
	require.Empty(t, control.Steps)
	require.Equal(t, []Expectation{{Property: "dead-air", AtMostBound: true}}, control.Expect)
}

func TestExpandScalesDeadlinesAndNotWaits(t *testing.T) {
	v, l := expand(t, "today", "virtual", 1, 10).Timing, expand(t, "today", "loopback", 1, 10).Timing
	require.Equal(t, 10*v.ClaimDeadline, l.ClaimDeadline)
	require.Equal(t, 10*v.CheckTimeout, l.CheckTimeout)
	require.Equal(t, v.ProbeEvery, l.ProbeEvery)
	require.Equal(t, v.Window, l.Window)
	require.Equal(t, 3*time.Minute, v.Window)
	require.Zero(t, v.Slack)
	require.Equal(t, 1500*time.Millisecond, l.Slack)
	require.Zero(t, l.Trip)
	require.Positive(t, v.Trip)
}

func TestExpandCutsQuietStretches(t *testing.T) {
	p := expand(t, "today", "virtual", 1, 1)
	require.Len(t, p.Clock, 7)
	require.Equal(t, Stretch{Wall: "2014-11-30T01:30:00Z"}, p.Clock[0])
	for i, s := range p.Steps {
		want := []time.Duration{3 * time.Minute, 30 * time.Minute, 3 * time.Hour, 3*time.Hour + time.Minute}[i]
		require.Equal(t, want, p.Incident(s.At), "step %d", i+1)
	}
	require.Equal(t, 7*time.Hour+34*time.Minute, p.Incident(p.Steps[0].At+p.Steps[0].For))
	require.Equal(t, "2014-11-30T02:00:00Z", p.Wall(p.Steps[1].At))
	require.Equal(t, 8*time.Hour, p.Incident(p.End))
	require.Less(t, p.End, 50*time.Minute)
	window := p.Timing.Window
	require.Equal(t, p.Steps[0].At+window+quietBefore, p.Steps[1].At, "a window's length is left after a step, and the time before the next")
}

func TestExpandErrors(t *testing.T) {
	f := flood(t)
	_, err := Expand(f, "todai", "virtual", 1, 1)
	require.EqualError(t, err, `expand flood: no variant "todai" (did you mean "today"?)`)
	_, err = Expand(f, "today", "virtul", 1, 1)
	require.EqualError(t, err, `expand flood: no world "virtul" (did you mean "virtual"?)`)
	_, err = Expand(f, "one-more", "loopback", 1, 1)
	require.EqualError(t, err, `expand flood: variant one-more does not run in loopback: it takes too long`)
	_, err = Expand(f, "today", "loopback", 1, 0)
	require.ErrorContains(t, err, "speed is 0: from 1 to 1000")
}

func TestPlanComesBackAsItWasWritten(t *testing.T) {
	for _, v := range flood(t).VariantNames() {
		p := expand(t, v, "virtual", 3, 1)
		var b bytes.Buffer
		require.NoError(t, p.Write(&b))
		back, err := ReadPlan(&b)
		require.NoError(t, err)
		require.Equal(t, p, back)
	}
	_, err := ReadPlan(bytes.NewBufferString(`{"schema": 1, "sede": 2}`))
	require.ErrorContains(t, err, `unknown field "sede"`)
	_, err = ReadPlan(bytes.NewBufferString(`{"schema": 2}`))
	require.ErrorContains(t, err, `schema 2 is not known`)
}

func TestClockGoesForwardAndKeepsThePace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(0, 40_000)
		var ms []moment
		for range rapid.IntRange(1, 20).Draw(t, "moments") {
			ms = append(ms, moment{time.Duration(seconds.Draw(t, "at")) * time.Second, time.Duration(rapid.Int64Range(1, 600).Draw(t, "keep")) * time.Second})
		}
		cs := cuts(slices.Clone(ms))
		p := Plan{Clock: stretches(cs, time.Time{})}
		for _, m := range ms {
			for d := range 2 {
				after := m.at + m.keep*time.Duration(d)/2
				require.Equal(t, after, p.Incident(toRun(cs, after)), "a moment and what is kept after it are played")
			}
		}
		for _, c := range cs {
			require.GreaterOrEqual(t, c.to-c.from, cutLeast)
		}
		a, b := time.Duration(seconds.Draw(t, "a"))*time.Second, time.Duration(seconds.Draw(t, "b"))*time.Second
		require.LessOrEqual(t, toRun(cs, min(a, b)), toRun(cs, max(a, b)))
	})
}

func TestNearness(t *testing.T) {
	sites := presetSites("")
	for city, want := range map[string][]string{
		"Rome":          {"eu-west", "us-east", "us-west"},
		"London":        {"eu-west", "us-east", "us-west"},
		"New York":      {"us-east", "us-west", "eu-west"},
		"Chicago":       {"us-east", "us-west", "eu-west"},
		"San Francisco": {"us-west", "us-east", "eu-west"},
		"Los Angeles":   {"us-west", "us-east", "eu-west"},
	} {
		require.Equal(t, want, Nearness(city, sites), city)
	}
	twins := []Datacenter{{Name: "b", Place: "Ireland"}, {Name: "a", Place: "Dublin"}}
	require.Equal(t, []string{"a", "b"}, Nearness("Rome", twins), "a tie goes to the first of the alphabet")
}

func TestTheLatencyTableDecidesWhoIsNear(t *testing.T) {
	const text = `schema: 1
title: x
system: {dns: {latency: [{from: Rome, to: us-east, is: 20ms}, {from: Rome, to: us-west, is: 20ms}]}}
broadcasters:
  - {name: rome, from: Rome, persona: butt}
  - {name: york, from: New York, persona: butt, count: 3, apart: 10ms}
  - {name: told, from: New York, persona: butt, resolver-in: Rome}
  - {name: hidden, from: New York, persona: butt, resolver-in: Rome, client-subnet: hidden}
  - {name: beside, from: Milan, persona: butt, client-subnet: hidden}
variants: {today: {verdict: pass}, none: {system: {dns: {latency: []}}, verdict: pass}}
`
	f, err := Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	near := func(variant string) (names []string) {
		p, err := Expand(f, variant, "virtual", 1, 1)
		require.NoError(t, err)
		for _, b := range p.Broadcasters {
			names = append(names, b.Group+" "+b.Nearest)
		}
		return slices.Compact(names)
	}
	require.Equal(t, []string{"rome us-east", "york us-east", "told us-east", "hidden us-east", "beside eu-west"}, near("today"))
	require.Equal(t, []string{"rome eu-west", "york us-east", "told us-east", "hidden eu-west", "beside eu-west"}, near("none"))
	p, err := Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	require.Equal(t, 10*time.Millisecond, p.Broadcasters[2].OnAir-p.Broadcasters[1].OnAir)
	require.Equal(t, "New York", p.Broadcasters[1].Whence())
	require.Equal(t, "New York behind a resolver in Rome", p.Broadcasters[4].Whence())
	require.Equal(t, "New York behind a resolver in Rome that does not tell who asks", p.Broadcasters[5].Whence())
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ms       float64
	}{{"Ireland", "Virginia", 78}, {"Virginia", "Oregon", 51}, {"Ireland", "Oregon", 106}, {"Rome", "Ireland", 28}} {
		require.InDelta(t, c.ms, RoundTrip(c.from, c.to).Seconds()*1000, 6, "%s to %s", c.from, c.to)
		require.Equal(t, RoundTrip(c.from, c.to), RoundTrip(c.to, c.from))
	}
}

func TestAVariantPlaysAShareOfEachGroup(t *testing.T) {
	f := flood(t)
	i := slices.IndexFunc(f.Variants, func(v Variant) bool { return v.Name == "control" })
	count := func(share Share) map[string]int {
		f.Variants[i].Share = share
		p, err := Expand(f, "control", "virtual", 1, 1)
		require.NoError(t, err)
		groups := map[string]int{}
		for _, b := range p.Broadcasters {
			groups[b.Group]++
		}
		return groups
	}
	all := count(0)
	require.Equal(t, all, count(100))
	for group, n := range count(25) {
		require.Equal(t, max(1, (all[group]+2)/4), n, group)
	}
	for group, n := range count(1) {
		require.Equal(t, 1, n, group)
	}
}

// TestShowsAndStepsComeAgain: shows one after the other, and a step that comes again each
// time one is on, and hits nobody else.
func TestShowsAndStepsComeAgain(t *testing.T) {
	f, err := Parse("x.yaml", []byte(`schema: 1
title: Evenings
broadcasters:
  - {name: evening, from: Rome, count: 3, persona: butt, on-air: 1h, apart: 24h, lasts: 10m}
timeline:
  - {at: 1h5m, drop: {broadcasters: evening}, every: 24h}
  - {at: 2h, kill: us-east/recorder-1, for: 1m, every: 30h}
ends: 49h20m
variants: {today: {verdict: pass}}
`))
	require.NoError(t, err)
	p, err := Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	for i, b := range p.Broadcasters {
		begins := time.Hour + time.Duration(i)*24*time.Hour
		require.Equal(t, begins, b.OnAir)
		require.Equal(t, begins+10*time.Minute, b.OffAir)
	}
	var did []string
	for _, s := range p.Steps {
		did = append(did, s.ID+" "+s.Repeats+" "+s.At.String()+" "+s.Do+" "+strings.Join(append(s.Who, s.Nodes...), ","))
	}
	require.Equal(t, []string{
		"step-1  1h5m0s drop evening-01", "step-2  2h0m0s kill us-east/recorder-1",
		"step-3 step-1 25h5m0s drop evening-02", "step-5 step-2 32h0m0s kill us-east/recorder-1", "step-4 step-1 49h5m0s drop evening-03",
	}, did)
}
