package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const anAdapter = `name: Other
command: [other, "{{.Listen}}"]
health: /status
settles: true
recordings: "*.mp3"
`

func TestParseAdapter(t *testing.T) {
	a, err := ParseAdapter("recorder", "x.yaml", []byte(anAdapter))
	require.NoError(t, err)
	require.Equal(t, Adapter{Kind: "recorder", File: "x.yaml", Name: "Other", Command: []string{"other", "{{.Listen}}"}, Health: "/status", Settles: true, Recordings: "*.mp3"}, a)
	for text, want := range map[string]string{
		"name: x\ncommand: [x]\nhealth: /": "read adapter x.yaml: recordings: ",
		"name: x\ncommand: [x]":            "read adapter x.yaml: health: ",
		"name: x\nhealth: /":               "read adapter x.yaml: command: ",
		"command: [x]\nhealth: /":          "read adapter x.yaml: name: ",
		"name: x\nhealht: /":               "read adapter x.yaml: [2:1] unknown field \"healht\"",
		"name: [":                          "read adapter x.yaml: ",
	} {
		_, err := ParseAdapter("recorder", "x.yaml", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
	_, err = ParseAdapter("redis", "x.yaml", []byte(anAdapter))
	require.EqualError(t, err, `no server can take the place of "redis": choose balancer or recorder`)
}

func TestUseForeign(t *testing.T) {
	a, err := ParseAdapter("recorder", "x.yaml", []byte(anAdapter))
	require.NoError(t, err)
	plan := func(steps ...Step) *Plan {
		return &Plan{Scenario: "x", Variant: "today", World: "loopback", Steps: steps}
	}
	drain := Step{ID: "step-1", Do: "drain", Nodes: []string{"eu-west/recorder-1"}}
	kill := Step{ID: "step-2", Do: "kill", Nodes: []string{"eu-west/recorder-1"}}
	ours := Step{ID: "step-3", Do: "drain", Nodes: []string{"eu-west/balancer-1"}}
	p := plan(drain, kill, ours)
	require.NoError(t, p.UseForeign([]Adapter{a}))
	require.Equal(t, []Step{kill, ours}, p.Steps)
	require.Equal(t, []string{"Other is not told to drain: drain eu-west/recorder-1 is left out."}, p.Assumed)
	require.Equal(t, "Other", p.Foreigners())
	require.NotNil(t, p.ForeignOf("recorder"))
	require.Nil(t, p.ForeignOf("balancer"))
	require.Contains(t, p.Replay(), " --bin recorder=x.yaml")

	p = plan(drain)
	require.NoError(t, p.UseForeign(nil))
	require.Equal(t, []Step{drain}, p.Steps)

	require.ErrorContains(t, plan(Step{Do: "disk", Nodes: []string{"eu-west/recorder-1"}, Answer: "full", Line: 7}).UseForeign([]Adapter{a}), "line 7: ")
	p = plan()
	p.World = "virtual"
	require.EqualError(t, p.UseForeign([]Adapter{a}), "x today: servers of somebody else's are played in the loopback world only")
	p = plan()
	p.Mutant = "sticky-off"
	require.EqualError(t, p.UseForeign([]Adapter{a}), "x today: it is about something broken inside of ours")
}
