package main

import (
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// holdUp starts a deadair up, with somebody who types.
func holdUp(t *testing.T) (s *started, typing io.Writer) {
	t.Helper()
	return beginWith(t, "up", "--out", "held")
}

// asked are the questions to DNS that a person is told.
var asked = regexp.MustCompile(`dig .*`)

// dig does what a line for dig says, and counts the addresses.
func dig(t *testing.T, line string) int {
	t.Helper()
	words := strings.Fields(line)
	at, port, name := words[len(words)-4], words[len(words)-2], words[len(words)-1]
	c := dns.Client{Timeout: patience}
	if words[1] == "+tcp" {
		c.Net = "tcp"
	}
	answer, _, err := c.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), net.JoinHostPort(strings.TrimPrefix(at, "@"), port))
	require.NoError(t, err, line)
	return len(answer.Answer)
}

func TestUpObeysAndLeavesNothing(t *testing.T) {
	s, typing := holdUp(t)
	s.until(t, "the system is up", func() bool { return strings.Contains(s.out.String(), "Break it: type a fault") })

	require.Regexp(t, `icecast://source:hackme@127[.0-9]+:\d+/show\n  liquidsoap 'output.icecast\(%mp3\(bitrate=128\), user="source", password="hackme", host="127[.0-9]+", port=\d+, mount="/show", sine\(\)\)'\n`, s.out.String())
	questions := asked.FindAllString(s.out.String(), -1)
	require.Len(t, questions, 2)
	for _, q := range questions {
		require.Equal(t, 2, dig(t, q), "%s: one of each balancer nearby", q)
	}

	second := s.tool.run(t, "up", "--out", "held")
	require.Equal(t, result{exitHarness, "", "deadair: lock held: another process uses it: end that one, or name another directory\n"}, second)
	require.Equal(t, second, s.tool.run(t, "replay", "2014-10-02", "--out", "held"))

	_, err := io.WriteString(typing, "kill eu-wset/balancer-1\n\npause eu-*/recorder-1\n")
	require.NoError(t, err)
	s.until(t, "the fault is in force", func() bool { return s.frozen("eu-west/recorder-1") })
	require.Equal(t, "deadair: unknown name \"eu-wset/balancer-1\" (did you mean \"eu-west/balancer-1\"?)\n", s.err.String())
	_, err = io.WriteString(typing, "heal\n")
	require.NoError(t, err)
	s.until(t, "it is healed", func() bool { return !s.frozen("eu-west/recorder-1") })

	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitOK, s.exit(t), "%s%s", s.out, s.err)
	require.Empty(t, s.processes(), "somebody still lives")
	require.Equal(t, "nothing was left behind\n", s.cleanup(t))
}

// TestUpInterruptedAtOnce ends it while its servers start.
func TestUpInterruptedAtOnce(t *testing.T) {
	s, _ := holdUp(t)
	s.until(t, "a server starts", func() bool { return len(s.processes()) > 1 })
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, s.exit(t), "%s%s", s.out, s.err)
	require.Equal(t, "\ndeadair: ending in order, faults are healed first; once more to end at once\n", s.err.String())
	require.Empty(t, s.out.String())
	require.Empty(t, s.processes(), "somebody still lives")
	require.Equal(t, "nothing was left behind\n", s.cleanup(t))
}

func TestTypedSteps(t *testing.T) {
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
		step, err := typed(strings.Fields(line))
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
		_, err := typed([]string{name})
		require.NotContains(t, err.Error(), "no fault")
	}
}
