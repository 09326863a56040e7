package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// reachLimit is how long an engine may take to answer.
const reachLimit = 5 * time.Second

// Remedy is something that a person can put right before a run.
type Remedy struct{ what string }

func (r *Remedy) Error() string { return r.what }

// engine is a Docker engine that answers.
type engine struct {
	*testcontainers.DockerClient
	arch string // of its machine, as Go names it
}

// reach finds the engine. Its error is a Remedy.
func reach(ctx context.Context) (*engine, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	tclog.SetDefault(tclog.NewNoopLogger())
	if err := named(ctx); err != nil {
		return nil, noEngine(err)
	}
	if err := leaveReaper(ctx); err != nil {
		return nil, err
	}
	c, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err == nil {
		_, err = c.Ping(ctx, client.PingOptions{})
	}
	if err != nil {
		return nil, noEngine(err)
	}
	v, err := c.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return nil, noEngine(err)
	}
	return &engine{c, v.Arch}, nil
}

// named asks the engine that DOCKER_HOST names, if it does: testcontainers would turn to
// another one where that does not answer.
func named(ctx context.Context) error {
	if os.Getenv("DOCKER_HOST") == "" {
		return nil
	}
	c, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Ping(ctx, client.PingOptions{})
	return err
}

func noEngine(err error) error {
	at := os.Getenv("DOCKER_HOST")
	if at != "" {
		at = " at DOCKER_HOST=" + at
	}
	why, _, _ := strings.Cut(err.Error(), "\n")
	return &Remedy{fmt.Sprintf("no Docker engine answers%s (%s): start one or set DOCKER_HOST, or use --world loopback", at, why)}
}

const (
	reaperImage = "testcontainers/ryuk:0.14.0" // that testcontainers would start, and pull
	reaperOff   = "TESTCONTAINERS_RYUK_DISABLED"
)

// leaveReaper does without testcontainers' reaper where its image is not present:
// it would be pulled. It must come before anything else of testcontainers.
func leaveReaper(ctx context.Context) error {
	if os.Getenv(reaperOff) != "" {
		return nil
	}
	c, err := client.New(client.FromEnv)
	if err == nil {
		defer c.Close()
		if _, err = c.ImageInspect(ctx, reaperImage); err == nil {
			return nil
		}
	}
	if err := os.Setenv(reaperOff, "true"); err != nil {
		return fmt.Errorf("do without testcontainers' reaper: %w", err)
	}
	return nil
}

// errLost says that an engine stopped to answer in the middle of a run.
var errLost = errors.New("the Docker engine does not answer any more: start it, then run deadair cleanup")

// whole is a context for making something: a request that is cut off may be carried out
// after all of the run was removed. It is an error when ctx has ended.
func whole(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeLimit)
	return ctx, cancel, nil
}

// makeLimit is how long the engine may take to make or start one thing.
const makeLimit = time.Minute

// removeLimit is how long the engine may take to remove all of a run.
const removeLimit = time.Minute
