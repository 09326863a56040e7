package main

import (
	"bufio"
	"context"
	_ "embed" // the plan that is held up
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"deadair/balancer/env"
	"deadair/harness/fault"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world/loopback"
)

//go:embed up.yaml
var upScenario []byte

// The account and the mount that a person uses against a system that is held up.
const (
	upAccount  = "source"
	upPassword = "hackme"
	upMount    = "/show"
)

// up holds the whole system on this machine until it is interrupted, and breaks
// what the person at the terminal asks it to.
func up(ctx context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair up", flag.ContinueOnError)
	out := fs.String("out", "", "folder for disks and logs (default: out/up)")
	speed := fs.Float64("speed", 1, "divides every wait of the system")
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	dir := *out
	if dir == "" {
		dir = filepath.Join("out", "up")
	}
	p, err := upPlan(*speed)
	if err != nil {
		return refuse(t, err)
	}
	unlock, err := env.LockDir(dir)
	if err != nil {
		return fail(t, exitHarness, err)
	}
	defer unlock()
	h, err := hold(ctx, dir, p)
	if ctx.Err() != nil && h == nil {
		return exitInterrupted // what did not come up for it is no news
	}
	if err != nil {
		return fail(t, exitHarness, err)
	}
	switch err := h.explain(ctx, t.out); {
	case err == nil:
		h.obey(ctx, t, os.Stdin)
	case ctx.Err() == nil:
		return fail(t, exitHarness, errors.Join(err, h.close()))
	}
	if err := h.close(); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitOK
}

// held is a system that stands.
type held struct {
	dir    string
	plan   *scenario.Plan
	world  *loopback.World
	stack  *stack.Stack
	active []fault.Active
}

// upPlan is the plan of the system that is held up, with the person's own show in it.
func upPlan(speed float64) (*scenario.Plan, error) {
	f, err := scenario.Parse("up", upScenario)
	if err != nil {
		return nil, err
	}
	p, err := scenario.Expand(f, "today", "loopback", 1, speed)
	if err != nil {
		return nil, err
	}
	you := &p.Broadcasters[0]
	you.Account, you.Password, you.Mount = upAccount, upPassword, upMount
	return p, nil
}

// hold brings the system up and waits until it is healthy.
func hold(ctx context.Context, dir string, p *scenario.Plan) (*held, error) {
	err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755)
	if err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	h := &held{dir: dir, plan: p}
	log := history.NewLog(func() time.Duration { return h.world.Now() })
	h.world, err = loopback.Open(loopback.Config{Hosts: stack.Hosts(p), Kinds: stack.Kinds(), Seed: p.Seed, Dir: dir, Watch: stack.Watch(log)})
	if err != nil {
		return nil, err
	}
	if h.stack, err = stack.New(p, h.world, log, slog.New(slog.DiscardHandler)); err != nil {
		return nil, errors.Join(err, h.world.Close())
	}
	if err := h.stack.Up(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	if missing := h.stack.Healthy(ctx); missing != "" {
		return nil, errors.Join(errors.New(missing), h.close())
	}
	return h, nil
}

// explain tells how to reach what stands.
func (h *held) explain(ctx context.Context, w io.Writer) error {
	you := h.plan.Broadcasters[0].Name
	dns, port := h.stack.DNS()
	udp := h.world.Reach(dns, port)
	tcp, err := h.world.Expose(ctx, you, dns, port)
	if err != nil {
		return err
	}
	name := h.plan.System.DNS.Name
	fmt.Fprintf(w, "The system is up. Logs and disks are in %s. Ctrl-C ends it.\n\nDNS:\n  dig @%s -p %d %s\n  dig +tcp @%s -p %d %s\n\nBalancers:\n",
		h.dir, udp.Addr(), udp.Port(), name, tcp.Addr(), tcp.Port(), name)
	var first netip.AddrPort
	for _, n := range h.stack.Balancers() {
		at, err := h.world.Expose(ctx, you, n, stack.IngestPort)
		if err != nil {
			return err
		}
		if !first.IsValid() {
			first = at
		}
		fmt.Fprintf(w, "  %-22s curl http://%s/health\n", n, at)
	}
	fmt.Fprintf(w, "\nStream to it:\n  ffmpeg -re -f lavfi -i sine=frequency=440 -c:a libmp3lame -b:a 128k -content_type audio/mpeg -f mp3 icecast://%s:%s@%s%s\n", upAccount, upPassword, first, upMount)
	fmt.Fprintf(w, "  liquidsoap 'output.icecast(%%mp3(bitrate=128), user=%q, password=%q, host=%q, port=%d, mount=%q, sine())'\n", upAccount, upPassword, first.Addr().String(), first.Port(), upMount)
	fmt.Fprintf(w, "The recording grows below %s.\n", filepath.Join(h.dir, "disks"))
	fmt.Fprintf(w, "A minute after it has ended the show is published: %s tells when, its tracks are in %s, in the order of its lines.\n",
		filepath.Join(h.dir, "disks", "store", "journal.jsonl"), filepath.Join(h.dir, "disks", "store", "blobs"))
	fmt.Fprintf(w, "\nBreak it: type a fault (%s) and its nodes, or for links both ends; \"heal\" ends all. For example:\n  kill eu-west/balancer-1\n  stall %s eu-west/balancer-*\n  delay us-east redis delay=200ms connections=new\n  heal\n", strings.Join(typeable(), " "), you)
	return nil
}

// obey does what is typed until ctx is done.
func (h *held) obey(ctx context.Context, t terminal, in io.Reader) {
	lines := make(chan string)
	go func() { // ends with the process: a read of a terminal cannot be interrupted
		for sc := bufio.NewScanner(in); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-lines:
			if err := h.do(ctx, strings.Fields(line)); err != nil {
				fmt.Fprintf(t.err, "deadair: %v\n", err)
			}
		}
	}
}

// do begins one fault, or ends all.
func (h *held) do(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if words[0] == "heal" {
		return h.heal(ctx)
	}
	step, err := typed(words)
	if err != nil {
		return err
	}
	a, err := fault.Inject(ctx, h.stack, step)
	if a != nil {
		h.active = append(h.active, a)
	}
	return err
}

// heal ends all faults, the last one first.
func (h *held) heal(ctx context.Context) error {
	var errs []error
	for len(h.active) > 0 {
		last := len(h.active) - 1
		errs = append(errs, h.active[last].End(ctx))
		h.active = h.active[:last]
	}
	return errors.Join(errs...)
}

func (h *held) close() error {
	err := h.heal(context.Background())
	h.stack.Down()
	return errors.Join(err, h.world.Close())
}
