package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
)

// Names of images.
const (
	nodeImage  = "deadair/node:latest"  // this project's binary alone
	localRedis = "deadair/redis:latest" // made from what is installed here
	Redis      = "redis-server"         // the program behind the image that RedisEnv names

	// RedisEnv names the environment variable that names the image of Redis.
	RedisEnv     = "DEADAIR_REDIS_IMAGE"
	defaultRedis = "redis:7"
)

// choices are the images that can stand for a program, the first one by preference.
func choices(program string) []string {
	if named := os.Getenv(RedisEnv); program == Redis && named != "" {
		return []string{named}
	}
	return []string{defaultRedis, localRedis}
}

// imageOf finds a program's image.
func (e *engine) imageOf(ctx context.Context, program string) (string, error) {
	for _, name := range choices(program) {
		if err := e.usable(ctx, name); err == nil {
			return name, nil
		} else if !errdefs.IsNotFound(err) {
			return "", err
		}
	}
	return "", &Remedy{fmt.Sprintf("no image %s: make one with `make images`, or get it with `docker pull %s`", strings.Join(choices(program), " or "), choices(program)[0])}
}

// usable tells why an image cannot be used. One that is not there is errdefs' not found.
func (e *engine) usable(ctx context.Context, name string) error {
	i, err := e.ImageInspect(ctx, name)
	if err != nil {
		return err
	}
	if i.Architecture != e.arch {
		return &Remedy{fmt.Sprintf("image %s is for %s, the engine's machine is %s: make it anew with `make images`", name, i.Architecture, e.arch)}
	}
	return nil
}

// Ready tells why no run can begin: no engine, or images that are missing or of other
// source than is here. What a person can put right is a Remedy. Programs are those of
// somebody else's that the runs need.
func Ready(ctx context.Context, programs ...string) error {
	e, err := reach(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if _, err = e.images(ctx, programs); err != nil {
		return err
	}
	return e.current(ctx)
}

// images finds the images of a run's programs, and makes sure that there is one of its nodes.
func (e *engine) images(ctx context.Context, programs []string) (map[string]string, error) {
	err := e.usable(ctx, nodeImage)
	if errdefs.IsNotFound(err) {
		err = &Remedy{fmt.Sprintf("no image %s: make it with `make images`", nodeImage)}
	}
	errs := []error{err}
	found := map[string]string{}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(programs))) {
		name, err := e.imageOf(ctx, p)
		found[p] = name
		errs = append(errs, err)
	}
	return found, oneLine(errs...)
}

// oneLine joins errors in one line.
func oneLine(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	var texts []string
	for _, err := range errs {
		var r *Remedy
		if !errors.As(err, &r) {
			return err
		}
		texts = append(texts, err.Error())
	}
	return &Remedy{strings.Join(texts, "; ")}
}
