package proc

import (
	"strings"
	"testing"

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
