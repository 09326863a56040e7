package history

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDifferNamesTheFirst(t *testing.T) {
	es := func(nodes ...string) (all []Event) {
		for i, n := range nodes {
			all = append(all, Event{At: time.Duration(i), Node: n, Kind: OnAir, Hosts: []string{n}})
		}
		return all
	}
	for name, c := range map[string]struct {
		a, b    []Event
		at      int
		differs bool
	}{
		"same":        {es("a", "b"), es("a", "b"), 2, false},
		"none":        {nil, nil, 0, false},
		"one":         {es("a", "b", "c"), es("a", "x", "y"), 1, true},
		"more":        {es("a", "b"), es("a", "b", "c"), 2, true},
		"less":        {es("a"), nil, 0, true},
		"deep within": {es("a"), []Event{{Node: "a", Kind: OnAir, Hosts: []string{"b"}}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			at, differs := Differ(c.a, c.b)
			require.Equal(t, c.differs, differs)
			require.Equal(t, c.at, at)
		})
	}
}

func TestLineIsThatOfTheFile(t *testing.T) {
	text, _ := write(t, full())
	require.Equal(t, strings.TrimSpace(text), Line(full()))
}
