package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGroupsThatTakeTheNameOfAHost: the world would refuse the second host of a name, and a
// step would not know which is meant.
func TestGroupsThatTakeTheNameOfAHost(t *testing.T) {
	const text = `schema: 1
title: A title
system: {redis-replica: eu-west, web: {}}
broadcasters: [{name: GROUP, from: Rome, count: 2, persona: butt}]
visitors: [{name: readers, from: Paris}]
`
	for group, host := range map[string]string{"checker": "checker-01", "checker-16": "checker-16", "redis-2": "redis-2", "sentinel-1": "sentinel-1"} {
		want := `group "` + group + `" takes the name of the host ` + host + `: call it something else`
		_, err := Parse("x.yaml", []byte(strings.Replace(text, "GROUP", group, 1)))
		require.ErrorContains(t, err, "x.yaml:4:23: "+want)
		visiting := strings.Replace(text, "readers", group, 1)
		_, err = Parse("x.yaml", []byte(strings.Replace(visiting, "GROUP", "rome", 1)))
		require.ErrorContains(t, err, "x.yaml:5:19: "+want)
	}
	for _, group := range []string{"rome", "sentinel", "web-1", "checker-17"} {
		_, err := Parse("x.yaml", []byte(strings.Replace(text, "GROUP", group, 1)))
		require.NoError(t, err, group)
	}
	_, err := Parse("x.yaml", []byte(strings.NewReplacer("GROUP", "redis-2", "redis-replica: eu-west, ", "").Replace(text)))
	require.NoError(t, err, "there is one Redis")
}
