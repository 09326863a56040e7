package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
)

// binFlag is the flag that names servers of somebody else's, again and again.
func (c *choice) binFlag(fs *flag.FlagSet) {
	fs.Func("bin", "play once more with somebody else's server, beside ours: `balancer=FILE` or recorder=FILE, an adapter such as adapters/haproxy.yaml; may be repeated", func(value string) error {
		a, err := readAdapter(value)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.foreign, func(b scenario.Adapter) bool { return b.Kind == a.Kind }) {
			return fmt.Errorf("%s is given twice", a.Kind)
		}
		c.foreign = append(c.foreign, a)
		return nil
	})
}

// readAdapter reads KIND=FILE, and makes sure that its program is installed.
func readAdapter(value string) (scenario.Adapter, error) {
	kind, file, ok := strings.Cut(value, "=")
	if !ok {
		return scenario.Adapter{}, errors.New("write balancer=FILE or recorder=FILE")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return scenario.Adapter{}, fmt.Errorf("read adapter: %w", err)
	}
	a, err := scenario.ParseAdapter(kind, file, text)
	if err != nil {
		return a, err
	}
	if err := stack.CheckAdapter(a); err != nil {
		return a, err
	}
	if _, err := exec.LookPath(a.Command[0]); err != nil {
		return a, fmt.Errorf("%s: %s is not installed here: install it", file, a.Command[0])
	}
	return a, nil
}

// withForeign is a plan of ours with servers of somebody else's, if any were named and
// the plan can be played so. One that cannot is left out.
func (c choice) withForeign(s source, ours *scenario.Plan) ([]suite.Job, error) {
	if len(c.foreign) == 0 {
		return nil, nil
	}
	p, err := s.expand(ours.Variant, ours.World, c.seed, c.speed)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.UseRedis(ours.Redis), p.UseForeign(c.foreign)); err != nil {
		c.leftOut(err)
		return nil, nil
	}
	return []suite.Job{{Plan: p, Source: s.data}}, nil
}
