package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
	"deadair/scenarios"
)

// defaultSpeed divides the waits of a run in real time.
const defaultSpeed = 10

// choice is what a replay was asked to play.
type choice struct {
	names   []string
	worlds  []string
	variant string
	seed    uint64
	speed   float64
	redis   string
	verify  bool               // each run of virtual time is played twice
	all     bool               // of the library also what is only played on demand
	foreign []scenario.Adapter // servers of somebody else's, with which all is played once more
	leftOut func(why error)    // told of each variant that cannot be played so
	asked   func(n int)        // told how many runs of the library are played on demand only
}

// flags are those of replay that a choice is made of. The worlds are given by the returned one.
func (c *choice) flags(fs *flag.FlagSet) (worlds *string) {
	fs.StringVar(&c.variant, "variant", "", "only this variant")
	fs.Uint64Var(&c.seed, "seed", 1, "decides every choice of a plan")
	fs.Float64Var(&c.speed, "speed", defaultSpeed, "incident seconds per second, in worlds of real time")
	fs.StringVar(&c.redis, "redis", "", "the Redis behind the session index: embedded, server (an installed redis-server, or its image), or the `URL` of a foreign one (default: embedded; in containers server, where it can do what the steps ask)")
	c.binFlag(fs)
	fs.BoolVar(&c.all, "all", false, "of the library also the variants that are not played by default (deadair list shows which)")
	fs.BoolVar(&c.verify, "verify", false, "play each run of virtual time again in another environment: an event that differs is a fault of the harness (exit 4)")
	return fs.String("world", "", "where to play: loopback, virtual, docker, or some with commas (default: loopback for named scenarios, loopback and virtual for the whole library)")
}

// take fills in what was named and where it is played, and tells what cannot be had.
func (c *choice) take(names []string, worlds string) error {
	c.names = names
	if worlds == "" && c.verify {
		worlds = "virtual"
	}
	foreign := c.redis != "" && c.redis != scenario.RedisEmbedded
	var ok bool
	if c.worlds, ok = worldsOf(worlds, len(names) > 0 || foreign || len(c.foreign) > 0); !ok {
		return fmt.Errorf("no world %q: choose loopback, virtual or docker", worlds)
	}
	if c.verify && !slices.Contains(c.worlds, "virtual") {
		return fmt.Errorf("--verify --world %s: only virtual time is the same again: add virtual", worlds)
	}
	if slices.Contains(c.worlds, "loopback") || c.redis != scenario.RedisServer {
		if err := stack.CheckRedis(c.redis); err != nil {
			return err
		}
	}
	if foreign && slices.Contains(c.worlds, "virtual") {
		return fmt.Errorf("--redis %s: a Redis that is not embedded needs real time: use --world loopback", c.redis)
	}
	return nil
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
		if !slices.Contains(scenario.Worlds(), w) {
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
			if err := p.UseRedis(c.redisFor(p)); err != nil && library {
				c.leftOut(err)
				continue
			} else if err != nil {
				return nil, err
			}
			jobs = append(jobs, suite.Job{Plan: p, Source: s.data})
			theirs, err := c.withForeign(s, p)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, theirs...)
		}
	}
	return jobs, nil
}

// redisFor is the Redis of a plan. In containers it is a real one, unless the plan asks
// for what only the embedded one can do.
func (c choice) redisFor(p *scenario.Plan) string {
	if c.redis == "" && p.World == "docker" && p.UseRedis(scenario.RedisServer) == nil {
		return scenario.RedisServer
	}
	return c.redis
}

// byDefault leaves out what is played on demand only.
func (c choice) byDefault(jobs []suite.Job) []suite.Job {
	played := slices.DeleteFunc(slices.Clone(jobs), func(j suite.Job) bool { return j.Plan.OnDemand })
	if n := len(jobs) - len(played); n > 0 {
		c.asked(n)
	}
	return played
}
