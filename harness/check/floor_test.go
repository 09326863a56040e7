package check

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const spoken = `schema: 1
title: Who speaks how
system: {preset: two-datacenters, web: {floor: 1.2}}
broadcasters:
  - {name: rome, from: Rome, persona: butt}
visitors:
  - {name: old, from: Paris, every: 1s, speak: ssl3}
  - {name: middle, from: Paris, every: 1s, speak: 1.1}
  - {name: young, from: London, every: 1s, speak: 1.2}
  - {name: clear, from: London, every: 1s}
ends: 2m
expect: [tls-floor]
variants:
  today: {verdict: pass}
`

func TestTLSFloor(t *testing.T) {
	at := func(server string, classes map[string]string) func(*run) {
		return func(r *run) {
			for name, class := range classes {
				r.asked(name+"-01", server, second, 10*second, class)
			}
		}
	}
	well := at("eu-west/web-1", map[string]string{"old": "declined", "young": "ok"})
	met := func(classes map[string]string) func(*run) { return at(w2, classes) }
	for name, c := range map[string]struct {
		change func(*run)
		result Result
		says   string
	}{
		"as it should be": {func(r *run) {
			well(r)
			met(map[string]string{"old": "declined", "middle": "declined", "young": "ok"})(r)
		}, Pass, ""},
		"one front is asked by nobody": {well, Inconclusive, "never exercised at eu-west/web-2: nobody who speaks as of old met it"},
		"one is asked by nobody old": {func(r *run) {
			well(r)
			met(map[string]string{"old": "timeout", "young": "ok"})(r)
		}, Inconclusive, "never exercised at eu-west/web-2: nobody who speaks as of old met it"},
		"one is asked by nobody young": {func(r *run) {
			well(r)
			met(map[string]string{"old": "declined"})(r)
		}, Inconclusive, "never exercised at eu-west/web-2: nobody who speaks as of today met it"},
		"the old one is heard": {met(map[string]string{"old": "ok", "young": "ok"}), Fail, "eu-west/web-2 agreed to SSL 3.0, 9 times"},
		"so is the middle one": {met(map[string]string{"old": "declined", "middle": "ok", "young": "ok"}), Fail, "eu-west/web-2 agreed to TLS 1.1, 9 times"},
		"the young one is not": {met(map[string]string{"old": "declined", "young": "declined"}), Fail, "eu-west/web-2 declined TLS 1.2, 9 times"},
		"nobody is reached":    {met(map[string]string{"old": "refused", "young": "timeout"}), Inconclusive, "never exercised"},
		"nobody is old":        {met(map[string]string{"young": "ok"}), Inconclusive, "never exercised"},
		"nobody is young":      {met(map[string]string{"old": "declined", "clear": "ok"}), Inconclusive, "never exercised"},
		"once, among many well": {func(r *run) {
			met(map[string]string{"old": "declined", "young": "ok"})(r)
			r.asked("old-01", w2, 20*second, 21*second, "ok")
		}, Fail, "1 times"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, spoken, "today", "virtual"))
			c.change(r)
			p := of(t, Judge(r.plan, r.history()), "tls-floor")
			require.Equal(t, c.result, p.Result)
			if c.says != "" {
				require.Contains(t, p.Findings[0].Sentence, c.says)
			}
		})
	}
}
