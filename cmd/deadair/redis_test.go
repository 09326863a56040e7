package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

const foreign = `schema: 1
title: A Redis that is not ours
system:
  datacenters: [{name: eu-west, place: Ireland, balancers: 1, recorders: 1, capacity: 4}]
  redis: eu-west
  dns: {checkers: 1, threshold: 1}
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: ffmpeg-fifo}
timeline:
  - {at: 20s, blackhole: {from: eu-west/balancer-1, to: redis}, for: 10s}
  - {at: 22s, drop: {broadcasters: rome}}
ends: 40s
`

// TestReplayWithAForeignRedis: the run uses it, faults are on the way to it, and
// nothing of the run is left there.
func TestReplayWithAForeignRedis(t *testing.T) {
	m := miniredis.RunT(t)
	require.NoError(t, m.DB(2).Set("deadair:{/rome-01}", "somebody else's"))
	x := newTool(t)
	x.file(t, "foreign.yaml", foreign)
	r := x.run(t, "replay", "foreign.yaml", "--redis", "redis://"+m.Addr()+"/2", "--out", "run")
	require.Contains(t, []int{exitOK, exitInconclusive}, r.code, "%s%s", r.out, r.err) // unclear on a machine that is too busy
	require.Contains(t, summaryOf(t, x, "run").Runs[0].Replay, " --redis redis://"+m.Addr()+"/2")
	require.Contains(t, x.read(t, "run/foreign/today.loopback/history.jsonl"), `"kind":"fault-touched","fault":"step-1"`)

	require.Equal(t, []string{"deadair:{/rome-01}"}, m.DB(2).Keys())
	require.Greater(t, m.CommandCount(), 20, "it was asked")
	require.Eventually(t, func() bool { return m.CurrentConnectionCount() == 0 }, patience, 5*time.Millisecond)
}

// TestReplayWithoutTheForeignRedis: one that is away is said to be, and no verdict is given.
func TestReplayWithoutTheForeignRedis(t *testing.T) {
	m := miniredis.RunT(t)
	addr := m.Addr()
	m.Close()
	x := newTool(t)
	x.file(t, "foreign.yaml", foreign)
	r := x.run(t, "replay", "foreign.yaml", "--redis", "redis://"+addr, "--out", "run")
	require.Equal(t, exitHarness, r.code)
	require.Contains(t, r.out, "reach the foreign redis: dial tcp "+addr)
}

// TestLibraryWithAForeignRedis: what cannot be played so is left out of the
// library, and told of.
func TestLibraryWithAForeignRedis(t *testing.T) {
	var told []string
	jobs, err := jobsOf(choice{
		worlds: []string{"loopback"}, seed: 1, speed: 10, redis: "redis://10.0.0.7",
		all: true, leftOut: func(why error) { told = append(told, why.Error()) },
	})
	require.NoError(t, err)
	require.NotEmpty(t, jobs)
	for _, j := range jobs {
		require.Equal(t, "redis://10.0.0.7", j.Plan.Redis)
		for _, s := range j.Plan.Steps {
			require.NotContains(t, s.Nodes, "redis")
		}
	}
	require.True(t, slices.ContainsFunc(told, func(why string) bool { return strings.HasPrefix(why, "redis-frozen today: line ") }))
	require.True(t, slices.ContainsFunc(told, func(why string) bool { return strings.HasPrefix(why, "redis-readonly today: line ") }))
}
