package inside

import (
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGuardPassesOn: who connects to an exposed port is at the stage, whether the node's process runs or not.
func TestGuardPassesOn(t *testing.T) {
	stage, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer stage.Close()
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	tell, in, silence := pipe(t)
	defer silence()
	out, hear, _ := pipe(t)
	g := &guard{out: out}
	go g.obey(in)
	answer := func() (m Message) {
		t.Helper()
		tell.say(Message{Do: Expose, Port: port, At: stage.Addr().(*net.TCPAddr).AddrPort()})
		require.NoError(t, hear.Decode(&m))
		return m
	}
	require.Contains(t, answer().Text, "address already in use")
	require.NoError(t, free.Close())
	require.Equal(t, Message{Do: Wired}, answer())

	outside, err := net.Dial("tcp4", free.Addr().String())
	require.NoError(t, err)
	defer outside.Close()
	inside, err := stage.Accept()
	require.NoError(t, err)
	require.NoError(t, inside.SetDeadline(time.Now().Add(patience)))
	_, err = outside.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, outside.(*net.TCPConn).CloseWrite())
	said, err := io.ReadAll(inside)
	require.NoError(t, err, "an end is an end there too")
	require.Equal(t, "hello", string(said))
	require.NoError(t, inside.Close())
	_, err = io.ReadAll(outside)
	require.NoError(t, err)
}

// TestStageIsOfferedAtANodesAddress: an exposed node is reached at the address that DNS answers,
// by the link of who stands outside; what has no container is not.
func TestStageIsOfferedAtANodesAddress(t *testing.T) {
	tell, in, _ := pipe(t)
	out, hear, _ := pipe(t)
	node, gate := netip.MustParseAddr("127.78.1.10"), netip.MustParseAddr("127.78.1.2")
	tell.say(Opened(Opening{Plan: json.RawMessage(`{}`), Hosts: []Host{
		{Name: "you"}, {Name: "us-east/a", In: "us-east", Addr: node, Gate: gate}, {Name: "us-east/b", In: "us-east", Addr: node.Next(), Gate: gate},
	}}))
	s, err := enter(in, out, func(error) {})
	require.NoError(t, err)
	w, err := Open(Config{Stage: s})
	require.NoError(t, err)
	defer w.Close()

	_, err = w.Expose(t.Context(), "us-east/a", "you", 8000)
	require.EqualError(t, err, "expose you: it has no container")
	refused := make(chan error, 1)
	go func() { _, err := w.Expose(t.Context(), "you", "us-east/a", 8000); refused <- err }()
	var m Message
	require.NoError(t, hear.Decode(&m))
	require.Equal(t, Expose, m.Do)
	require.Equal(t, gate, m.At.Addr())
	tell.say(Message{Do: Wired, Node: "us-east/a", Text: "in use"})
	require.EqualError(t, <-refused, "expose us-east/a at port 8000: in use")

	at := make(chan netip.AddrPort, 1)
	go func() { a, _ := w.Expose(t.Context(), "you", "us-east/b", 8000); at <- a }()
	var second Message
	require.NoError(t, hear.Decode(&second))
	require.NotEqual(t, m.At, second.At)
	tell.say(Message{Do: Wired, Node: "us-east/b"})
	require.Equal(t, netip.AddrPortFrom(node.Next(), 8000), <-at)

	doors, err := w.Doors(t.Context(), "you", "dns", 53)
	require.NoError(t, err)
	require.Len(t, doors, 1, "one network")
	require.Equal(t, "us-east", doors[0].In)

	tell.say(Typed("heal"))
	require.Equal(t, "heal", <-s.Typed)
}
