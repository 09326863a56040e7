package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"deadair/harness/world/loopback"
)

func cleanup(ctx context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair cleanup", flag.ContinueOnError)
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	did, err := loopback.Cleanup("")
	contained, failed := cleanContainers(ctx)
	did, err = append(did, contained...), errors.Join(err, failed)
	for _, line := range did {
		fmt.Fprintln(t.out, line)
	}
	if err != nil {
		return fail(t, exitHarness, err)
	}
	if len(did) == 0 {
		fmt.Fprintln(t.out, "nothing was left behind")
	}
	return exitOK
}
