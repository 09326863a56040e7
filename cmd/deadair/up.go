package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"deadair/balancer/env"
	"deadair/harness/history"
	"deadair/harness/hold"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world/loopback"
)

// up holds the whole system until it is interrupted, and breaks what the person at the
// terminal asks it to.
func up(ctx context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair up", flag.ContinueOnError)
	out := fs.String("out", "", "folder for disks and logs (default: out/up); in containers they go to a new folder below it at the end")
	in := fs.String("world", "loopback", "where it stands: loopback, processes of this machine, or docker, containers")
	speed := fs.Float64("speed", 1, "divides every wait of the system")
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	dir := *out
	if dir == "" {
		dir = filepath.Join("out", "up")
	}
	stand := map[string]func(context.Context, terminal, string, *scenario.Plan) int{"loopback": upHere, "docker": upContained}[*in]
	if stand == nil {
		return fail(t, exitUsage, fmt.Errorf("--world %s: a system can be held up in loopback or docker", *in))
	}
	p, err := hold.Plan(*in, *speed)
	if err != nil {
		return refuse(t, err)
	}
	unlock, err := env.LockDir(dir)
	if err != nil {
		return fail(t, exitHarness, err)
	}
	defer unlock()
	return stand(ctx, t, dir, p)
}

// upHere holds it up on this machine.
func upHere(ctx context.Context, t terminal, dir string, p *scenario.Plan) int {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return fail(t, exitHarness, fmt.Errorf("make the folder: %w", err))
	}
	var w *loopback.World
	log := history.NewLog(func() time.Duration { return w.Now() })
	w, err := loopback.Open(loopback.Config{Hosts: stack.Hosts(p), Kinds: stack.Kinds(), Seed: p.Seed, Dir: dir, Watch: stack.Watch(log)})
	if err != nil {
		return fail(t, exitHarness, err)
	}
	err = hold.Run(ctx, hold.Config{Plan: p, World: w, Log: log, Files: hold.Files{Dir: dir}, In: hold.Lines(os.Stdin), Out: t.out, Err: t.err})
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return exitInterrupted
	}
	return fail(t, exitHarness, err)
}

// upContained has the program that plays in containers hold it up there.
func upContained(ctx context.Context, t terminal, dir string, p *scenario.Plan) int {
	err := p.UseRedis(scenario.RedisServer)
	if err != nil {
		return refuse(t, err)
	}
	tool, err := readyContained(ctx, p)
	if err != nil {
		return refuse(t, err)
	}
	dir = filepath.Join(dir, time.Now().UTC().Format("20060102T150405.000Z"))
	var plan bytes.Buffer
	err = errors.Join(p.Write(&plan), os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "plan.json"), plan.Bytes(), 0o644)
	}
	if err != nil {
		return fail(t, exitHarness, fmt.Errorf("make the folder: %w", err))
	}
	cmd := exec.CommandContext(ctx, tool, "up", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it then ends in order
	cmd.Stdout, cmd.Stderr = t.out, t.err
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is this process' to pass on
	typing, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fail(t, exitHarness, fmt.Errorf("hold up in containers: %w", err))
	}
	go io.Copy(typing, os.Stdin) //nolint:errcheck // it ends with the process; the pipe's end would end the system
	var ended *exec.ExitError
	switch err := cmd.Wait(); {
	case errors.As(err, &ended) && ended.ExitCode() >= 0:
		return ended.ExitCode()
	case err != nil && cmd.ProcessState.ExitCode() != 0:
		return fail(t, exitHarness, fmt.Errorf("hold up in containers: %w", err))
	}
	return exitOK
}
