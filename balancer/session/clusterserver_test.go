package session_test

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
	"deadair/balancer/session/sessiontest"
)

// cluster is three real masters of a third of the slots each, and a replica of the first.
type cluster struct {
	servers []*exec.Cmd
	at      []string
}

const replicaOfFirst = 3

// How long a server of a cluster may be silent. The patient do not take one on a busy
// machine for dead.
const (
	patient   = "20000" // ms
	impatient = "2000"
)

// newCluster starts them and waits until all agree.
func newCluster(t *testing.T, silence string) *cluster {
	t.Helper()
	exe, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	c := &cluster{}
	for range replicaOfFirst + 1 {
		server, at := begun(t, clusterPort, exe, func(port string) []string {
			return []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes",
				"--cluster-node-timeout", silence, "--repl-diskless-sync-delay", "0"}
		})
		c.servers, c.at = append(c.servers, server), append(c.at, at)
	}
	for i, slots := range [][2]string{{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}} {
		c.tell(t, i, "CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1])
	}
	for i := range c.at {
		c.tell(t, i, "CLUSTER", "MEET", "127.0.0.1", portOf(c.at[0]))
	}
	c.all(t, func(info string) bool {
		return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:4")
	})
	first := c.id(t, 0)
	require.Eventually(t, func() bool { // it must know the first as a master
		return c.ask(t, replicaOfFirst, "CLUSTER", "REPLICATE", first) == nil
	}, 30*time.Second, 50*time.Millisecond)
	until(t, c.at[0], "state=online")
	return c
}

// clusterPort is a port that nobody has, like the one above it that servers of a cluster talk on.
func clusterPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port, err := strconv.Atoi(freePort(t))
		require.NoError(t, err)
		if port+10_000 > 65535 {
			port -= 20_000
		}
		taken := false
		for _, p := range []int{port, port + 10_000} {
			l, err := net.Listen("tcp", onHost(strconv.Itoa(p)))
			if taken = taken || err != nil; err == nil {
				require.NoError(t, l.Close())
			}
		}
		if !taken {
			return strconv.Itoa(port)
		}
	}
	require.FailNow(t, "no pair of ports is free")
	return ""
}

// ask tells a server something.
func (c *cluster) ask(t *testing.T, i int, words ...any) error {
	t.Helper()
	client := clientAt(c.at[i])
	defer client.Close()
	return client.Do(t.Context(), words...).Err()
}

func (c *cluster) tell(t *testing.T, i int, words ...any) {
	t.Helper()
	require.NoError(t, c.ask(t, i, words...), "%v", words)
}

func (c *cluster) id(t *testing.T, i int) string {
	t.Helper()
	client := clientAt(c.at[i])
	defer client.Close()
	id, err := client.ClusterMyID(t.Context()).Result()
	require.NoError(t, err)
	return id
}

// all waits until CLUSTER INFO of all servers that run is as wished.
func (c *cluster) all(t *testing.T, wished func(info string) bool) {
	t.Helper()
	for i, at := range c.at {
		if c.servers[i] == nil {
			continue
		}
		client := clientAt(at)
		defer client.Close()
		require.Eventually(t, func() bool {
			info, err := client.ClusterInfo(t.Context()).Result()
			return err == nil && wished(info)
		}, 30*time.Second, 20*time.Millisecond, "server %d", i)
	}
}

// kill ends a server.
func (c *cluster) kill(t *testing.T, i int) {
	t.Helper()
	require.NoError(t, c.servers[i].Process.Kill())
	require.Error(t, c.servers[i].Wait())
	c.servers[i] = nil
}

// store is an index that knows the second server, and the last.
func (c *cluster) store(t *testing.T, deadline time.Duration) *session.Redis {
	t.Helper()
	s, err := session.NewRedis(session.RedisConfig{Cluster: []string{c.at[1], c.at[replicaOfFirst]}, Deadline: deadline}, new(net.Dialer).DialContext)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// mountOf is a mount whose slot is the server's.
func (c *cluster) mountOf(t *testing.T, i int) (mount string, slot int) {
	t.Helper()
	client := clientAt(c.at[i])
	defer client.Close()
	for n := range 1000 {
		mount = "/show-" + strconv.Itoa(n)
		got, err := client.ClusterKeySlot(t.Context(), "deadair:{"+mount+"}").Result()
		require.NoError(t, err)
		if int(got)/5461 == i {
			return mount, int(got)
		}
	}
	require.FailNow(t, "no such mount")
	return "", 0
}

// claimWithin claims a mount, within the budget of a claim.
func claimWithin(t *testing.T, store *session.Redis, mount string, deadline time.Duration) (session.Session, error) {
	t.Helper()
	const busy = time.Second // what a busy machine adds
	c := mine
	c.Mount = mount
	began := time.Now()
	s, err := store.Claim(t.Context(), c)
	require.Less(t, time.Since(began), deadline+busy)
	return s, err
}

// TestCluster holds the index to what every index does, on all masters of a real cluster.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, patient)
	sessiontest.Run(t, func(t *testing.T) session.Store { return c.store(t, 10*time.Second) })
	store := c.store(t, 2*time.Second)
	for i := range replicaOfFirst {
		mount, _ := c.mountOf(t, i)
		claimed, err := claimWithin(t, store, mount, 2*time.Second)
		require.NoError(t, err)
		require.NoError(t, store.Settle(t.Context(), mount, claimed.Epoch, "eu-west/recorder-1"))
		direct := clientAt(c.at[i])
		defer direct.Close()
		require.Equal(t, "eu-west/recorder-1", direct.HGet(t.Context(), "deadair:{"+mount+"}", "recorder").Val(), "on its own master")
	}
	require.NoError(t, store.Probe(t.Context()), "who has learned the masters")
	for i := range replicaOfFirst {
		direct := clientAt(c.at[i])
		defer direct.Close()
		found, err := direct.Keys(t.Context(), "deadair:{probe*}").Result()
		require.NoError(t, err)
		require.NotEmpty(t, found, "each master is probed with a write")
	}
}

