//go:build linux

package realclient_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/fleet"
	"deadair/balancer/recorder"
	"deadair/balancer/session"
	"deadair/fakes/objectstore"
	"deadair/fakes/redis"
)

func balancerName(i int) string { return fmt.Sprintf("balancer-%d", i+1) }
func recorderName(i int) string { return fmt.Sprintf("recorder-%d", i+1) }

func recorderConfig(i int) recorder.Config {
	return recorder.Config{
		Name: recorderName(i), Datacenter: datacenter,
		Listen: fmt.Sprintf("127.0.0.%d:8000", 21+i), Admin: fmt.Sprintf("127.0.0.%d:8001", 21+i),
	}
}

// recorderConfig is what ships, with a store, and a window that a test can wait for.
func (w *world) recorderConfig(i int) recorder.Config {
	c := recorderConfig(i)
	c.Window = w.window
	c.Store, c.StoreBucket, c.StoreKey, c.StoreSecret = "http://"+storeAddr+objectstore.Addr, "tracks", "deadair", "secret"
	for n := range recorders {
		if n != i {
			c.Peers = append(c.Peers, recorder.Peer{Name: recorderName(n), Admin: recorderConfig(n).Admin})
		}
	}
	return c
}

// balancerConfig is what ships, but for addresses and how soon a recorder that is free
// again is known to be.
func (w *world) balancerConfig(i int) balancer.Config {
	c := balancer.Config{
		Name: balancerName(i), Datacenter: datacenter, Redis: redisAddr + redis.Addr, Recorders: fleetOf(),
		Listen: net.JoinHostPort(balancerAddrs()[i], strconv.Itoa(ingestPort)), Admin: operators(i),
		Accounts:     map[string]string{"anna": password, "source": password},
		RecorderPoll: 500 * time.Millisecond,
		// A slow machine is no index that is away.
		ClaimDeadline: 2 * time.Second, AskDeadline: 2 * time.Second, DialDeadline: 3 * time.Second, ProbeDeadline: 6 * time.Second, HoldPut: 10 * time.Second,
		TLS: balancer.TLSConfig{Certificate: filepath.Join(w.bin, "chain.pem"), Key: filepath.Join(w.bin, "key.pem")},
	}
	for n, addr := range balancerAddrs() {
		if n != i {
			c.Peers = append(c.Peers, fleet.Peer{Name: balancerName(n), Datacenter: datacenter, Addr: net.JoinHostPort(addr, strconv.Itoa(ingestPort)), Admin: operators(n)})
		}
	}
	return c
}

// operators is a balancer's admin address. The port above the ingest's is SHOUTcast's.
func operators(i int) string { return fmt.Sprintf("127.0.0.%d:8001", 11+i) }

func fleetOf() (all []fleet.Recorder) {
	for i := range recorders {
		r := recorderConfig(i)
		all = append(all, fleet.Recorder{Name: r.Name, Datacenter: datacenter, Addr: r.Listen, Admin: r.Admin})
	}
	return all
}

// start starts a server as it ships.
func (w *world) start(kind, name string, config any) {
	data, err := json.Marshal(config)
	require.NoError(w.t, err)
	file := filepath.Join(w.dir, name+".yaml")
	require.NoError(w.t, os.WriteFile(file, data, 0o644))
	argv := []string{filepath.Join(w.bin, kind), "-config", file}
	if kind == "recorder" {
		argv = append(argv, "-dir", filepath.Join(w.dir, "disks", name))
	}
	w.nodes[name] = launch(w.t, filepath.Join(w.dir, name+".log"), w.servers.command(argv...))
}

