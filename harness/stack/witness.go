package stack

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"deadair/balancer/env"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack/console"
)

// How often a witness asks, and how often it says so when nothing changed, in
// incident time; and how long it waits for an answer, which is not scaled. It is in less
// of a hurry when no step is nearer than witnessNear: days may pass so.
const (
	witnessEvery    = 15 * time.Second
	witnessReports  = time.Minute
	witnessDeadline = time.Second

	witnessNear         = time.Hour
	witnessQuiet        = 5 * time.Minute
	witnessQuietReports = time.Hour
)

// witness asks again and again from beside a balancer whether a fresh
// connection to Redis could write, and reports changes and a line a minute.
func (s *Stack) witness(ctx context.Context, balancer string) {
	here := s.world.Env(witnessName(balancer))
	wait := time.NewTimer(here.Phase("witness", s.clock(witnessEvery)))
	defer wait.Stop()
	var last history.Event
	reported := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		class := s.redisWrite(ctx, here, balancer)
		now := s.now()
		every, reports := witnessEvery, witnessReports
		if s.quiet(now) {
			every, reports = witnessQuiet, witnessQuietReports
		}
		e := history.Event{Node: "world", Kind: history.Probe, Subject: balancer, Peer: redisHost, OK: class == "ok", Class: class, Detail: "redis-write"}
		if e.Class != last.Class || now-reported >= reports {
			e.Count = last.Count + 1
			s.log.Add(e)
			e.Count, reported = 0, now
		} else {
			e.Count = last.Count + 1
		}
		last = e
		wait.Reset(s.clock(every))
	}
}

// quiet tells whether no step is in force or near, in the run's time.
func (s *Stack) quiet(now time.Duration) bool {
	return !slices.ContainsFunc(s.plan.Steps, func(step scenario.Step) bool {
		f, _ := scenario.FaultNamed(step.Do)
		open := !f.Instant && step.For == 0
		return step.At-witnessNear <= now && (open || now <= step.At+step.For+witnessNear)
	})
}

// redisWrite opens a connection of its own, writes a key and tells the class of the outcome.
func (s *Stack) redisWrite(ctx context.Context, from env.Env, balancer string) string {
	ctx, stop := context.WithTimeout(ctx, witnessDeadline)
	defer stop()
	conn, err := from.DialContext(ctx, "tcp", s.at(redisHost, redisPort))
	if err != nil {
		return "unreachable"
	}
	c := console.New(conn)
	defer c.Close()
	_, err = c.Do(ctx, "SET", s.keysBegin()+"witness:"+balancer, "1", "EX", "60")
	var late net.Error
	var refusal *console.Refusal
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return "answered"
	case errors.As(err, &late) && late.Timeout():
		return "timeout"
	}
	return "reset"
}
