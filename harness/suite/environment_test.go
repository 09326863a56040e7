package suite

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentTellsWhatTheSystemTells(t *testing.T) {
	e := Environment()
	require.Equal(t, runtime.Version(), e.Go)
	require.Positive(t, e.CPUs)
	require.GreaterOrEqual(t, e.LoadBefore, 0.0)
	if runtime.GOOS == "linux" {
		require.NotEmpty(t, e.Kernel)
		require.NotEmpty(t, e.CPU)
	}
	require.Empty(t, firstLine("/no/such/file"))
}
