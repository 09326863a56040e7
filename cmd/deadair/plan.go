package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"deadair/harness/scenario"
)

func plan(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair plan", flag.ContinueOnError)
	world := fs.String("world", "loopback", "loopback or virtual")
	variant := fs.String("variant", "today", "the variant to show")
	seed := fs.Uint64("seed", 1, "decides every choice of a plan")
	speed := fs.Float64("speed", defaultSpeed, "incident seconds per second, in worlds of real time")
	names, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	if len(names) != 1 {
		return fail(t, exitUsage, errors.New("plan takes one scenario: deadair plan NAME|FILE"))
	}
	s, err := load(names[0])
	if err != nil {
		return refuse(t, err)
	}
	p, err := s.expand(*variant, *world, *seed, *speed)
	if err != nil {
		return refuse(t, err)
	}
	if err := scenario.Describe(t.out, p); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitOK
}

func validate(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair validate", flag.ContinueOnError)
	files, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	if len(files) == 0 {
		return fail(t, exitUsage, errors.New("validate takes files: deadair validate FILE…"))
	}
	code = exitOK
	for _, name := range files {
		if err := valid(name); err != nil {
			code = refuse(t, err)
			continue
		}
		fmt.Fprintf(t.out, "%s: valid\n", name)
	}
	return code
}

// valid parses a scenario and expands each of its variants.
func valid(name string) error {
	s, err := load(name)
	if err != nil {
		return err
	}
	for _, v := range s.file.VariantNames() {
		for _, w := range []string{"virtual", "loopback"} {
			if _, ok := s.file.RunsIn(v, w); !ok {
				continue
			}
			if _, err := s.expand(v, w, 1, defaultSpeed); err != nil {
				return err
			}
		}
	}
	return nil
}

func schema(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair schema", flag.ContinueOnError)
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	if _, err := t.out.Write(scenario.Schema()); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitOK
}
