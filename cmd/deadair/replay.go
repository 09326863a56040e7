package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"deadair/balancer/env"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
	"deadair/scenarios"
)

// choice is what a replay was asked to play.
type choice struct {
	names   []string
	worlds  []string
	variant string
	seed    uint64
	speed   float64
	redis   string
	all     bool            // of the library also what is only played on demand
	leftOut func(why error) // told of each variant of the library that cannot be played so
	asked   func(n int)     // told how many runs of the library are played on demand only
}

// defaultSpeed divides the waits of a run in real time.
const defaultSpeed = 10

func replay(ctx context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair replay", flag.ContinueOnError)
	worlds := fs.String("world", "", "where to play: loopback, virtual, or both with a comma (default: loopback for named scenarios, both for the whole library)")
	variant := fs.String("variant", "", "only this variant")
	seed := fs.Uint64("seed", 1, "decides every choice of a plan")
	speed := fs.Float64("speed", defaultSpeed, "incident seconds per second, in worlds of real time")
	redis := fs.String("redis", scenario.RedisEmbedded, "the Redis behind the session index: embedded, server (an installed redis-server), or the `URL` of a foreign one")
	all := fs.Bool("all", false, "of the library also the variants that are not played by default (deadair list shows which)")
	out := fs.String("out", "", "folder for the run's files (default: out/<UTC time>)")
	parallel := fs.Int("parallel", 0, "runs at once in real time (default: 5 for two cores)")
	besides := baselineFlag(fs)
	quiet := fs.Bool("quiet", false, "print only what differs and the summary")
	names, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	if *parallel < 0 {
		return fail(t, exitUsage, fmt.Errorf("--parallel %d: give a number of runs, or 0 for the default", *parallel))
	}
	c := choice{names: names, variant: *variant, seed: *seed, speed: *speed, redis: *redis, all: *all}
	if err := stack.CheckRedis(*redis); err != nil {
		return fail(t, exitUsage, err)
	}
	c.worlds, ok = worldsOf(*worlds, len(names) > 0 || c.redis != scenario.RedisEmbedded)
	if !ok {
		return fail(t, exitUsage, fmt.Errorf("no world %q: choose loopback or virtual", *worlds))
	}
	if c.redis != scenario.RedisEmbedded && slices.Contains(c.worlds, "virtual") {
		return fail(t, exitUsage, fmt.Errorf("--redis %s: a Redis that is not embedded needs real time: use --world loopback", c.redis))
	}
	c.asked = func(n int) {
		fmt.Fprintf(t.out, "%d more runs of the library are not played by default: --all, or their names, play them\n", n)
	}
	c.leftOut = func(why error) { fmt.Fprintf(t.err, "deadair: left out: %v\n", why) }
	jobs, err := jobsOf(c)
	if err != nil {
		return refuse(t, err)
	}
	base, err := besides.read()
	if err != nil {
		return fail(t, exitUsage, err)
	}
	dir, err := runFolder(*out, time.Now())
	if err != nil {
		return fail(t, exitHarness, err)
	}
	unlock, err := env.LockDir(dir)
	if err != nil {
		return fail(t, exitHarness, err)
	}
	defer unlock()
	started := time.Now()
	p := newProgress(t.out, *quiet, len(jobs))
	outcomes, err := suite.Run(ctx, suite.Config{Out: dir, Real: *parallel, Baseline: base, Progress: p.show}, jobs)
	p.end()
	if err != nil {
		return fail(t, exitHarness, err)
	}
	tell(t, dir, outcomes)
	summary := suite.Summarize(started, *seed, outcomes)
	if err := errors.Join(suite.WriteSummary(dir, summary, base), suite.AppendStep(summary)); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitCode(ctx, outcomes)
}

func worldsOf(flag string, named bool) ([]string, bool) {
	if flag == "" && named {
		return []string{"loopback"}, true
	}
	if flag == "" || flag == "both" {
		return []string{"virtual", "loopback"}, true
	}
	var worlds []string
	for _, w := range strings.Split(flag, ",") {
		if w != "loopback" && w != "virtual" {
			return nil, false
		}
		if !slices.Contains(worlds, w) {
			worlds = append(worlds, w)
		}
	}
	return worlds, true
}

