package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// killed is a scenario in which balancers die and come back.
const killed = `schema: 1
title: Balancers die
system: {dns: {ttl: 10s}}
broadcasters:
  - {name: rome, from: Rome, count: 1, persona: ffmpeg-fifo}
  - {name: paris, from: Paris, count: 1, persona: butt}
  - {name: york, from: New York, count: 1, persona: ffmpeg-fifo}
timeline:
  - {at: 80s, kill: eu-west/balancer-1, for: 90s}
ends: 5m
expect: [dead-air, pool-converges, returns-to-pool, sticky-reconnect, {untouched: {broadcasters: york}}, {health-honest: {within: 1m}}]
variants:
  one: {verdict: pass}
  both: {timeline: [{at: 80s, kill: eu-west/balancer-2, for: 90s}], verdict: pass}
  frozen: {timeline: none, verdict: pass}
`

const (
	b1, b2 = "eu-west/balancer-1", "eu-west/balancer-2"
	v1, v2 = "us-east/balancer-1", "us-east/balancer-2"
)

// dns is what DNS does when a balancer dies at 80 s and works again at 170 s.
type dns struct{ out, gone, in, back time.Duration }

var goodDNS = dns{80*second + 25*second, 80*second + 27*second, 170*second + 26*second, 170*second + 28*second}

// oneDied is a run in which one balancer died and its twin took over.
func oneDied(t require.TestingT, d dns) *run {
	r := newRun(t, expand(t, killed, "one", "virtual"))
	r.vote(d.out, b1, false)
	r.answers(d.gone, "eu-west", b2)
	r.vote(d.in, b1, true)
	r.answers(d.back, "eu-west", b1, b2)
	for name, after := range map[string]time.Duration{"rome-01": 400 * time.Millisecond, "paris-01": 1600 * time.Millisecond} {
		r.lose(name, 80*second+20*time.Millisecond, "reset")
		r.told(name, 80*second+after-300*time.Millisecond, b1, b2)
		r.refused(name, 80*second+after-200*time.Millisecond, b1, "refused")
		r.back(name, 80*second+after, b2)
	}
	return r
}

// bothDied is a run in which both died, and Virginia took over after a time.
func bothDied(t require.TestingT, after time.Duration) *run {
	r := newRun(t, expand(t, killed, "both", "virtual"))
	for _, b := range []string{b1, b2} {
		r.vote(goodDNS.out, b, false)
		r.vote(goodDNS.in, b, true)
	}
	r.answers(goodDNS.gone, "eu-west", v1, v2)
	r.answers(goodDNS.back, "eu-west", b1, b2)
	for _, name := range []string{"rome-01", "paris-01"} {
		r.lose(name, 80*second+20*time.Millisecond, "reset")
		r.told(name, 81*second, b1, b2)
		r.refused(name, 81*second, b1, "refused")
		r.refused(name, 81*second, b2, "refused")
		r.told(name, 80*second+after-second, v1, v2)
		r.back(name, 80*second+after, v1)
	}
	return r
}

