package check

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionNamesTheJudge(t *testing.T) {
	require.Regexp(t, `^[0-9a-f]{12}$`, Version())
	require.Equal(t, Version(), Version())
	r := newRun(t, expand(t, dropped, "today", "virtual"))
	require.Equal(t, Version(), Judge(r.plan, r.history()).Checker)
}
