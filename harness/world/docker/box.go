package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"deadair/harness/world/docker/inside"
)

// box is a container, and what is said to it and by it.
type box struct {
	testcontainers.Container
	in   *json.Encoder
	out  *json.Decoder // nil for somebody else's server, which only talks to people
	wire client.HijackedResponse
}

// order is what a container is made of.
type order struct {
	name    string // within the run
	image   string
	args    []string
	place   *place // nil: it shares the network of another container
	at      netip.Addr
	shares  string // the other container
	aliases []string
	asks    netip.Addr // whom its system asks for names that the engine does not know; none: the engine's choice
	text    io.Writer  // what it says for people
}

// make makes a container and listens to it. It does not run yet.
func (r *run) make(ctx context.Context, o order) (*box, error) {
	b, err := r.create(ctx, o)
	if err == nil {
		out, said := io.Pipe()
		b.out = json.NewDecoder(out)
		err = r.attach(ctx, b, said, o.text)
	}
	if err != nil {
		return nil, fmt.Errorf("make the container of %s: %w", o.name, err)
	}
	return b, nil
}

func (r *run) create(ctx context.Context, o order) (*box, error) {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	req := testcontainers.ContainerRequest{
		Image: o.image, Cmd: o.args, Name: "deadair-" + r.id + "-" + strings.ReplaceAll(o.name, "/", "-"), Labels: r.labels(),
		Env: environment(),
		ConfigModifier: func(c *container.Config) {
			c.OpenStdin, c.StdinOnce = true, true // it ends with who talks to it
			c.AttachStdin, c.AttachStdout, c.AttachStderr = true, true, true
		},
		HostConfigModifier: func(h *container.HostConfig) {
			if o.asks.IsValid() {
				h.DNS = []netip.Addr{o.asks}
			}
			h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: r.volume, Target: inside.Dir}}
			if o.place == nil {
				h.NetworkMode = container.NetworkMode("container:" + o.shares)
			}
		},
	}
	if o.place != nil {
		req.Networks = []string{o.place.name}
		req.EndpointSettingsModifier = func(m map[string]*network.EndpointSettings) {
			m[o.place.name] = endpoint(o.at, o.aliases...)
		}
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{ContainerRequest: req})
	if err != nil {
		return nil, err
	}
	return &box{Container: c}, nil
}

// Start starts the container.
func (b *box) Start(ctx context.Context) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	return b.Container.Start(ctx)
}

// environment is what of this process' environment makes nodes behave the same.
func environment() map[string]string {
	env := map[string]string{}
	for _, name := range []string{"GOMAXPROCS", "GODEBUG", "GOGC"} {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	return env
}

// attach begins to talk with a container: said takes its standard output, text the rest.
// Said is closed at the end, if it can be.
func (r *run) attach(ctx context.Context, b *box, said, text io.Writer) error {
	c, err := r.engine.ContainerAttach(context.WithoutCancel(ctx), b.GetContainerID(), client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return fmt.Errorf("listen to it: %w", err)
	}
	b.in, b.wire = json.NewEncoder(c.Conn), c.HijackedResponse
	go func() {
		_, err := stdcopy.StdCopy(said, text, c.Reader)
		if pipe, ok := said.(*io.PipeWriter); ok {
			pipe.CloseWithError(err)
		}
	}()
	return nil
}
