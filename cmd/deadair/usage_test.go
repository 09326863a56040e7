package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/scenarios"
)

// good is a valid scenario; lines can be added to it.
const good = `schema: 1
title: Good
broadcasters: [{name: rome, from: Rome, persona: butt}]
`

func TestUsageErrors(t *testing.T) {
	x := newTool(t)
	x.file(t, "good.yaml", good)
	x.file(t, "unknown-key.yaml", good+"tite: x\ntimeline: [{at: 1m, kil: redis}]\n")
	x.file(t, "unknown-mutant.yaml", good+"variants:\n  a: {mutant: gremlin, verdict: pass}\n")
	x.file(t, "unknown-legacy.yaml", good+"variants:\n  a: {legacy: [gremlin], verdict: pass}\n")
	x.file(t, "unknown-setting.yaml", good+"system: {balancer: {gremlin: 1}}\n")
	require.NoError(t, os.Mkdir(filepath.Join(x.dir, "folder.yaml"), 0o755))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(x.dir, "endless.yaml")))
	x.file(t, "large.yaml", "")
	require.NoError(t, os.Truncate(filepath.Join(x.dir, "large.yaml"), 1<<40))
	require.NoError(t, os.Mkdir(filepath.Join(x.dir, "other"), 0o755))
	x.file(t, "other/good.yaml", good)
	for _, c := range []struct {
		args string
		want []string // of standard error, each the begin of a line
	}{
		{"", []string{"deadair replays incidents", "usage: deadair COMMAND …"}},
		{"nonsense", []string{`deadair: no command "nonsense"`, "usage: deadair COMMAND …", "  replay [NAME|FILE|DATE …] "}},
		{"replay --nonsense", []string{"deadair: replay: flag provided but not defined: -nonsense; -h tells its flags"}},
		{"replay --seed x", []string{`deadair: replay: invalid value "x" for flag -seed: parse error; -h tells its flags`}},
		{"replay nonsense", []string{`deadair: read scenario: no "nonsense" in the library (deadair list shows it)`}},
		{"replay recoder-down", []string{`deadair: read scenario: no "recoder-down" in the library (deadair list shows it) (did you mean "recorder-down"?)`}},
		{"plan recoder-down", []string{`deadair: read scenario: no "recoder-down" in the library (deadair list shows it) (did you mean "recorder-down"?)`}},
		{"replya", []string{`deadair: no command "replya" (did you mean "replay"?)`}},
		{"replay 2013-01-01", []string{`deadair: read scenario: no "2013-01-01" in the library`}},
		{"replay nonsense.yaml", []string{"deadair: open nonsense.yaml: no such file or directory"}},
		{"validate folder.yaml", []string{"deadair: read folder.yaml: it is not a file"}},
		{"validate endless.yaml", []string{"deadair: read endless.yaml: it is not a file"}},
		{"validate large.yaml", []string{"large.yaml:1:1: the file has more than 262144 bytes"}},
		{"replay dropped-connection --variant nonsense", []string{`deadair: dropped-connection has no variant "nonsense": it has today, `}},
		{"replay --variant nonsense", []string{"deadair: nothing to play: no scenario has that variant in that world"}},
		{"replay good.yaml --world moon", []string{`deadair: no world "moon": choose loopback, virtual or docker`}},
		{"replay good.yaml --world docker", []string{"deadair: --world docker: it is not set up: start a Docker engine and run `make images`, or use --world loopback"}},
		{"replay good.yaml --redis nonsense", []string{`deadair: --redis "nonsense": choose embedded, server or a URL`}},
		{"replay good.yaml --redis redis://x:y@10.0.0.7", []string{"deadair: --redis redis://x:xxxxx@10.0.0.7: give the password in $DEADAIR_REDIS_PASSWORD"}},
		{"replay good.yaml --redis redis://10.0.0.7 --world virtual", []string{"deadair: --redis redis://10.0.0.7: a Redis that is not embedded needs real time: use --world loopback"}},
		{"replay redis-frozen --redis redis://10.0.0.7", []string{"deadair: redis-frozen today: line 16: pause redis, for 1m10s: a Redis that is not ours can be broken only on the way to it"}},
		{"replay good.yaml --verify --world loopback", []string{"deadair: --verify --world loopback: only virtual time is the same again: add virtual"}},
		{"replay good.yaml --speed 0", []string{"deadair: expand good: speed is 0: from 1 to 1000"}},
		{"replay good.yaml --parallel -1", []string{"deadair: --parallel -1: give a number of runs"}},
		{"replay good.yaml other/good.yaml", []string{"deadair: play good/today.loopback twice: name each scenario once, and give files different names"}},
		{"replay good.yaml good.yaml", []string{"deadair: play good/today.loopback twice"}},
		{"replay unknown-key.yaml", []string{
			`unknown-key.yaml:4:1: unknown key "tite" (did you mean "title"?)`,
			`unknown-key.yaml:5:21: unknown key or fault "kil" (did you mean "kill"?)`,
		}},
		{"replay unknown-mutant.yaml", []string{`unknown-mutant.yaml:5:15: no mutant "gremlin"`}},
		{"replay unknown-legacy.yaml", []string{`unknown-legacy.yaml:5:16: nothing named "gremlin" stood in the servers of 2014`}},
		{"replay unknown-setting.yaml", []string{`unknown-setting.yaml:4:21: configure a balancer: there is no setting "gremlin"`}},
		{"plan", []string{"deadair: plan takes one scenario"}},
		{"plan good.yaml other/good.yaml", []string{"deadair: plan takes one scenario"}},
		{"plan good.yaml --variant nonsense", []string{`deadair: expand good: no variant "nonsense" (known: today)`}},
		{"plan unknown-mutant.yaml", []string{"unknown-mutant.yaml:5:15: "}},
		{"validate", []string{"deadair: validate takes files"}},
		{"check", []string{"deadair: check takes the folder of a run, such as out/latest"}},
		{"check .", []string{"deadair: no run in .: it has no plan.json"}},
		{"replay good.yaml --baseline nowhere", []string{"deadair: read the baseline nowhere: read summary.json: "}},
		{"compare nowhere", []string{"deadair: compare takes two folders with a summary.json: deadair compare A B"}},
		{"compare nowhere nowhere", []string{"deadair: compare nowhere: read summary.json: "}},
		{"report nowhere", []string{"deadair: no run in nowhere: it has no plan.json"}},
		{"up --speed 0", []string{"deadair: expand up: speed is 0: from 1 to 1000"}},
		{"up 2014-10-02", []string{`deadair: up takes no "2014-10-02", only flags`}},
		{"cleanup all", []string{`deadair: cleanup takes no "all", only flags`}},
		{"list all", []string{`deadair: list takes no "all", only flags`}},
		{"schema yaml", []string{`deadair: schema takes no "yaml", only flags`}},
		{"version 2", []string{`deadair: version takes no "2", only flags`}},
		{"list --jsn", []string{`deadair: list: flag provided but not defined: -jsn (did you mean "json"?); -h tells its flags`}},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := x.run(t, strings.Fields(c.args)...)
			require.Equal(t, exitUsage, r.code, "%s%s", r.out, r.err)
			require.Empty(t, r.out)
			for _, want := range c.want {
				require.Contains(t, "\n"+r.err, "\n"+want)
			}
		})
	}
	require.NoDirExists(t, filepath.Join(x.dir, "out"), "who plays nothing leaves nothing")
}

