package stack_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/stack/legacy"
	"deadair/harness/stack/mutant"
	"deadair/scenarios"
)

const minimal = `schema: 1
title: A title
broadcasters:
  - {name: rome, from: Rome, persona: butt}
`

func parse(t *testing.T, text string) *scenario.File {
	t.Helper()
	f, err := scenario.Parse("x.yaml", []byte(text))
	require.NoError(t, err)
	return f
}

func TestCheckNamesWhatDoesNotExist(t *testing.T) {
	for name, c := range map[string]struct{ tail, want string }{
		"legacy": {
			"variants:\n  old: {legacy: [health-check, redis-clint], verdict: pass}\n",
			`x.yaml:6:32: nothing named "redis-clint" stood in the servers of 2014 (did you mean "redis-client"?)`,
		},
		"mutant": {
			"variants:\n  broken: {mutant: stiky-off, verdict: pass}\n",
			`x.yaml:6:20: no mutant "stiky-off" (did you mean "sticky-off"?)`,
		},
		"event": {
			"documented: [{at: 1m, says: x, seen: {last: voted}}, {at: 1m, says: x, seen: {first: vote}}]\n",
			`x.yaml:5:86: no event is of the kind "vote" (did you mean "voted"?)`,
		},
		"several": {
			"variants:\n  a: {mutant: a, verdict: pass}\n  b: {mutant: a, legacy: b, verdict: pass}\n",
			"x.yaml:6:15: no mutant \"a\" (known: " + strings.Join(mutant.Names(), ", ") + ")\n" +
				"x.yaml:7:26: nothing named \"b\" stood in the servers of 2014 (known: health-check, redis-client, unread-mails)\n" +
				"x.yaml:7:15: no mutant \"a\" (known: " + strings.Join(mutant.Names(), ", ") + ")",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, stack.Check("x.yaml", parse(t, minimal+c.tail)), c.want)
		})
	}
}

func TestCheckTriesTheSettings(t *testing.T) {
	for name, c := range map[string]struct{ tail, at, want string }{
		"unknown": {
			"system: {balancer: {windw: 2m}}\n", "x.yaml:5:21: ", `configure a balancer: there is no setting "windw" (did you mean "window"?)`,
		},
		"recorder's": {
			"system: {recorder: {window: 2m, hold-put: 1s}}\n", "x.yaml:5:33: ", `configure a recorder: there is no setting "hold-put" (known: `,
		},
		"no number": {
			"system: {balancer: {max-sources: many}}\n", "x.yaml:5:21: ", `configure a balancer: setting "max-sources": `,
		},
		"refused by the balancer itself": {
			"system: {balancer: {window: 20s}}\n", "x.yaml:5:9: ", "configure eu-west/balancer-1: check config: window: 20s is shorter than this configuration's own failover: ",
		},
		"refused by the recorder itself": {
			"system: {recorder: {full-at: 1.5, max-conns: 2}}\n", "x.yaml:5:9: ", "configure eu-west/recorder-1: recorder config: ",
		},
		"in one variant": {
			"variants:\n  good: {verdict: pass}\n  bad: {system: {balancer: {window: 20s}}, verdict: pass}\n", "x.yaml:7:17: ", "configure eu-west/balancer-1: check config: window",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := stack.Check("x.yaml", parse(t, minimal+c.tail))
			require.ErrorContains(t, err, c.want)
			require.True(t, strings.HasPrefix(err.Error(), c.at), "%v", err)
			require.NotContains(t, err.Error(), "\n", "one problem is one line")
		})
	}
}

func TestCheckAcceptsTheLibraryAndStartsNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, name := range scenarios.Names() {
		data, err := scenarios.Read(name)
		require.NoError(t, err)
		require.NoError(t, stack.Check(name+".yaml", parse(t, string(data))))
	}
}

func TestCheckRunsWhereTheVariantDoes(t *testing.T) {
	require.NoError(t, stack.Check("x.yaml", parse(t, minimal+"variants:\n  real: {worlds: [loopback], because: it needs sockets, verdict: pass}\n")))
}

func TestNewRefusesAPlanWithUnknownParts(t *testing.T) {
	for want, change := range map[string]func(p *scenario.Plan){
		`no mutant "gremlin"`:                 func(p *scenario.Plan) { p.Mutant = "gremlin" },
		`nothing named "gremlin" stood`:       func(p *scenario.Plan) { p.Legacy = []string{"gremlin"} },
		`there is no setting "gremlin"`:       func(p *scenario.Plan) { p.System.Recorder = map[string]any{"gremlin": true} },
		`resolver/Rome/gremlin`:               func(p *scenario.Plan) { p.Broadcasters[0].Resolver = "gremlin" },
		`build broadcaster rome-01: `:         func(p *scenario.Plan) { p.Broadcasters[0].Persona = "gremlin" },
		`build broadcaster rome-01: no frame`: func(p *scenario.Plan) { p.Broadcasters[0].Bitrate = 1 },
	} {
		t.Run(want, func(t *testing.T) {
			p, err := scenario.Expand(parse(t, minimal), "today", "virtual", 1, 1)
			require.NoError(t, err)
			w := stack.NewPaper(p)
			_, err = stack.New(p, w, history.NewLog(w.Now), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			change(p)
			w = stack.NewPaper(p)
			_, err = stack.New(p, w, history.NewLog(w.Now), slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, want)
		})
	}
}

// TestEveryPieceIsPlayed has the library name each mutant and each piece of 2014:
// one that no scenario plays shows nothing.
func TestEveryPieceIsPlayed(t *testing.T) {
	played := map[string]bool{}
	for _, name := range scenarios.Names() {
		data, err := scenarios.Read(name)
		require.NoError(t, err)
		for _, v := range parse(t, string(data)).Variants {
			played[v.Mutant.Value] = true
			for _, l := range v.Legacy {
				played[l.Value] = true
			}
		}
	}
	for _, name := range append(mutant.Names(), legacy.Names()...) {
		require.True(t, played[name], "no scenario plays %s", name)
	}
	require.GreaterOrEqual(t, len(mutant.Table()), 30)
}
