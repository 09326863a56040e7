package session

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSlots(t *testing.T) {
	for key, slot := range map[string]int{ // as the cluster specification and redis-server have them
		"123456789":          0x31C3,
		"deadair:{/show}":    slotOf("/show"),
		"x{/show}y{/other}":  slotOf("/show"),
		"{}{/show}":          slotOf("{}{/show}"),
		"{/show":             slotOf("{/show"),
		"foo{{bar}}zap":      slotOf("{bar"),
		"{user1000}.follows": 3443,
	} {
		require.Equal(t, slot, slotOf(key), key)
	}
}

func TestEveryMasterHasAName(t *testing.T) {
	spans := []span{{0, 5460, "a"}, {5461, 10922, "b"}, {10923, 16382, "c"}, {16383, 16383, "d"}}
	tab := newTable(spans, "deadair:")
	require.Equal(t, []string{"a", "b", "c", "d"}, tab.masters)
	seen := map[string]bool{}
	for _, name := range tab.names {
		seen[tab.owners[slotOf(keyOf("deadair:", name))]] = true
	}
	require.Len(t, seen, 4)
	require.Len(t, tab.names, 4)
}

func TestClusterConfig(t *testing.T) {
	dial := new(net.Dialer).DialContext
	for want, cfg := range map[string]RedisConfig{
		"or servers of a cluster":         {Addr: "10.0.0.1:6379", Cluster: []string{"10.0.0.2:6379"}},
		"a cluster has only database 0":   {Cluster: []string{"10.0.0.2:6379"}, DB: 1},
		"set the address of Redis, as ip": {},
	} {
		_, err := NewRedis(cfg, dial)
		require.ErrorContains(t, err, want)
	}
	_, err := NewRedis(RedisConfig{Cluster: []string{"10.0.0.2:6379"}}, nil)
	require.ErrorContains(t, err, "no dialer")
}

// said is an error of Redis' own.
type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

func TestRedirects(t *testing.T) {
	for err, want := range map[error]redirect{
		said("MOVED 3999 10.0.0.2:6381"):                   {at: "10.0.0.2:6381"},
		said("ASK 3999 10.0.0.2:6381"):                     {at: "10.0.0.2:6381", once: true},
		said("MOVED 3999 :6381"):                           {at: "10.0.0.1:6381"},
		fmt.Errorf("eval: %w", said("MOVED 1 10.0.0.2:1")): {at: "10.0.0.2:1"},
		said("CLUSTERDOWN The cluster is down"):            {},
		said("MOVED"):                                      {},
		said("MOVEDX 3999 10.0.0.2:6381"):                  {},
		errors.New("MOVED 3999 10.0.0.2:6381"):             {},
		said("ERR MOVED 3999 10.0.0.2:6381 and so"):        {},
	} {
		got, ok := redirected("10.0.0.1:6379", err)
		require.Equal(t, want, got, err)
		require.Equal(t, want.at != "", ok, err)
	}
	_, ok := redirected("10.0.0.1:6379", nil)
	require.False(t, ok)
}