// jobsOf expands what was asked for; the whole library when nothing was.
func jobsOf(c choice) ([]suite.Job, error) {
	library := len(c.names) == 0
	if library {
		c.names = scenarios.Names()
	}
	sources, err := loadAll(c.names)
	if err != nil {
		return nil, err
	}
	var jobs []suite.Job
	for _, s := range sources {
		variants := s.file.VariantNames()
		if c.variant != "" && !slices.Contains(variants, c.variant) {
			if library {
				continue
			}
			return nil, fmt.Errorf("%s has no variant %q: it has %s", s.file.Name, c.variant, strings.Join(variants, ", "))
		}
		if c.variant != "" {
			variants = []string{c.variant}
		}
		own, err := c.expand(s, variants, library)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, own...)
	}
	if library && c.variant == "" && !c.all {
		jobs = c.byDefault(jobs)
	}
	if len(jobs) == 0 {
		return nil, errors.New("nothing to play: no scenario has that variant in that world")
	}
	return jobs, suite.Distinct(jobs)
}

// expand makes the jobs of one scenario. A variant is left out of a world that
// it does not run in, unless it was asked for by name; one of the library also if
// it cannot be played with the Redis that was asked for.
func (c choice) expand(s source, variants []string, library bool) ([]suite.Job, error) {
	var jobs []suite.Job
	for _, v := range variants {
		for _, w := range c.worlds {
			if _, ok := s.file.RunsIn(v, w); !ok && (c.variant == "" || len(c.worlds) > 1) {
				continue
			}
			p, err := s.expand(v, w, c.seed, c.speed)
			if err != nil {
				return nil, err
			}
			if err := p.UseRedis(c.redis); err != nil && library {
				c.leftOut(err)
				continue
			} else if err != nil {
				return nil, err
			}
			jobs = append(jobs, suite.Job{Plan: p, Source: s.data})
		}
	}
	return jobs, nil
}

// byDefault leaves out what is played on demand only.
func (c choice) byDefault(jobs []suite.Job) []suite.Job {
	played := slices.DeleteFunc(slices.Clone(jobs), func(j suite.Job) bool { return j.Plan.OnDemand })
	if n := len(jobs) - len(played); n > 0 {
		c.asked(n)
	}
	return played
}

// runFolder makes the folder of a run, and points "latest" beside it at it.
func runFolder(out string, now time.Time) (string, error) {
	if out != "" {
		if err := os.MkdirAll(out, 0o755); err != nil {
			return "", fmt.Errorf("make the folder of the run: %w", err)
		}
		return out, nil
	}
	if err := os.MkdirAll("out", 0o755); err != nil {
		return "", fmt.Errorf("make the folder of the run: %w", err)
	}
	name := now.UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join("out", name), 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) || n > maxPerSecond {
			return "", fmt.Errorf("make the folder of the run: %w", err)
		}
		name = fmt.Sprintf("%s-%d", now.UTC().Format("20060102T150405Z"), n)
	}
	return filepath.Join("out", name), pointAt(name)
}

// maxPerSecond is how many runs may begin in one second and one place.
const maxPerSecond = 100

// pointAt has out/latest name a folder, at once: who reads it meanwhile finds the old one or the new one.
func pointAt(name string) error {
	draft := filepath.Join("out", "."+name)
	if err := os.Symlink(name, draft); err != nil {
		return fmt.Errorf("point out/latest at the run: %w", err)
	}
	if err := os.Rename(draft, filepath.Join("out", "latest")); err != nil {
		return errors.Join(fmt.Errorf("point out/latest at the run: %w", err), os.Remove(draft))
	}
	return nil
}

// exitCode sums the outcomes up: a harness that failed beats a verdict that differs beats inconclusive.
func exitCode(ctx context.Context, outcomes []suite.Outcome) int {
	if ctx.Err() != nil {
		return exitInterrupted
	}
	code := exitOK
	for _, o := range outcomes {
		switch {
		case o.Err != nil:
			return exitHarness
		case o.Differs():
			code = exitDiffers
		case o.Inconclusive() && code == exitOK:
			code = exitInconclusive
		}
	}
	return code
}
