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
