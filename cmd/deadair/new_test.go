package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const note = `# The load balancer in Dublin hung
On 9 July 2023 one of our two load balancers in Ireland hung from 22:05 until 22:41 UTC: it took connections and answered nobody.
22:20 UTC: taken out of the pool by hand.
`

// TestNewIsValidAtOnce: what new writes passes validate, and a replay is as expected.
func TestNewIsValidAtOnce(t *testing.T) {
	x := newTool(t)
	x.file(t, "notes.md", note)
	for _, args := range []string{"new plain", "new --from notes.md", "new from-a-note --from notes.md"} {
		r := x.run(t, strings.Fields(args)...)
		require.Zero(t, r.code, r.err)
		file, _, _ := strings.Cut(r.out[strings.LastIndex(r.out, "deadair replay ")+len("deadair replay "):], " ")
		require.Equal(t, result{0, file + ": valid\n", ""}, x.run(t, "validate", file))
		r = x.run(t, "replay", file, "--world", "virtual", "--out", "run")
		require.Zero(t, r.code, "%s: %s%s", args, r.out, r.err)
	}
	text := x.read(t, "2023-07-09.yaml")
	for _, want := range []string{"date: 2023-07-09", `pause: eu-west/balancer-1, for: 36m0s`, `seen: {first: fault-began, of: step-1}`, "Taken out"} {
		require.Contains(t, strings.ToLower(text), strings.ToLower(want))
	}
}

func TestNewTellsWhatItMadeUp(t *testing.T) {
	x := newTool(t)
	x.file(t, "notes.md", note)
	r := x.run(t, "new", "--from", "notes.md")
	require.Contains(t, r.out, `recognised: the day 2023-07-09 ("9 July 2023")`)
	require.Contains(t, r.out, "recognised: it ends at 22:41 UTC")
	require.Equal(t, 1, strings.Count(r.out, "assumed: "), r.out)
	require.Contains(t, r.out, "assumed: Who broadcasts, from where and with what, is made up.")
	r = x.run(t, "new", "--from", "notes.md")
	require.Equal(t, result{exitUsage, "", "deadair: 2023-07-09.yaml is there already: give another name, or remove it\n"}, r)
}

func TestNewRefuses(t *testing.T) {
	x := newTool(t)
	x.file(t, "long.md", strings.Repeat("x", 70_000))
	x.file(t, "vague.md", "something broke")
	for args, want := range map[string]string{
		"new":                          "new takes a name",
		"new a b":                      "new takes one name",
		"new ../x":                     `"../x" is no name for a scenario`,
		"new A":                        `"A" is no name for a scenario`,
		"new x --from no.md":           "read note: open no.md",
		"new x --from long.md":         "it has more than 65536 bytes",
		"new --from vague.md":          "a note that tells a day needs none",
		"new x --from notes --nonsens": "flag provided but not defined",
	} {
		r := x.run(t, strings.Fields(args)...)
		require.Equal(t, exitUsage, r.code, args)
		require.Contains(t, r.err, want, args)
		require.Empty(t, r.out)
	}
}
