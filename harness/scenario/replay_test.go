package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplayIsACommandForAShell(t *testing.T) {
	for want, p := range map[string]Plan{
		"deadair replay 2014-10-02 --variant today --world virtual --seed 7":                         {Scenario: "2014-10-02", Variant: "today", World: "virtual", Seed: 7, Speed: 1},
		"deadair replay my/x.yaml --variant today --world loopback --seed 1 --speed 10":              {Scenario: "x", File: "my/x.yaml", Variant: "today", World: "loopback", Seed: 1, Speed: 10},
		`deadair replay 'it'\''s a test.yaml' --variant 'a b' --world loopback --seed 1 --speed 2.5`: {Scenario: "it's a test", File: "it's a test.yaml", Variant: "a b", World: "loopback", Seed: 1, Speed: 2.5},
	} {
		require.Equal(t, want, p.Replay())
	}
}
