package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestByDefault: virtual time unless said otherwise, and containers what processes play.
func TestByDefault(t *testing.T) {
	f, err := Parse("x.yaml", []byte(`schema: 1
title: x
broadcasters: [{name: rome, from: Rome, persona: butt}]
variants:
  plain: {verdict: pass}
  real: {by-default: [virtual, loopback], verdict: pass}
  contained: {by-default: [virtual, docker], verdict: pass}
  processes: {worlds: [virtual, loopback], because: x, by-default: [virtual, loopback], verdict: pass}
  rare: {by-default: none, verdict: pass}
`))
	require.NoError(t, err)
	for variant, want := range map[string][]string{
		"plain": {"virtual"}, "real": {"virtual", "loopback", "docker"}, "contained": {"virtual", "docker"},
		"processes": {"virtual", "loopback"}, "rare": nil, "unknown": nil,
	} {
		var got []string
		for _, w := range Worlds() {
			if f.ByDefault(variant, w) {
				got = append(got, w)
			}
		}
		require.Equal(t, want, got, variant)
	}
}
