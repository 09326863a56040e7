package hold

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypedSteps(t *testing.T) {
	p, err := Plan("loopback", 1)
	require.NoError(t, err)
	for line, want := range map[string]string{
		"kill eu-west/balancer-1":                            "kill eu-west/balancer-1",
		"pause eu-west/recorder-* redis":                     "pause eu-west/recorder-1 eu-west/recorder-2 eu-west/recorder-3 redis",
		"stall you eu-west/balancer-1":                       "stall you-01 → eu-west/balancer-1",
		"delay you-01 us-east/balancer-1 delay=2s":           "delay you-01 → us-east/balancer-1, 2s more one way",
		"throttle you us-east/balancer-1 rate=2k":            "throttle you-01 → us-east/balancer-1, to 2000 bytes/s",
		"blackhole us-east/balancer-1 redis connections=new": "blackhole us-east/balancer-1 → redis, new connections",
		"redis oom":                            "redis answers oom",
		"redis":                                "redis takes one of loading, readonly, ",
		"redis oom for=2s":                     "redis takes one of loading",
		"redis asleep":                         `Redis has no answer "asleep"`,
		"frobnicate x":                         `no fault "frobnicate": use one of blackhole, cut, `,
		"drop you":                             `no fault "drop": use one of `,
		"kill":                                 "kill takes the names of nodes",
		"kill redis at=2s":                     "kill takes the names of nodes",
		"kill you":                             `unknown name "you"`,
		"stall you":                            "stall takes both ends of a link: who dials, and whom",
		"delay you eu-west/balancer-1":         `delay needs "delay"`,
		"delay you eu-west/balancer-1 delay=2": `"2" is no length of time: write it as 90s, 10m or 6h30m`,
		"stall you eu-west/balancer-1 conections=new": `unknown key "conections" (did you mean "connections"?)`,
		`kill redis]},{at:2m,kill:[redis`:             `"redis]},{at:2m,kill:[redis" is no pattern`,
		"kill \xff\x00":                               "",
	} {
		step, err := typed(p, strings.Fields(line))
		got := step.Sentence()
		if err != nil {
			require.Zero(t, step)
			got = err.Error()
			require.NotContains(t, got, "\n")
		}
		require.True(t, strings.HasPrefix(got, want), "%s: %s", line, got)
	}
	require.NotContains(t, typeable(), "drop")
	for _, name := range typeable() {
		_, err := typed(p, []string{name})
		require.NotContains(t, err.Error(), "no fault")
	}
}
