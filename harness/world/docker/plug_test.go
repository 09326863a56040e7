package docker

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// need skips where nothing can be played in containers, unless DEADAIR_DOCKER says required.
func need(t *testing.T) {
	t.Helper()
	mode := os.Getenv("DEADAIR_DOCKER")
	if mode == "off" {
		t.Skip("DEADAIR_DOCKER=off")
	}
	err := Ready(t.Context())
	if err != nil && mode == "required" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
}

// TestPluggedInAsItWas: a node that was off the network has its address and its name again.
func TestPluggedInAsItWas(t *testing.T) {
	need(t)
	const name = "us-east/balancer-1"
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "logs"), 0o755))
	r := &run{
		Config: Config{Dir: dir, Hosts: []Host{{Name: name, Datacenter: "us-east"}}, Log: slog.New(slog.DiscardHandler)},
		places: map[string]*place{}, nodes: map[string]*node{}, stage: &wire{box: &box{in: json.NewEncoder(io.Discard)}},
	}
	require.NoError(t, r.prepare(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, r.clear(context.Background()))
		require.NoError(t, r.engine.Close())
		require.NoError(t, r.text.Close())
	})
	require.NoError(t, r.lay(t.Context()))
	require.NoError(t, r.makeVolume(t.Context()))
	n := &node{run: r, name: name, made: make(chan struct{})}
	n.make(t.Context())
	require.NoError(t, n.err)
	networks := func() map[string]*network.EndpointSettings {
		i, err := r.engine.ContainerInspect(t.Context(), n.guard.GetContainerID(), client.ContainerInspectOptions{})
		require.NoError(t, err)
		return i.Container.NetworkSettings.Networks
	}
	in := r.places["us-east"].name
	was := networks()[in]
	require.Equal(t, r.opening.Hosts[0].Addr, was.IPAddress)

	require.NoError(t, n.unplug(t.Context()))
	require.NotContains(t, networks(), in)
	for range 2 {
		require.NoError(t, n.plug(t.Context()))
		is := networks()[in]
		require.NotNil(t, is)
		require.Equal(t, was.IPAddress, is.IPAddress)
		require.Contains(t, is.Aliases, alias(name))
	}
}
