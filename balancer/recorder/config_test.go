package recorder_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/recorder"
)

func TestParseConfig(t *testing.T) {
	want := recorder.Config{Name: "eu/recorder-1", Capacity: 5, Window: 5 * time.Minute, FullAt: 0.5}
	for name, text := range map[string]string{
		"yaml": "name: eu/recorder-1\ncapacity: 5\nwindow: 5m\nfull-at: 0.5\n",
		"json": `{"name":"eu/recorder-1","capacity":5,"window":"5m0s","full-at":0.5}`,
	} {
		got, err := recorder.ParseConfig([]byte(text))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	data, err := json.Marshal(want)
	require.NoError(t, err)
	var back recorder.Config
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, want, back)
	_, err = recorder.ParseConfig([]byte("capacity: 5\nwindwo: 5m\n"))
	require.ErrorContains(t, err, "windwo")
	require.ErrorContains(t, err, "[2:1]")
}

func TestNewRefuses(t *testing.T) {
	for want, cfg := range map[string]recorder.Config{
		"capacity":      {Capacity: -1},
		"window":        {Window: -time.Second},
		"disk-deadline": {DiskDeadline: -1},
		"full-at":       {FullAt: 0.99},
		"hand-over-at":  {HandOverAt: 1.5},
		"max-conns":     {MaxConns: 3},
		"max-mounts":    {MaxMounts: 3},
		"max-listeners": {MaxListeners: -1},
		"backlog":       {Backlog: -1},
	} {
		_, err := recorder.New(cfg, new(envtest.Net).Env("r", ip, nil), recorder.Parts{})
		require.ErrorContains(t, err, want)
	}
	_, err := recorder.New(recorder.Config{}, new(envtest.Net).Env("", ip, nil), recorder.Parts{})
	require.ErrorContains(t, err, "name")
}
