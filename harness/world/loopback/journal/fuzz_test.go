package journal

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a journal holds, what it names can be told from other processes.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"harness":{"pid":1,"began":"b/2"},"dir":"/d"}` + "\n" + `{"node":"a","process":{"pid":3,"began":"b/4"}}` + "\n"))
	f.Add([]byte(`{"node":"a","proc`))
	f.Add([]byte("null\n[]\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(entries), bytes.Count(text, []byte("\n"))+1)
		more, err := parse(bytes.NewReader(append(bytes.TrimRight(text, "\n"), "\n{\"node\":"...)))
		require.NoError(t, err)
		require.Equal(t, entries, more, "a torn line changes nothing")
	})
}
