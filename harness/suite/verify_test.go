package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/stack"
	"deadair/harness/world"
)

// keeping is a recorder that also keeps a list of names on its disk.
func keeping(list func() string) world.Serve {
	good := stack.Kinds()["recorder"]
	return func(ctx context.Context, e env.Env) error {
		f, err := e.Disk.OpenFile("names", os.O_CREATE|os.O_WRONLY)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Write([]byte(list())); err != nil {
			return err
		}
		return good(ctx, e)
	}
}

const names = 24

// orderOfAMap is another one in each process.
func orderOfAMap() string {
	all := map[string]bool{}
	for i := range names {
		all[fmt.Sprint("name-", i)] = true
	}
	var b strings.Builder
	for name := range all {
		fmt.Fprintln(&b, name)
	}
	return b.String()
}

// orderOfAList is the same always.
func orderOfAList() string {
	var b strings.Builder
	for i := range names {
		fmt.Fprintln(&b, "name-", i)
	}
	return b.String()
}

// TestVerifyCatchesAnUnorderedMap plants one that only a disk tells of.
func TestVerifyCatchesAnUnorderedMap(t *testing.T) {
	out := t.TempDir()
	outcomes, err := Run(t.Context(), Config{Out: out, Verify: true}, []Job{job(t, "unordered"), job(t, "ordered"), job(t, "today")})
	require.NoError(t, err)
	other := outcomes[0]
	require.ErrorIs(t, other.Err, ErrOther)
	require.ErrorContains(t, other.Err, "(see unordered.virtual.again): its event ")
	require.ErrorContains(t, other.Err, `"node":"eu-west/recorder-1"`)
	require.Equal(t, 2, strings.Count(other.Err.Error(), `"kind":"disk-hashed"`), "the disk's event is the first that differs: %v", other.Err)
	require.False(t, other.Verified)
	require.FileExists(t, filepath.Join(out, "small", "unordered.virtual.again", "history.jsonl"))
	for _, same := range outcomes[1:] {
		require.NoError(t, same.Err)
		require.True(t, same.Verified)
		require.NoDirExists(t, filepath.Join(out, same.Job.Dir()+".again"))
	}
}

// TestVerifyPlaysAgainOtherwise: what the environment decides is another run.
func TestVerifyPlaysAgainOtherwise(t *testing.T) {
	outcomes, err := Run(t.Context(), Config{Out: t.TempDir(), Verify: true}, []Job{job(t, "environment")})
	require.NoError(t, err)
	require.ErrorIs(t, outcomes[0].Err, ErrOther)
}

func TestLineOfWhatOnlyOneHas(t *testing.T) {
	require.Equal(t, "none: the run was over", lineOf(nil, 0))
}
