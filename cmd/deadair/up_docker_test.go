package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// module is the folder of this module, in which alone can be told what images are of.
const module = "../.."

// needContainers makes the program that plays in containers, beside the tool, and skips where
// nothing can be held up in them. DEADAIR_DOCKER=required fails instead, and off skips.
func needContainers(t *testing.T) {
	t.Helper()
	mode := os.Getenv("DEADAIR_DOCKER")
	if mode == "off" {
		t.Skip("DEADAIR_DOCKER=off")
	}
	program := filepath.Join(filepath.Dir(os.Getenv(built)), inContainers)
	said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../deadair-docker").CombinedOutput()
	require.NoError(t, err, "%s", said)
	t.Cleanup(func() { require.NoError(t, os.Remove(program)) }) // other tests are about a tool without it
	ready := exec.CommandContext(t.Context(), program, "ready", "redis-server")
	ready.Dir = module
	said, err = ready.CombinedOutput()
	if err != nil && mode == "required" {
		require.NoError(t, err, "%s", said)
	}
	if err != nil {
		t.Skip(string(said))
	}
}

// containedUp starts a deadair up in containers; its files are in the folder held, below a
// folder for each time.
func containedUp(t *testing.T) (s *started, say func(format string, args ...any), held string) {
	t.Helper()
	held = filepath.Join(t.TempDir(), "held")
	s, typing := beginIn(t, module, "up", "--world", "docker", "--out", held, "--speed", "10")
	return s, func(format string, args ...any) {
		t.Helper()
		_, err := fmt.Fprintf(typing, format+"\n", args...)
		require.NoError(t, err)
	}, held
}

// requireNothingLeft waits until the engine has nothing of what is gone.
func (s *started) requireNothingLeft(t *testing.T) {
	t.Helper()
	s.until(t, "nothing is left", func() bool {
		said := s.tool.run(t, "cleanup").out
		require.NotContains(t, said, "container", "it was for who is gone to remove it")
		return said == "nothing was left behind\n"
	})
}

// TestUpInContainers does what a person is told they can.
func TestUpInContainers(t *testing.T) {
	needContainers(t)
	began := time.Now()
	s, say, held := containedUp(t)
	s.until(t, "the system is up", func() bool { return strings.Contains(s.out.String(), "Break it: type a fault") })
	t.Logf("up in %s", time.Since(began).Round(100*time.Millisecond))
	require.Empty(t, s.err.String())
	require.Regexp(t, `icecast://source:hackme@10\.213\.\d+\.\d+:8000/show\n  liquidsoap '.*host="10\.213\.\d+\.\d+", port=8000, `, s.out.String())
	questions := asked.FindAllString(s.out.String(), -1)
	require.Len(t, questions, 6, "three datacenters")
	for _, q := range questions {
		require.Equal(t, 2, dig(t, q), "%s: its own balancers", q)
	}
	home := questions[2] // of eu-west, whose balancer is broken below
	require.Contains(t, s.out.String(), "DNS, as it answers who is in eu-west:\n  "+home)

	next := 0
	air := s.goOnAir(t, &next)
	air.send(100)
	now := t.TempDir()
	s.until(t, "what is recorded can be looked at", func() bool {
		words := strings.Fields(fetch.FindString(s.out.String()))
		cp := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cp.Dir = now
		said, err := cp.CombinedOutput()
		require.NoError(t, err, "%s", said)
		return recorded(t, now) == 100*killFrame
	})
	say("kill eu-west/balancer-1\nkill us-east/balancer-3")
	s.until(t, "DNS does not name it", func() bool { return dig(t, home) == 1 })
	_, err := air.Read(make([]byte, 1))
	require.Error(t, err, "it was the one that carried the show")
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Equal(t, "deadair: unknown name \"us-east/balancer-3\" (did you mean \"us-east/balancer-1\"?)\n", s.err.String())
	say("heal")
	s.until(t, "DNS names it again", func() bool { return dig(t, home) == 2 })
	s.goOnAir(t, &next).send(1)

	began = time.Now()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, exitOK, s.exit(t), "%s%s", s.out, s.err)
	t.Logf("down in %s", time.Since(began).Round(100*time.Millisecond))
	require.Empty(t, s.processes(), "somebody still lives")
	require.Equal(t, "nothing was left behind\n", s.cleanup(t))
	require.GreaterOrEqual(t, recorded(t, filepath.Join(held, "*")), recorded(t, now), "it came home")
}

// fetch is how a person is told to look at the disks.
var fetch = regexp.MustCompile(`docker cp .*`)

// recorded is how much is recorded below folders, in bytes.
func recorded(t *testing.T, dirs string) (bytes int64) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dirs, "disks", "*", "recorder-*", "*", "*-*.mp3"))
	require.NoError(t, err)
	for _, name := range found {
		fi, err := os.Stat(name)
		require.NoError(t, err)
		bytes += fi.Size()
	}
	return bytes
}

// TestUpInContainersLeavesNothing: interrupted while it comes up, or killed.
func TestUpInContainersLeavesNothing(t *testing.T) {
	needContainers(t)
	s, _, _ := containedUp(t)
	s.until(t, "it comes up", func() bool { return strings.Contains(s.tool.run(t, "cleanup").out, "is alive") })
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, s.exit(t), "%s%s", s.out, s.err)
	require.Empty(t, s.out.String())
	require.Equal(t, "nothing was left behind\n", s.cleanup(t))

	s, _, _ = containedUp(t)
	s.until(t, "the system is up", func() bool { return strings.Contains(s.out.String(), "Break it: type a fault") })
	require.NoError(t, s.cmd.Process.Kill())
	s.requireNothingLeft(t)
}

// TestUpWhereItCannotStand tells so in one line, with what to do.
func TestUpWhereItCannotStand(t *testing.T) {
	x := newTool(t)
	require.Equal(t, result{exitUsage, "", "deadair: --world virtual: a system can be held up in loopback or docker\n"}, x.run(t, "up", "--world", "virtual"))
	x.env = []string{"DOCKER_HOST=unix:///nowhere/docker.sock"}
	r := x.run(t, "up", "--world", "docker")
	require.Equal(t, exitUsage, r.code)
	require.Regexp(t, `^deadair: --world docker: (it is not set up: start a Docker engine and run .make images.|no Docker engine answers at DOCKER_HOST=unix:///nowhere/docker.sock .*), or use --world loopback\n$`, r.err)

	needContainers(t)
	x.env = nil
	r = x.run(t, "up", "--world", "docker")
	require.Equal(t, exitUsage, r.code)
	require.Regexp(t, `^deadair: --world docker: tell whether image deadair/node:latest is of this source: .*: run this in the module's folder, with Go installed\n$`, r.err)
}
