package stack

import (
	"context"
	"errors"
	"net"
	"time"

	"deadair/harness/history"
	"deadair/harness/stack/console"
)

// How often a witness asks, and how often it says so when nothing changed, in
// incident time; and how long it waits for an answer, which is not scaled.
const (
	witnessEvery    = 15 * time.Second
	witnessReports  = time.Minute
	witnessDeadline = time.Second
)

// witness asks again and again from beside a balancer whether a fresh
// connection to Redis could write, and reports changes and a line a minute.
func (s *Stack) witness(ctx context.Context, balancer string) {
	e := s.world.Env(witnessName(balancer))
	every := s.clock(witnessEvery)
	wait := time.NewTimer(e.Phase("witness", every))
	defer wait.Stop()
	var last history.Event
	reported := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		class := s.redisWrite(ctx, balancer)
		now := s.now()
		e := history.Event{Node: "world", Kind: history.Probe, Subject: balancer, Peer: redisHost, OK: class == "ok", Class: class, Detail: "redis-write"}
		if e.Class != last.Class || now-reported >= witnessReports {
			e.Count = last.Count + 1
			s.log.Add(e)
			e.Count, reported = 0, now
		} else {
			e.Count = last.Count + 1
		}
		last = e
		wait.Reset(every)
	}
}

// redisWrite opens a connection of its own, writes a key and tells the class of the outcome.
func (s *Stack) redisWrite(ctx context.Context, balancer string) string {
	ctx, stop := context.WithTimeout(ctx, witnessDeadline)
	defer stop()
	conn, err := s.world.Env(witnessName(balancer)).DialContext(ctx, "tcp", s.at(redisHost, redisPort))
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
