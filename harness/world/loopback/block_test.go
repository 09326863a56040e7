package loopback

import (
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program that listens on a port of all addresses has it on those of a run, too.
func TestAPortThatIsTakenEverywhere(t *testing.T) {
	everywhere, err := net.Listen("tcp4", "0.0.0.0:0")
	require.NoError(t, err)
	defer everywhere.Close()
	port := everywhere.Addr().(*net.TCPAddr).Port

	b, err := claimBlock(false)
	require.NoError(t, err)
	defer b.close()
	if b.mapped {
		t.Skip("this system has no addresses of its own for links")
	}
	at, err := b.link(port)
	require.NoError(t, err)
	require.NotEqual(t, port, int(at.Port()))
	ln, err := net.Listen("tcp4", at.String())
	require.NoError(t, err, "it is free")
	require.NoError(t, ln.Close())

	_, err = claimFirst(3, func(run int) string { return fmt.Sprintf("127.%d.255.254:%d", run, port) })
	require.ErrorIs(t, err, errFull)
	require.ErrorContains(t, err, fmt.Sprintf("127.3.255.254:%d: bind: address already in use", port))
}
