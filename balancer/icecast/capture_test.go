package icecast

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestCapturedHeads reads what real encoders sent, in any number of pieces, and
// pins what is understood and what is answered.
func TestCapturedHeads(t *testing.T) {
	files, err := filepath.Glob("testdata/heads/*.head")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".head"), func(t *testing.T) {
			raw := readFile(t, file)
			h, err := ReadHead(bytes.NewReader(raw))
			require.NoError(t, err)
			require.Nil(t, h.Rest)
			slow, err := ReadHead(iotest.OneByteReader(bytes.NewReader(raw)))
			require.NoError(t, err)
			require.Equal(t, h, slow)

			golden := strings.TrimSuffix(file, ".head") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(describe(t, h)), 0o644))
			}
			require.Equal(t, string(readFile(t, golden)), describe(t, h))
		})
	}
}

// describe puts what a head means, and the answers it gets, into words.
func describe(t *testing.T, h *Head) string {
	var b strings.Builder
	user, password, ok := h.Credentials()
	mount, err := h.Mount()
	fmt.Fprintf(&b, "%s %s %s\n", h.Method, h.Target, h.Proto)
	for _, f := range h.Header {
		fmt.Fprintf(&b, "%q: %q\n", f.Name, f.Value)
	}
	fmt.Fprintf(&b, "form %v, expects 100 %v, chunked %v\n", h.Form(), h.Expects100(), h.Chunked())
	fmt.Fprintf(&b, "mount %q, error %v\n", mount, err)
	fmt.Fprintf(&b, "user %q, password %q, ok %v\n", user, password, ok)
	fmt.Fprintf(&b, "content type %q\nquery %v\n", h.ContentType(), h.Query())
	var answer bytes.Buffer
	require.NoError(t, Accept(&answer, h))
	fmt.Fprintf(&b, "accept %q\n", answer.String())
	for _, r := range []Refusal{Unauthorized(), TooManySources(), UnknownRequest()} {
		answer.Reset()
		require.NoError(t, Refuse(&answer, h, r))
		fmt.Fprintf(&b, "%s %q\n", r.Reason, answer.String())
	}
	return b.String()
}

// TestIcecastAnswers compares with what a real Icecast 2.4.4 answered: every byte
// when accepted; first line and body when refused.
func TestIcecastAnswers(t *testing.T) {
	accepted := []string{"put-expect", "put-noexpect", "put-chunked", "put-11-chunked-expect", "source", "source-icy10"}
	for _, name := range accepted {
		t.Run(name, func(t *testing.T) {
			var answer bytes.Buffer
			require.NoError(t, Accept(&answer, sentTo(t, name)))
			require.Equal(t, string(readFile(t, "testdata/icecast/"+name+".received")), answer.String())
		})
	}
	refused := map[string]Refusal{
		"source-noauth": Unauthorized(), "source-noauth-cl0": Unauthorized(), "put-noauth": Unauthorized(),
		"mount-in-use-put": MountInUse(), "mount-in-use-source": MountInUse(),
		"over-sources-put": TooManySources(),
	}
	for name, refusal := range refused {
		t.Run(name, func(t *testing.T) {
			var answer bytes.Buffer
			require.NoError(t, Refuse(&answer, sentTo(t, name), refusal))
			theirs, err := ReadReply(bytes.NewReader(readFile(t, "testdata/icecast/"+name+".received")))
			require.NoError(t, err)
			ours, err := ReadReply(&answer)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(theirs.Proto, theirs.Status, theirs.Reason), fmt.Sprint(ours.Proto, ours.Status, ours.Reason))
			require.Equal(t, string(theirs.Rest), string(ours.Rest))
			require.Equal(t, theirs.Header.Get("WWW-Authenticate"), ours.Header.Get("WWW-Authenticate"))
			require.Equal(t, fmt.Sprint(len(ours.Rest)), ours.Header.Get("Content-Length"))
		})
	}
}

func sentTo(t *testing.T, name string) *Head {
	h, err := ReadHead(bytes.NewReader(readFile(t, "testdata/icecast/"+name+".sent")))
	require.NoError(t, err)
	return h
}

func readFile(t *testing.T, name string) []byte {
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	return raw
}
