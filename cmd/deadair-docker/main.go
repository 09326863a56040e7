// Command deadair-docker is what deadair plays runs in containers with.
//
// It is a program of its own because its libraries take long to start, which
// deadair, whose binary every node of the other worlds is, must not. deadair finds it
// beside itself or where "deadair-docker images" put it. It parses its arguments and
// calls package docker, nothing else.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"deadair/harness/scenario"
	"deadair/harness/suite"
	"deadair/harness/suite/contained"
	"deadair/harness/world/docker"
)

// Exit codes, as deadair's.
const (
	exitOK          = 0
	exitUsage       = 2 // or something that a person can put right
	exitHarness     = 4
	exitInterrupted = 130
)

func main() {
	if suite.Child(contained.World()) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var remedy *docker.Remedy
	switch {
	case err == nil:
		os.Exit(exitOK)
	case errors.Is(err, errInterrupted):
		os.Exit(exitInterrupted)
	case errors.As(err, &remedy):
		fmt.Fprintln(os.Stderr, "deadair:", remedy)
		os.Exit(exitUsage)
	}
	fmt.Fprintln(os.Stderr, "deadair:", err)
	os.Exit(exitHarness)
}

// run does what the first argument says.
func run(ctx context.Context, args []string) error {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case "ready": // the rest names the servers of somebody else's that will be needed
		return docker.Ready(ctx, args[1:]...)
	case "cleanup":
		did, err := docker.Cleanup(ctx)
		for _, line := range did {
			fmt.Println(line)
		}
		return err
	case "images":
		return docker.MakeImages(ctx, os.Stdout)
	case "up": // the next is the folder with the plan
		if len(args) == 2 {
			return up(ctx, args[1])
		}
	}
	fmt.Fprintln(os.Stderr, "usage: deadair-docker images | ready [PROGRAM…] | up FOLDER | cleanup: what deadair plays in containers with")
	os.Exit(exitUsage)
	return nil
}

// errInterrupted says that what was asked for was not there yet when it was asked to end.
var errInterrupted = errors.New("interrupted")

// up holds a system up until it is asked to end, or who started it is gone.
func up(ctx context.Context, dir string) error {
	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	lines := make(chan string)
	go func() { // ends with the process
		for sc := bufio.NewScanner(os.Stdin); sc.Scan(); {
			lines <- sc.Text()
		}
		gone(errors.New("the one that started it is gone"))
	}()
	f, err := os.Open(filepath.Join(dir, "plan.json"))
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	defer f.Close()
	p, err := scenario.ReadPlan(f)
	if err != nil {
		return err
	}
	err = contained.Hold(ctx, p, dir, contained.Person{In: lines, Out: os.Stdout, Err: os.Stderr})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return errInterrupted
	}
	return err
}
