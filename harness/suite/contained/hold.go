package contained

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"deadair/harness/hold"
	"deadair/harness/scenario"
	"deadair/harness/world/docker"
)

// reachLimit is how long what stands may take to be reached from here.
const reachLimit = 5 * time.Second

// Person is for whom a system is held up.
type Person struct {
	In       <-chan string // lines that they type
	Out, Err io.Writer
}

// Hold holds the system of a plan up in containers until ctx ends, for a person at this
// process' streams. Its error is ctx's cause if it was not up then. What it leaves goes to dir,
// which exists, with a folder for logs.
func Hold(ctx context.Context, p *scenario.Plan, dir string, person Person) error {
	cfg, err := config(p, dir)
	if err != nil {
		return err
	}
	cfg.Hold, cfg.Typed = true, person.In
	cfg.Log = slog.New(slog.NewTextHandler(person.Err, nil))
	cfg.Told = func(line []byte) { person.hear(ctx, line) }
	if err := docker.Run(ctx, cfg); err != nil {
		return fmt.Errorf("hold up in containers: %w", err)
	}
	return nil
}

// hear passes on what the stage has for the person.
func (p Person) hear(ctx context.Context, line []byte) {
	var said hold.Said
	if json.Unmarshal(line, &said) != nil {
		return
	}
	if said.Stands.IsValid() && !reached(ctx, said.Stands) {
		fmt.Fprintf(p.Err, "deadair: %s is not reached from here, for the engine's networks are not this machine's: what follows works where they are\n", said.Stands)
	}
	io.WriteString(p.Out, said.Out) //nolint:errcheck // words to a person
	io.WriteString(p.Err, said.Err) //nolint:errcheck // words to a person
}

// reached tells whether somebody accepts at an address.
func reached(ctx context.Context, at netip.AddrPort) bool {
	d := net.Dialer{Timeout: reachLimit}
	c, err := d.DialContext(ctx, "tcp", at.String())
	if err != nil {
		return false
	}
	c.Close()
	return true
}
