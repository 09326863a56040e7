package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"deadair/harness/scenario"
	"deadair/harness/suite"
	"deadair/harness/world/loopback"
)

// inContainers is the program that plays runs in containers, and ends what is left of
// them. Its libraries take too long to start for this one.
const inContainers = "deadair-docker"

// findContained finds that program beside this one, or where its making put it; "" if it is nowhere.
func findContained() string {
	var dirs []string
	if exe, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(exe))
	}
	if state, err := loopback.StateDir(); err == nil {
		dirs = append(dirs, state)
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, inContainers)); err == nil {
			return path
		}
	}
	return ""
}

// programsFor are the programs that play the jobs, by world, where that is not this one. Its
// error is something that a person can put right.
func programsFor(ctx context.Context, jobs []suite.Job) (map[string]string, error) {
	var contained []*scenario.Plan
	for _, j := range jobs {
		if j.Plan.World == "docker" {
			contained = append(contained, j.Plan)
		}
	}
	if len(contained) == 0 {
		return nil, nil
	}
	tool, err := readyContained(ctx, contained...)
	if err != nil {
		return nil, err
	}
	return map[string]string{"docker": tool}, nil
}

// readyContained finds that program, and makes sure that the plans can be played by it.
func readyContained(ctx context.Context, plans ...*scenario.Plan) (tool string, err error) {
	if tool = findContained(); tool == "" {
		return "", errors.New("--world docker: it is not set up: start a Docker engine and run `make images`, or use --world loopback")
	}
	args := []string{"ready"}
	if slices.ContainsFunc(plans, func(p *scenario.Plan) bool { return p.RedisKind() == scenario.RedisServer }) {
		args = append(args, "redis-server")
	}
	if _, err := runContained(ctx, tool, args...); err != nil {
		return "", fmt.Errorf("--world docker: %w", err)
	}
	return tool, nil
}

// runContained runs that program to its end.
func runContained(ctx context.Context, tool string, args ...string) (said []string, err error) {
	cmd := exec.CommandContext(ctx, tool, args...)
	var text bytes.Buffer
	cmd.Stderr = &text
	out, err := cmd.Output()
	if lines := strings.TrimSpace(string(out)); lines != "" {
		said = strings.Split(lines, "\n")
	}
	if why := strings.TrimPrefix(strings.TrimSpace(text.String()), "deadair: "); err != nil && why != "" {
		err = errors.New(why)
	}
	return said, err
}

// cleanContainers removes what killed runs left in the engine, if runs can be played there at all.
func cleanContainers(ctx context.Context) ([]string, error) {
	tool := findContained()
	if tool == "" {
		return nil, nil
	}
	return runContained(ctx, tool, "cleanup")
}