func TestHelpIsNoError(t *testing.T) {
	x := newTool(t)
	for _, args := range []string{"help", "-h", "--help"} {
		r := x.run(t, strings.Fields(args)...)
		require.Zero(t, r.code)
		for _, c := range commands() {
			require.Contains(t, r.out, "\n  "+c.name)
		}
	}
	r := x.run(t, "replay", "-h")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "decides every choice of a plan")
}

func TestValidateTellsOfEachFile(t *testing.T) {
	x := newTool(t)
	x.file(t, "good.yaml", good)
	x.file(t, "also-good.yml", good)
	x.file(t, "bad.yaml", good+"ends: 10min\n")
	r := x.run(t, "validate", "good.yaml", "also-good.yml", "2014-10-02")
	require.Zero(t, r.code, r.err)
	require.Equal(t, "good.yaml: valid\nalso-good.yml: valid\n2014-10-02: valid\n", r.out)

	r = x.run(t, "validate", "bad.yaml", "good.yaml", "missing.yaml")
	require.Equal(t, exitUsage, r.code)
	require.Equal(t, "good.yaml: valid\n", r.out, "one bad file does not hide the others")
	require.Contains(t, r.err, `bad.yaml:4:7: "10min" is no length of time`)
	require.Contains(t, r.err, "missing.yaml: no such file")
}

func TestListNamesTheLibrary(t *testing.T) {
	x := newTool(t)
	r := x.run(t, "list", "--json")
	require.Zero(t, r.code, r.err)
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.out), &all))
	var names []string
	for _, l := range all {
		for _, key := range []string{"scenario", "title", "date", "variant", "world", "expected", "default"} {
			require.Contains(t, l, key)
		}
		require.Contains(t, []string{"virtual", "loopback"}, l["world"])
		names = append(names, l["scenario"].(string))
	}
	require.Equal(t, scenarios.Names(), slices.Compact(names))
	require.Contains(t, all, map[string]any{
		"scenario": "2014-10-02", "title": "Healthy in every check, and routing nobody", "date": "2014-10-02",
		"variant": "as-it-was", "world": "virtual", "expected": "fail:dead-air,health-honest", "default": true,
	})

	r = x.run(t, "list")
	require.Zero(t, r.code)
	require.Regexp(t, `(?m)^2014-10-02 +Healthy in every check`, r.out)
	require.Regexp(t, `(?m)^  as-it-was +fail:dead-air,health-honest +virtual loopback$`, r.out)
	require.Regexp(t, `(?m)^  control +pass +virtual \(loopback\)$`, r.out)
}

func TestPlanAndSchemaPrint(t *testing.T) {
	x := newTool(t)
	r := x.run(t, "plan", "2014-10-02", "--variant", "as-it-was", "--world", "virtual")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "restart us-east/balancer-1")
	require.Contains(t, r.out, "redis-client")
	require.NotContains(t, r.out, "--all")

	r = x.run(t, "plan", "2014-10-02", "--variant", "control")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "2014-10-02 · control · loopback · seed 1 · speed 10 · played when it is named, or with --all\n")

	r = x.run(t, "schema")
	require.Zero(t, r.code)
	require.Equal(t, string(scenario.Schema()), r.out)

	r = x.run(t, "version")
	require.Zero(t, r.code)
	require.Regexp(t, `^deadair \S+.*, go1\.\S+ \w+/\w+\n$`, r.out)
}
