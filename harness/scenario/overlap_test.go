package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// whole has everything that a fault can be about.
const whole = `schema: 1
title: A title
system: {preset: two-datacenters, redis-replica: eu-west, accounts: us-east, old-recorders: 1, store: {in: us-east}, mail: {in: us-east}, web: {in: eu-west, edge: 1, floor: ssl3}}
broadcasters: [{name: rome, from: Rome, persona: butt}]
ends: 1h
timeline:
`

// timed is the whole with steps, from line 7 on.
func timed(steps ...string) error {
	_, err := Parse("x.yaml", []byte(whole+"  - {"+strings.Join(steps, "}\n  - {")+"}\n"))
	return err
}

func TestStepsThatWouldEndOneAnother(t *testing.T) {
	const b1 = "eu-west/balancer-1"
	for want, steps := range map[string][]string{
		`pause of eu-west/balancer-1 lasts until 3m0s, and line 8 has pause of eu-west/balancer-1 at 2m0s; the first to end would end both: give it "for: 1m0s", or move one of them`: {
			"at: 1m, pause: " + b1 + ", for: 2m", "at: 2m, pause: " + b1 + ", for: 10m",
		},
		`store unavailable lasts until 50m0s, and line 8 has store slow at 15m0s; the first to end would end both: give it "for: 5m0s"`: {
			"at: 10m, store: unavailable, for: 40m", "at: 15m, store: slow, for: 5m",
		},
		`kill of redis lasts until 11m0s, and line 8 has outage of redis at 2m0s; it is away by then`: {
			"at: 1m, kill: redis, for: 10m", "at: 2m, outage: us-east, for: 2m",
		},
		`kill of eu-west/balancer-1 has no end, and line 8 has powercut of eu-west/balancer-1 at 2m0s; it is away by then: give it "for: 1m0s"`: {
			"at: 1m, kill: " + b1, "at: 2m, powercut: " + b1 + ", for: 1m",
		},
		`vanish of eu-west/balancer-1 stays, and line 8 has stop of eu-west/balancer-1 at 2m0s; it is away by then: write "for: 1m0s" in the place of "stays"`: {
			"at: 1m, vanish: " + b1 + ", stays: true", "at: 2m, stop: eu-west, for: 1m",
		},
		`kill of eu-west/balancer-1 lasts until 51m0s, and line 8 has restart of eu-west/balancer-1 at 2m0s; that would end it: give it "for: 1m0s"`: {
			"at: 1m, kill: " + b1 + ", for: 50m", "at: 2m, restart: eu-west/balancer-*",
		},
		`kill of eu-west/balancer-1 has no end, and line 8 has deploy of eu-west/balancer-1 at 2m0s; that would end it: give it "for: 1m0s"`: {
			"at: 1m, kill: " + b1, "at: 2m, deploy: " + b1,
		},
		`kill of eu-west/balancer-1 stays, and line 8 has restart of eu-west/balancer-1 at 2m0s; that would end it`: {"at: 1m, kill: " + b1 + ", stays: true", "at: 2m, restart: " + b1},
		`pause of redis lasts until 5m0s, and line 8 has restart of redis at 2m0s; that would end it`:               {"at: 1m, pause: redis, for: 4m", "at: 2m, restart: redis"},
		`kill of redis lasts until 5m0s, and line 8 has kill of redis at 1m0s; it is away by then: leave one`:       {"at: 1m, kill: redis, for: 4m", "at: 1m, kill: redis, for: 4m"},
		`drain of eu-west/recorder-1 lasts until 5m0s, and line 8 has drain of eu-west/recorder-1 at 2m0s`:          {"at: 1m, drain: eu-west, for: 4m", "at: 2m, drain: '*/recorder-1', for: 4m"},
		`drain of eu-west/recorder-1 lasts until 5m0s, and line 9 has drain of eu-west/recorder-1 at 3m0s`: {
			"at: 1m, drain: eu-west/recorder-1, for: 4m", "at: 2m, undrain: eu-west/recorder-1", "at: 3m, drain: eu-west/recorder-1, for: 4m",
		},
		`drain of eu-west/recorder-1 has no end, and line 8 has restart of eu-west/recorder-1 at 2m0s; that would end it`: {"at: 1m, drain: eu-west/recorder-1", "at: 2m, restart: eu-west/recorder-1"},
		`skew of redis has no end, and line 8 has skew of redis at 2m0s`:                                                  {"at: 1m, skew: {of: redis, ahead: 1s}", "at: 2m, skew: {of: redis, behind: 1s}"},
		`dns servfail of website lasts until 5m0s, and line 8 has dns timeout of website at 2m0s`: {
			"at: 1m, dns: {of: [website, api], answer: servfail}, for: 4m", "at: 2m, dns: {of: website, answer: timeout}, for: 4m",
		},
		`mail unavailable lasts until 5m0s, and line 8 has mail reply-lost at 2m0s`:                                                                                {"at: 1m, mail: unavailable, for: 4m", "at: 2m, mail: reply-lost, for: 4m"},
		`mail blank of eu-west/recorder-1 lasts until 5m0s, and line 8 has mail blank of eu-west/recorder-1 at 2m0s`:                                               {"at: 1m, mail: blank, for: 4m", "at: 2m, mail: blank, for: 4m"},
		`redis oom lasts until 5m0s, and line 8 has redis readonly at 2m0s`:                                                                                        {"at: 1m, redis: oom, for: 4m", "at: 2m, redis: readonly, for: 1m"},
		`answer of eu-west/web-1 lasts until 5m0s, and line 8 has answer of eu-west/web-1 at 2m0s`:                                                                 {"at: 1m, answer: {nodes: '*/web-*', status: 503}, for: 4m", "at: 2m, answer: {nodes: eu-west/web-1, status: 500}, for: 4m"},
		`disk full of eu-west/recorder-1 lasts until 5m0s, and line 8 has disk slow of eu-west/recorder-1 at 2m0s`:                                                 {"at: 1m, disk: {of: eu-west/recorder-1, is: full}, for: 4m", "at: 2m, disk: {of: eu-west, is: slow}, for: 4m"},
		`kill of redis lasts until 22m0s, and line 8 has kill of redis at 21m30s; it is away by then: give it`:                                                     {"at: 1m, kill: redis, for: 1m, every: 10m", "at: 21m30s, kill: redis, for: 1m"},
		`kill of redis lasts until 5m0s, and line 8 has pause of redis at 2m0s; it is away by then: give it "for: 1m0s"`:                                           {"at: 1m, kill: redis, for: 4m", "at: 2m, pause: redis, for: 1m"},
		`outage of eu-west/recorder-1 lasts until 5m0s, and line 8 has drain of eu-west/recorder-1 at 2m0s; it is away by then`:                                    {"at: 1m, outage: eu-west, for: 4m", "at: 2m, drain: eu-west/recorder-1"},
		`kill of store lasts until 5m0s, and line 8 has store slow at 2m0s; it is away by then: give it "for: 1m0s", or move one of them`:                          {"at: 1m, kill: store, for: 4m", "at: 2m, store: slow, for: 1m"},
		`kill of eu-west/web-1 has no end, and line 8 has answer of eu-west/web-1 at 2m0s; it is away by then`:                                                     {"at: 1m, kill: eu-west/web-1", "at: 2m, answer: {nodes: '*/web-*', status: 503}, for: 4m"},
		`kill of eu-west/web-1 lasts until 5m0s, and line 8 has harden 1.2 of eu-west/web-1 at 2m0s; it is away by then`:                                           {"at: 1m, kill: eu-west/web-1, for: 4m", "at: 2m, harden: {nodes: '*/web-*', floor: '1.2'}"},
		`kill of eu-west/recorder-1 lasts until 5m0s, and line 8 has mail blank of eu-west/recorder-1 at 2m0s; it is away by then`:                                 {"at: 1m, kill: eu-west/recorder-1, for: 4m", "at: 2m, mail: blank, for: 1m"},
		`outage of redis lasts until 5m0s, and line 8 has redis oom at 2m0s; it is away by then`:                                                                   {"at: 1m, outage: us-east, for: 4m", "at: 2m, redis: oom, for: 1m"},
		`pause of mail lasts until 5m0s, and line 8 has mail unavailable at 2m0s; it is frozen by then: give it "for: 1m0s", or move one of them`:                  {"at: 1m, pause: mail, for: 4m", "at: 2m, mail: unavailable, for: 1m"},
		`pause of eu-west/balancer-1 has no end, and line 8 has rollout pro of eu-west/balancer-1 at 2m0s; it is frozen by then`:                                   {"at: 1m, pause: eu-west/balancer-1", "at: 2m, rollout: pro"},
		`drain of eu-west/recorder-1 lasts until 5m0s, and line 8 has pause of eu-west/recorder-1 at 2m0s; it would be frozen when that ends: give it "for: 1m0s"`: {"at: 1m, drain: eu-west/recorder-1, for: 4m", "at: 2m, pause: eu-west/recorder-1, for: 3m"},
		`store slow has no end, and line 8 has pause of store at 2m0s; it would be frozen when that ends`:                                                          {"at: 1m, store: slow", "at: 2m, pause: store, stays: true"},
		`vanish of eu-west/recorder-1 lasts until 5m0s, and line 8 has undrain of eu-west/recorder-1 at 3m0s; it is away by then: give it "for: 2m0s", or move`:    {"at: 1m, vanish: eu-west/recorder-1, for: 4m", "at: 3m, undrain: eu-west/recorder-1"},
	} {
		err := timed(steps...)
		require.ErrorContains(t, err, "x.yaml:7:1: "+want)
		var bad *Invalid
		require.ErrorAs(t, err, &bad)
		for _, p := range bad.Problems {
			require.Equal(t, 7, p.Line, "%v", err)
		}
	}
}