func TestPool(t *testing.T) {
	late := goodDNS
	late.gone += 20 * second
	early := dns{92 * second, 94 * second, goodDNS.in, goodDNS.back}
	lateBack := goodDNS
	lateBack.in, lateBack.back = 170*second+58*second, 170*second+60*second
	for name, c := range map[string]struct {
		r       *run
		fails   []string
		unclear []string
	}{
		"one died":                {oneDied(t, goodDNS), nil, nil},
		"answers lag behind":      {oneDied(t, late), []string{"pool-converges"}, nil},
		"answers are too quick":   {oneDied(t, early), nil, []string{"pool-converges"}},
		"it comes back too late":  {oneDied(t, lateBack), []string{"returns-to-pool"}, nil},
		"both died":               {bothDied(t, 38*second), nil, nil},
		"both died, slow":         {bothDied(t, 60*second), []string{"dead-air"}, nil},
		"both died, impossible":   {bothDied(t, 12*second), nil, []string{"dead-air"}},
		"nothing died":            {newRun(t, expand(t, killed, "frozen", "virtual")), nil, []string{"pool-converges", "returns-to-pool", "sticky-reconnect", "health-honest"}},
		"DNS keeps the dead":      {keeps(t, true, false), []string{"pool-converges"}, []string{"returns-to-pool"}},
		"DNS keeps it, no vote":   {keeps(t, false, false), []string{"pool-converges"}, []string{"returns-to-pool", "health-honest"}},
		"another region keeps it": {keeps(t, true, true), []string{"pool-converges"}, nil},
		"DNS never takes it back": {never(t), []string{"returns-to-pool"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(c.r.plan, c.r.history())
			require.Equal(t, c.fails, v.failed(), "%+v", v.Properties)
			for _, p := range v.Properties {
				require.Equal(t, contains(c.unclear, p.Name), p.Result == Inconclusive, "%s: %v", p.Name, p.Findings)
			}
		})
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// keeps is a DNS whose answers never lose the dead balancer, in its own region or in another.
func keeps(t require.TestingT, voted, elsewhere bool) *run {
	r := oneDied(t, goodDNS)
	r.events = leave(r.events, func(e history.Event) bool {
		if e.Kind == history.Voted {
			return !voted
		}
		return e.Kind == history.AnswerChanged && e.At > second && !elsewhere
	})
	if elsewhere {
		r.answers(2*second, "us-west", b1, "us-west/balancer-1")
	}
	return r
}

// never is a DNS that never answers with the balancer again.
func never(t require.TestingT) *run {
	r := oneDied(t, goodDNS)
	r.events = leave(r.events, func(e history.Event) bool { return e.Kind == history.AnswerChanged && e.At == goodDNS.back })
	return r
}

func TestLegsOfABound(t *testing.T) {
	one := Judge(oneDied(t, goodDNS).plan, oneDied(t, goodDNS).history())
	require.Equal(t, "step-1", one.Dead[0].Gaps[1].Cause)
	require.NotContains(t, one.Dead[0].Gaps[1].Legs, "checks", "the twin was in the answer, so DNS was not needed")
	require.Less(t, one.Dead[0].Gaps[1].Bound, 4*second)

	r := bothDied(t, 38*second)
	both := Judge(r.plan, r.history())
	gap := both.Dead[1].Gaps[1]
	require.Contains(t, gap.Legs, "checks 31s + vote 1s + propagation 2s + ttl 10s")
	require.InDelta(t, 46, gap.Bound.Seconds(), 2)
	require.Equal(t, time.Duration(0), both.Dead[1].Avoidable)
	slow := bothDied(t, 60*second)
	v := Judge(slow.plan, slow.history())
	require.InDelta(t, 14, v.Dead[1].Avoidable.Seconds(), 2)
	require.Contains(t, of(t, v, "dead-air").Findings[0].Sentence, "of rome-01 are in no recording, 47.4s of it are unavoidable")
}

func TestATimeAfterTheDeathIsNotGrantedTwice(t *testing.T) {
	r := newRun(t, expand(t, killed, "both", "virtual"))
	for _, b := range []string{b1, b2} {
		r.vote(goodDNS.out, b, false)
		r.vote(goodDNS.in, b, true)
	}
	r.answers(goodDNS.gone, "eu-west", v1, v2)
	r.answers(goodDNS.back, "eu-west", b1, b2)
	for _, name := range []string{"rome-01", "paris-01"} { // DNS knows since 107 s, a resolver at 117 s
		r.lose(name, 80*second+20*time.Millisecond, "reset")
		r.back(name, 110*second, v1)
		r.lose(name, 115*second, "reset")
		r.told(name, 116*second, b1, b2)
		r.back(name, 140*second, v1)
	}
	v := Judge(r.plan, r.history())
	require.Contains(t, v.failed(), "dead-air", "25 s after a loss at 115 s are not the bound of a balancer that died at 80 s")
}

// short is a run in which both balancers died for some seconds only.
func short(t require.TestingT, dead, after time.Duration) *run {
	r := newRun(t, expand(t, strings.ReplaceAll(killed, "for: 90s", "for: "+dead.String()), "both", "virtual"))
	r.lose("paris-01", 80*second+20*time.Millisecond, "reset")
	r.told("paris-01", 81*second, b1, b2)
	r.refused("paris-01", 81*second, b1, "refused")
	r.refused("paris-01", 81*second, b2, "refused")
	r.back("paris-01", 80*second+after, b1)
	return r
}

func TestABalancerThatIsBackBeforeDNSKnows(t *testing.T) {
	v := Judge(short(t, 5*second, 6*second).plan, short(t, 5*second, 6*second).history())
	require.Equal(t, Pass, of(t, v, "dead-air").Result, "it is no wonder that nobody waited for DNS")
	require.Equal(t, Inconclusive, of(t, v, "pool-converges").Result, "it was not down for long enough")
	v = Judge(short(t, 5*second, 20*second).plan, short(t, 5*second, 20*second).history())
	require.Equal(t, Fail, of(t, v, "dead-air").Result)
	require.Contains(t, of(t, v, "dead-air").Findings[0].Sentence, "one is back after 5s")
}

// TestABalancerThatNeverLeaves is measured for as long as it was down, and no longer than the run.
func TestABalancerThatNeverLeaves(t *testing.T) {
	p := of(t, Judge(expand(t, killed, "one", "virtual"), newRun(t, expand(t, killed, "one", "virtual")).history()), "pool-converges")
	require.Equal(t, Fail, p.Result)
	require.Equal(t, "worst 1m30s", p.Measured)
}

func TestAnswersThatNameAllBecauseNoneIsHealthy(t *testing.T) {
	r := oneDied(t, goodDNS)
	r.events = leave(r.events, func(e history.Event) bool { return e.Kind == history.AnswerChanged && e.At == goodDNS.gone })
	r.add(history.Event{At: goodDNS.gone, Node: "route53", Kind: history.AnswerChanged, Subject: "eu-west", Hosts: []string{b1, b2}, Class: "fail-open"})
	require.Empty(t, failing(r.plan, r.history()))
}

func TestABalancerVotedOutByItself(t *testing.T) {
	play := func(gone time.Duration) []string {
		r := newRun(t, expand(t, killed, "frozen", "virtual"))
		r.vote(100*second, b1, false)
		r.answers(gone, "eu-west", b2)
		r.vote(200*second, b1, true)
		r.answers(202*second, "eu-west", b1, b2)
		return failing(r.plan, r.history())
	}
	require.Empty(t, play(102*second))
	require.Equal(t, []string{"pool-converges"}, play(110*second))
}

// twice is a scenario in which a second step follows the first death.
const twice = `schema: 1
title: A balancer dies twice
broadcasters:
  - {name: york, from: New York, persona: ffmpeg-fifo}
timeline:
%sends: %s
expect: [returns-to-pool, pool-converges]
variants: {today: {verdict: pass}}
`

func TestOnlyWhatHadTimeToComeBackIsJudged(t *testing.T) {
	play := func(at, second, ends string) Result {
		steps := []string{"  - {at: 80s, kill: eu-west/balancer-1, for: 60s}\n", fmt.Sprintf("  - {at: %s, %s}\n", at, second)}
		if at == "20s" {
			slices.Reverse(steps)
		}
		r := newRun(t, expand(t, fmt.Sprintf(twice, strings.Join(steps, ""), ends), "today", "virtual"))
		r.answers(110*time.Second, "eu-west", b2) // and never back
		v := Judge(r.plan, r.history())
		require.Equal(t, Pass, of(t, v, "pool-converges").Result)
		return of(t, v, "returns-to-pool").Result
	}
	require.Equal(t, Fail, play("20s", "restart: us-west/balancer-1", "5m"))
	require.Equal(t, Inconclusive, play("20s", "restart: us-west/balancer-1", "2m50s"), "the run ended before")
	require.Equal(t, Inconclusive, play("150s", "pause: eu-west/balancer-1", "5m"), "it was hit again before")
	require.Equal(t, Inconclusive, play("90s", `refuse: {from: "checker-0?", to: eu-west/balancer-1}, for: 3m`, "5m"), "it was hit twice at once, the second time already out of the answers")
}

// TestABalancerThatLeavesWhenItWorksAgain: DNS is late, and takes it out a second after it
// works again. It has to be back all the same, and no other one's return stands for it.
func TestABalancerThatLeavesWhenItWorksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		back time.Duration
		want Result
	}{
		"and is back in time": {146 * second, Pass},
		"and comes too late":  {200 * second, Fail},
		"and is never back":   {0, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, fmt.Sprintf(twice, `  - {at: 80s, kill: us-west/balancer-1, for: 60s}
  - {at: 80s, kill: eu-west/balancer-1, for: 26s}
`, "5m"), "today", "virtual"))
			r.answers(107*second, "us-west", "us-west/balancer-2")
			r.answers(168*second, "us-west", "us-west/balancer-1", "us-west/balancer-2")
			r.answers(107*second, "eu-west", b2)
			if c.back > 0 {
				r.answers(c.back, "eu-west", b1, b2)
			}
			p := of(t, Judge(r.plan, r.history()), "returns-to-pool")
			require.Equal(t, c.want, p.Result, "%+v", p)
		})
	}
}

// TestALaterLeaveIsAnotherMatter: a balancer that leaves DNS long after it works again, or
// after it was started again, which is over at no known time, says nothing about its return.
func TestALaterLeaveIsAnotherMatter(t *testing.T) {
	for step, left := range map[string]time.Duration{"kill: eu-west/balancer-1, for: 10s": 240 * second, "restart: eu-west/balancer-1": 85 * second} {
		t.Run(step, func(t *testing.T) {
			r := newRun(t, expand(t, fmt.Sprintf(twice, "  - {at: 80s, "+step+"}\n", "5m"), "today", "virtual"))
			r.answers(left, "eu-west", b2)
			p := of(t, Judge(r.plan, r.history()), "returns-to-pool")
			require.Equal(t, Inconclusive, p.Result, "%+v", p)
		})
	}
}
