package suite

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// culprits are what a node may do so that its run would never end, by the name of the
// variant: each behaves well for ten seconds.
func culprits() map[string]func(ctx context.Context, e env.Env) {
	return map[string]func(ctx context.Context, e env.Env){
		"spins":         func(context.Context, env.Env) { spinForEver() },
		"spins-dialing": spinDialing,
		"opens-socket":  func(context.Context, env.Env) { acceptForReal() },
		"locks":         lockAcrossIO,
		"never-stops":   neverStop,
	}
}

func spinForEver() {
	for { //nolint:staticcheck // this is what the watchdog has to find
	}
}

// spinDialing asks itself again and again, which takes no time.
func spinDialing(ctx context.Context, e env.Env) {
	for {
		if c, err := e.DialContext(ctx, "tcp", "127.0.0.1:1"); err == nil {
			c.Close()
		}
	}
}

func acceptForReal() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Accept()
}

// lockAcrossIO has two goroutines use a lock, one while it waits for an answer.
func lockAcrossIO(ctx context.Context, e env.Env) {
	var mu sync.Mutex
	l, err := e.Listen(ctx, "tcp", ":4")
	if err != nil {
		panic(err)
	}
	ask := func() {
		mu.Lock()
		defer mu.Unlock()
		if c, err := e.DialContext(ctx, "tcp", l.Addr().String()); err == nil {
			io.Copy(io.Discard, c)
		}
	}
	go ask()
	ask()
}

func neverStop(context.Context, env.Env) { select {} }

// playCulprit plays a plan whose recorders do what a culprit does.
func playCulprit(do func(ctx context.Context, e env.Env), dir string) {
	good := stack.Kinds()["recorder"]
	playRecorder(dir, func(ctx context.Context, e env.Env) error {
		var both sync.WaitGroup
		both.Go(func() {
			time.Sleep(10 * time.Second)
			do(ctx, e)
		})
		err := good(ctx, e)
		both.Wait()
		return err
	})
}

// playMute plays a plan whose recorders listen nowhere.
func playMute(dir string) { playRecorder(dir, waitMutely) }

func waitMutely(ctx context.Context, _ env.Env) error {
	<-ctx.Done()
	return nil
}

// playRecorder plays a plan with recorders of this kind, and ends the process as that of a run does.
func playRecorder(dir string, serve world.Serve) {
	kinds := stack.Kinds()
	kinds["recorder"] = serve
	out := newTeller(toParent())
	p, err := readPlan(dir)
	if err == nil {
		err = playNodes(context.Background(), p, dir, out, kinds, virtual.Limits{Still: 2 * time.Second})
	}
	if err == nil {
		os.Exit(0)
	}
	out.fail(err)
	os.Exit(childFailed)
}

// TestRunThatWouldHangEndsWithTheCulpritsStack plants each culprit in a whole run.
func TestRunThatWouldHangEndsWithTheCulpritsStack(t *testing.T) {
	wants := map[string][]string{
		"spins":         {"virtual time stands at ", "suite.spinForEver("},
		"spins-dialing": {"virtual time stands at ", "suite.spinDialing("},
		"opens-socket":  {"virtual time stands at ", "suite.acceptForReal("},
		"locks":         {"virtual time stands at ", "suite.lockAcrossIO.func"},
		"never-stops":   {"node eu-west/recorder-1 was told to end, but its Serve has not returned for ", "suite.neverStop("},
		"never-listens": {"start eu-west/recorder-1: it does not listen on ports ", "gave up after 2m0s", "suite.waitMutely("},
	}
	var jobs []Job
	for variant := range wants {
		jobs = append(jobs, job(t, variant))
	}
	outcomes, err := Run(t.Context(), Config{Out: t.TempDir(), Virtual: len(jobs)}, jobs)
	require.NoError(t, err)
	for _, o := range outcomes {
		for _, want := range wants[o.Job.Plan.Variant] {
			require.ErrorContains(t, o.Err, want)
		}
	}
}