// TestClusterSlotMoves: a mount's slot moves to another master while its show goes on. No call
// fails, and the session is the same at each step.
func TestClusterSlotMoves(t *testing.T) {
	t.Parallel()
	const deadline = 2 * time.Second
	c := newCluster(t, patient)
	store := c.store(t, deadline)
	mount, slot := c.mountOf(t, 0)
	other := c.mountIn(t, slot, mount)
	first, err := claimWithin(t, store, mount, deadline)
	require.NoError(t, err)
	epoch := first.Epoch
	goesOn := func(step string) {
		t.Helper()
		require.NoError(t, store.Renew(t.Context(), mount, epoch, mine.Window), step)
		again, err := claimWithin(t, store, mount, deadline)
		require.NoError(t, err, step)
		require.Equal(t, first.ID, again.ID, step)
		require.Equal(t, epoch+1, again.Epoch, step)
		epoch = again.Epoch
	}
	goesOn("at first")
	c.tell(t, 2, "CLUSTER", "SETSLOT", slot, "IMPORTING", c.id(t, 0))
	c.tell(t, 0, "CLUSTER", "SETSLOT", slot, "MIGRATING", c.id(t, 2))
	goesOn("the slot begins to move")
	born, err := claimWithin(t, store, other, deadline) // there is no such key: it is asked for where the slot goes
	require.NoError(t, err)
	c.tell(t, 0, "MIGRATE", "127.0.0.1", portOf(c.at[2]), "deadair:{"+mount+"}", 0, 5000)
	goesOn("the key has moved")
	for _, i := range []int{2, 0, 1} {
		c.tell(t, i, "CLUSTER", "SETSLOT", slot, "NODE", c.id(t, 2))
	}
	goesOn("the slot has moved")
	goesOn("and is known to have")
	seen, err := store.Lookup(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, born.ID, seen.ID)
}

// mountIn is another mount in a slot.
func (c *cluster) mountIn(t *testing.T, slot int, but string) string {
	t.Helper()
	client := clientAt(c.at[0])
	defer client.Close()
	for first := 0; first < 200_000; first += 1000 {
		var asked []*goredis.IntCmd
		_, err := client.Pipelined(t.Context(), func(p goredis.Pipeliner) error {
			for n := first; n < first+1000; n++ {
				asked = append(asked, p.ClusterKeySlot(context.Background(), "/other-"+strconv.Itoa(n)))
			}
			return nil
		})
		require.NoError(t, err)
		for n, a := range asked {
			if mount := "/other-" + strconv.Itoa(first+n); int(a.Val()) == slot && mount != but {
				return mount
			}
		}
	}
	require.FailNow(t, "no such mount")
	return ""
}

// TestClusterMasterDies: until its replica has its slots the claims there fail, each within its
// budget, and the others do not; then its sessions live on.
func TestClusterMasterDies(t *testing.T) {
	t.Parallel()
	const deadline = time.Second
	c := newCluster(t, impatient)
	store := c.store(t, deadline)
	mount, _ := c.mountOf(t, 0)
	first, err := claimWithin(t, store, mount, deadline)
	require.NoError(t, err)
	master := clientAt(c.at[0])
	defer master.Close()
	require.Eventually(t, func() bool {
		n, err := master.Wait(t.Context(), 1, time.Second).Result()
		return err == nil && n == 1
	}, 30*time.Second, 50*time.Millisecond, "the replica has it")
	c.kill(t, 0)
	_, err = claimWithin(t, store, mount, deadline)
	require.ErrorIs(t, err, session.ErrUnavailable)
	require.ErrorIs(t, store.Probe(t.Context()), session.ErrUnavailable, "one master of three is one too few")
	var after session.Session
	require.Eventually(t, func() bool {
		after, err = claimWithin(t, store, mount, deadline)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, first.ID, after.ID, "the session lives on")
	require.Greater(t, after.Epoch, first.Epoch)
	require.Eventually(t, func() bool { return store.Probe(t.Context()) == nil }, 30*time.Second, 50*time.Millisecond, "the other masters know it, too")
}

// TestClusterDown: without a master for all slots a cluster takes nothing. Claims fail at once.
func TestClusterDown(t *testing.T) {
	t.Parallel()
	const deadline = 2 * time.Second
	c := newCluster(t, impatient)
	store := c.store(t, deadline)
	mount, _ := c.mountOf(t, 1)
	_, err := claimWithin(t, store, mount, deadline)
	require.NoError(t, err)
	c.kill(t, 2) // has no replica
	c.all(t, func(info string) bool { return strings.Contains(info, "cluster_state:fail") })
	began := time.Now()
	for range 8 {
		_, err = claimWithin(t, store, mount, deadline)
		require.ErrorIs(t, err, session.ErrUnavailable)
	}
	require.Less(t, time.Since(began), 4*deadline, "no claim waits for its deadline")
	_, err = claimWithin(t, store, mount, deadline)
	require.ErrorContains(t, err, "cluster is down")
}
