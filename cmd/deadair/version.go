package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"

	"deadair/harness/suite"
)

func version(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair version", flag.ContinueOnError)
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	e := suite.Environment()
	changed := map[bool]string{true: " (changed)"}[e.Changed]
	fmt.Fprintf(t.out, "deadair %s%s, %s %s\n", cmp.Or(e.Commit, "unknown"), changed, e.Go, e.System)
	return exitOK
}
