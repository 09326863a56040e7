package balancer_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/recorder"
)

// serveRecorder starts a recorder on real sockets and a disk in dir. It runs until
// the end of the test or until stop.
func serveRecorder(t *testing.T, name, dir string) (r fleet.Recorder, stop func()) {
	e := env.System(name, dir, nil)
	listen, ports := e.Listen, make(chan string, 2)
	e.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
		l, err := listen(ctx, network, addr)
		if err == nil {
			ports <- l.Addr().String()
		}
		return l, err
	}
	server, err := recorder.New(recorder.Config{Name: name, Datacenter: "eu", Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", TakeoverDeadline: patience}, e, recorder.Parts{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-served)
	})
	t.Cleanup(stop)
	return fleet.Recorder{Name: name, Datacenter: "eu", Addr: <-ports, Admin: <-ports}, stop
}

// sessions are the directories that hold recorded audio.
func sessions(t *testing.T, dir string) []string {
	manifests, err := filepath.Glob(filepath.Join(dir, "*", "manifest.jsonl"))
	require.NoError(t, err)
	var names []string
	for _, m := range manifests {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	return names
}

// The contract between the two servers, kept by both: one session across
// reconnects with and without the index, metadata, a kill, a probe that leaves
// nothing.
func TestBalancerAndRecorderTogether(t *testing.T) {
	dir := t.TempDir()
	rec, _ := serveRecorder(t, "eu/recorder-real", dir)
	redis := miniredis.RunT(t)
	r := newRealRig(t, redis.Addr(), func(c *balancer.Config) {
		c.Recorders = []fleet.Recorder{rec}
		c.ProbeInterval, c.RestoreInterval = time.Second, 100*time.Millisecond
	})
	require.Eventually(t, func() bool { return r.balancer.Health().Status == balancer.OK }, patience, 10*time.Millisecond)
	require.Empty(t, sessions(t, dir), "probes leave nothing")

	first := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, first.code, first.body)
	require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&song=Song", "anna", "secret")).code)
	second := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, second.code, second.body)
	require.Error(t, first.gone(), "taken over")

	redis.SetError("LOADING Redis is loading the dataset in memory")
	third := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, third.code, third.body)
	redis.SetError("")
	require.Eventually(t, func() bool { return redis.HGet("deadair:{/show}", "epoch") > "2" }, patience, 10*time.Millisecond,
		"the guessed epoch reaches the index")
	fourth := r.ask(source("/show", "anna", "secret"))
	require.Equal(t, 200, fourth.code, fourth.body)
	require.Len(t, sessions(t, dir), 1, "one session")
	require.Equal(t, redis.HGet("deadair:{/show}", "session"), sessions(t, dir)[0])

	require.Equal(t, 200, r.ask(get("/admin/killsource?mount=/show", "anna", "secret")).code)
	require.Error(t, fourth.gone())
	fifth := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, fifth.code, fifth.body)
	require.Len(t, sessions(t, dir), 2, "after a kill a new one begins")

	text, err := os.ReadFile(filepath.Join(dir, sessions(t, dir)[0], "manifest.jsonl"))
	require.NoError(t, err)
	require.Contains(t, string(text), "Song")
	_, err = io.WriteString(fifth, "no frames, but bytes")
	require.NoError(t, err)
}

// A source that comes back while a kill has reached its recorder and not the index yet
// begins another show.
func TestKilledSessionDoesNotComeBack(t *testing.T) {
	for name, index := range map[string]string{"with the index": "", "without": "LOADING Redis is loading the dataset in memory"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			rec, _ := serveRecorder(t, "eu/recorder-real", dir)
			redis := miniredis.RunT(t)
			r := newRealRig(t, redis.Addr(), func(c *balancer.Config) { c.Recorders = []fleet.Recorder{rec} })
			first := r.ask(put("/show", "anna", "secret"))
			require.Equal(t, 200, first.code, first.body)
			redis.SetError(index)
			reply, err := http.Post("http://"+rec.Admin+"/kill?mount=/show", "", nil)
			require.NoError(t, err)
			reply.Body.Close()
			require.Equal(t, 200, reply.StatusCode)
			require.Error(t, first.gone())
			second := r.ask(put("/show", "anna", "secret"))
			require.Equal(t, 200, second.code, second.body)
			require.Len(t, sessions(t, dir), 2)
			if index == "" {
				require.Contains(t, sessions(t, dir), redis.HGet("deadair:{/show}", "session"))
				text, err := os.ReadFile(filepath.Join(dir, redis.HGet("deadair:{/show}", "session"), "manifest.jsonl"))
				require.NoError(t, err)
				require.NotContains(t, string(text), `"kill"`)
			}
		})
	}
}

// A title follows its show to the recorder that takes it over.
func TestTitleMovesFromRecorderToRecorder(t *testing.T) {
	dirs := map[string]string{"eu/recorder-1": t.TempDir(), "eu/recorder-2": t.TempDir()}
	var recorders []fleet.Recorder
	stops := make(map[string]func())
	for name, dir := range dirs {
		rec, stop := serveRecorder(t, name, dir)
		recorders, stops[name] = append(recorders, rec), stop
	}
	redis := miniredis.RunT(t)
	r := newRealRig(t, redis.Addr(), func(c *balancer.Config) { c.Recorders = recorders })
	first := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, first.code, first.body)
	require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&charset=UTF-8&song=%C3%84rtist%20-%20S%26ng", "anna", "secret")).code)
	owner := redis.HGet("deadair:{/show}", "recorder")
	stops[owner]()
	require.Error(t, first.gone())
	second := r.ask(source("/show", "anna", "secret"))
	require.Equal(t, 200, second.code, second.body)
	delete(dirs, owner)
	for _, heir := range dirs {
		require.Len(t, sessions(t, heir), 1)
		text, err := os.ReadFile(filepath.Join(heir, sessions(t, heir)[0], "manifest.jsonl"))
		require.NoError(t, err)
		require.Contains(t, strings.ReplaceAll(string(text), `\u0026`, "&"), "Ärtist - S&ng")
	}
}