// listening waits until a server takes connections.
func (w *world) listening(addr string) {
	dial := w.servers.env("probe", w.dir).DialContext
	await(w.t, startLimit, "nobody listens on "+addr, func() bool {
		c, err := dial(w.t.Context(), "tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends a server as a crash does.
func (w *world) kill(name string) {
	w.nodes[name].signal(syscall.SIGKILL)
	<-w.nodes[name].ended
}

// restart starts a recorder again that was killed.
func (w *world) restart(name string) {
	i := recorderIndex(name)
	w.start("recorder", name, w.recorderConfig(i))
	w.listening(recorderConfig(i).Listen)
}

func recorderIndex(name string) int {
	return slices.IndexFunc(fleetOf(), func(r fleet.Recorder) bool { return r.Name == name })
}

// stop ends all servers in good order, so that their disks can be read.
func (w *world) stop() {
	for _, n := range w.nodes {
		n.signal(syscall.SIGINT)
	}
	for name, n := range w.nodes {
		await(w.t, noticeLimit, name+" does not end", func() bool {
			select {
			case <-n.ended:
				return true
			default:
				return false
			}
		})
	}
}

// hashed is the recorder that a new show goes to when all are free.
func (w *world) hashed(mount string) string {
	var view []fleet.Status
	for _, r := range fleetOf() {
		view = append(view, fleet.Status{Recorder: r, State: fleet.Up, Capacity: 20})
	}
	return fleet.Choose(view, []string{datacenter}, mount)[0].Name
}

// drain has a recorder take no new shows, or take them again, and waits until all
// balancers know.
func (w *world) drain(name string, on bool) {
	path, state := "/undrain", fleet.Up
	if on {
		path, state = "/drain", fleet.Draining
	}
	for _, r := range fleetOf() {
		if r.Name == name {
			_, status := w.ask(w.servers, http.MethodPost, url.URL{Scheme: "http", Host: r.Admin, Path: path})
			require.Equal(w.t, http.StatusOK, status)
		}
	}
	for i := range balancers {
		await(w.t, noticeLimit, fmt.Sprintf("%s does not know that %s is %s", balancerName(i), name, state), func() bool {
			body, _ := w.ask(w.servers, http.MethodGet, url.URL{Scheme: "http", Host: operators(i), Path: "/recorders"})
			var view []struct{ Name, State string }
			err := json.Unmarshal(body, &view)
			return err == nil && slices.Contains(view, struct{ Name, State string }{name, state.String()})
		})
	}
}

// indexed waits until the index knows where a show is: on a busy machine it may not have
// answered in time when the show began.
func (w *world) indexed(mount, recorder string) {
	index, err := session.NewRedis(session.RedisConfig{Addr: redisAddr + redis.Addr, Deadline: noticeLimit}, w.servers.env("looking", w.dir).DialContext)
	require.NoError(w.t, err)
	defer index.Close()
	await(w.t, startLimit, "the index does not know the show", func() bool {
		s, err := index.Lookup(w.t.Context(), mount)
		return err == nil && s.Recorder == recorder
	})
}

// update does for a client that announces no titles what a station's automation does,
// by another balancer than the show's own.
func (w *world) update(source conn, s show) {
	to := balancerAddrs()[0]
	if to == source.to.String() {
		to = balancerAddrs()[1]
	}
	_, status := w.ask(w.client, http.MethodGet, url.URL{
		Scheme: "http", User: url.UserPassword(s.account, password), Host: net.JoinHostPort(to, strconv.Itoa(ingestPort)),
		Path: "/admin/metadata", RawQuery: url.Values{"mode": {"updinfo"}, "mount": {s.mount}, "song": {"Ann - By hand"}}.Encode(),
	})
	require.Equal(w.t, http.StatusOK, status)
}

// ask makes one HTTP request from inside a namespace.
func (w *world) ask(from space, method string, target url.URL) (body []byte, status int) {
	ctx := w.t.Context()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	require.NoError(w.t, err)
	client := http.Client{Transport: &http.Transport{DialContext: from.env("asking", w.dir).DialContext, DisableKeepAlives: true}, Timeout: noticeLimit}
	reply, err := client.Do(request)
	require.NoError(w.t, err)
	defer reply.Body.Close()
	body, err = io.ReadAll(reply.Body)
	require.NoError(w.t, err)
	return body, reply.StatusCode
}