func TestStepsThatGoTogether(t *testing.T) {
	for name, steps := range map[string][]string{
		"one ends as the next begins":   {"at: 1m, kill: redis, for: 4m", "at: 5m, outage: us-east, for: 4m", "at: 9m, restart: redis", "at: 9m, pause: redis"},
		"frozen for a part of it":       {"at: 1m, redis: oom, for: 4m", "at: 2m, pause: redis, for: 1m", "at: 7m, store: slow", "at: 8m, pause: store"},
		"a rollout to whoever is there": {"at: 1m, kill: eu-west/balancer-1, for: 4m", "at: 2m, rollout: pro"},
		"another node":                  {"at: 1m, kill: redis", "at: 2m, pause: accounts", "at: 3m, kill: eu-west/balancer-1", "at: 4m, restart: eu-west/balancer-2"},
		"links beside a node":           {"at: 1m, kill: redis", "at: 2m, blackhole: {from: eu-west, to: redis}", "at: 2m, delay: {from: eu-west, to: redis, delay: 1s}", "at: 3m, delay: {from: eu-west, to: redis, delay: 1s}"},
		"more and more is silent":       {"at: 1m, blackhole: {from: eu-west, to: redis}", "at: 2m, blackhole: {from: eu-west, to: us-east}"},
		"several kinds at one node":     {"at: 1m, skew: {of: eu-west/recorder-1, ahead: 1s}", "at: 2m, drain: eu-west/recorder-1, for: 9m", "at: 3m, disk: {of: eu-west/recorder-1, is: slow}", "at: 4m, kill: eu-west/recorder-1, for: 1m"},
		"a fake that dies of it":        {"at: 1m, store: slow, for: 9m", "at: 2m, kill: store, for: 1m", "at: 3m, mail: blank, for: 9m", "at: 4m, mail: unavailable, for: 9m"},
		"frozen while off the network":  {"at: 1m, vanish: redis, for: 4m", "at: 2m, pause: redis, for: 1m"},
		"frozen once it is back":        {"at: 1m, kill: redis, for: 1m", "at: 2m, pause: redis, for: 1m", "at: 3m, drain: eu-west/recorder-1, for: 1m"},
		"frozen, and ended later":       {"at: 1m, pause: redis, for: 2m", "at: 2m, kill: redis, for: 4m"},
		"a part of a drain ends":        {"at: 1m, drain: eu-west, for: 4m", "at: 2m, undrain: eu-west/recorder-1"},
		"drained, taken in, and again":  {"at: 1m, drain: eu-west/recorder-1", "at: 2m, undrain: eu-west/recorder-1", "at: 3m, drain: eu-west/recorder-1, for: 4m"},
		"restarted during a drain":      {"at: 1m, drain: eu-west/recorder-1, for: 4m", "at: 2m, restart: eu-west/recorder-1"},
		"started again before":          {"at: 1m, restart: redis", "at: 1m, kill: redis"},
		"instants":                      {"at: 1m, rollout: pro", "at: 2m, rollout: nobody", "at: 2m, deploy: eu-west/balancer-1", "at: 2m, drop: {}", "at: 2m, drop: {}"},
		"other names":                   {"at: 1m, dns: {of: website, answer: servfail}", "at: 2m, dns: {of: api, answer: servfail}"},
		"again and again":               {"at: 1m, kill: redis, for: 1m, every: 10m", "at: 2m, kill: redis, for: 9m"},
	} {
		require.NoError(t, timed(steps...), name)
	}
}

// TestAVariantsStepIsInTheWay: it is the one that is told of, by both lines.
func TestAVariantsStepIsInTheWay(t *testing.T) {
	text := whole + "  - {at: 1m, pause: redis, for: 9m}\nvariants:\n  good: {verdict: pass}\n  bad: {verdict: pass, timeline: [{at: 2m, pause: redis, for: 1m}]}\n"
	_, err := Parse("x.yaml", []byte(text))
	require.EqualError(t, err, `x.yaml:7:1: pause of redis lasts until 10m0s, and line 10 has pause of redis at 2m0s; the first to end would end both: give it "for: 1m0s", or move one of them`)
	_, err = Parse("x.yaml", []byte(strings.Replace(text, "timeline: [{at: 2m, pause: redis, for: 1m}]", "timeline: none", 1)))
	require.NoError(t, err)
}
