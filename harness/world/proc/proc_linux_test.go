package proc

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzParseStat(f *testing.F) {
	f.Add("42 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0")
	f.Add("42 (x")
	f.Add("")
	f.Fuzz(func(t *testing.T, stat string) {
		state, ticks, ok := parseStat([]byte(stat))
		if ok {
			require.Contains(t, stat, state)
			require.Contains(t, stat, ticks)
			require.Empty(t, strings.Fields(state)[1:])
		}
	})
}

func TestParseStat(t *testing.T) {
	state, ticks, ok := parseStat([]byte("42 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0"))
	require.True(t, ok)
	require.Equal(t, "S 777", state+" "+ticks)
}

// sockets is such a table: something that listens at 127.0.2.9:8000, a connection of it, and
// something that listens at port 8001 of all addresses.
const sockets = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0902007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0902007F:1F42 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   2: 00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0
`

func TestListens(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the table is one of a machine with the low byte first")
	}
	for at, want := range map[string]bool{
		"127.0.2.9:8000": true, "127.0.2.9:8001": true, "127.0.2.9:8002": false, "127.0.2.8:8000": false, "127.0.2.9:8003": false,
	} {
		require.Equal(t, want, listens([]byte(sockets), netip.MustParseAddrPort(at)), at)
	}
}

// TestSettled has a shell wait, and be busy, while somebody listens.
func TestSettled(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	at := netip.MustParseAddrPort(ln.Addr().String())
	nobody := netip.AddrPortFrom(netip.MustParseAddr("127.77.7.7"), at.Port())
	shell := exec.Command("sh", "-c", "read go; while :; do :; done")
	in, err := shell.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, shell.Start())
	t.Cleanup(func() {
		shell.Process.Kill()
		shell.Wait()
	})
	require.Eventually(t, func() bool { return Settled(shell.Process.Pid, at) }, 30*time.Second, time.Millisecond)
	require.False(t, Settled(shell.Process.Pid, nobody))
	_, err = in.Write([]byte("go\n"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !Settled(shell.Process.Pid, at) }, 30*time.Second, time.Millisecond)

	require.NoError(t, shell.Process.Kill())
	shell.Wait()
	require.False(t, Settled(shell.Process.Pid, at), "it has ended")
}

func FuzzParseSchedstat(f *testing.F) {
	f.Add("649588 12 1\n")
	f.Add("1 -2 3")
	f.Add("")
	f.Fuzz(func(t *testing.T, stat string) {
		waited, ok := parseSchedstat([]byte(stat))
		require.False(t, ok && waited < 0)
	})
}

func TestParseSchedstat(t *testing.T) {
	for stat, want := range map[string]time.Duration{"649588 12 1\n": 12, "0 0 0\n": 0, "": -1, "1 2": -1, "1 -2 3": -1, "1 x 3": -1, "1 2 3 4": -1} {
		waited, ok := parseSchedstat([]byte(stat))
		require.Equal(t, want >= 0, ok, stat)
		if ok {
			require.Equal(t, want, waited, stat)
		}
	}
}

// TestWaited has more shells busy than there are processors.
func TestWaited(t *testing.T) {
	var first *exec.Cmd
	for range 2 * runtime.NumCPU() {
		shell := exec.Command("sh", "-c", "while :; do :; done")
		require.NoError(t, shell.Start())
		t.Cleanup(func() {
			shell.Process.Kill()
			shell.Wait()
		})
		first = shell
	}
	waited := func() time.Duration {
		threads, err := Waited(first.Process.Pid)
		require.NoError(t, err)
		require.Len(t, threads, 1)
		return threads[strconv.Itoa(first.Process.Pid)]
	}
	require.Eventually(t, func() bool { return waited() > 0 }, 30*time.Second, time.Millisecond)

	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	require.Eventually(t, func() bool { return Paused(first.Process.Pid) }, 30*time.Second, time.Millisecond)
	still := waited()
	begun := time.Now()
	require.Eventually(t, func() bool { return time.Since(begun) > 20*time.Millisecond }, 30*time.Second, time.Millisecond)
	require.Equal(t, still, waited(), "who stands still does not wait")

	require.NoError(t, first.Process.Kill())
	first.Wait()
	_, err := Waited(first.Process.Pid)
	require.Error(t, err, "it has ended")
}
