package virtual_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/harness/world/virtual"
)

// childEnv names what a re-executed test binary plays: freezes cannot be undone
// in the process that has them, and processors are counted per process.
const childEnv = "DEADAIR_VIRTUAL_CHILD"

// children are the things that a child can play. Each prints its result.
func children() map[string]func() {
	return map[string]func(){
		"mutex":                func() { playHanging(waitForMutex) },
		"lock":                 func() { playHanging(lockAcrossIO) },
		"spin":                 func() { playHanging(spin) },
		"steps":                func() { playHanging(takeTinySteps) },
		"tokens":               func() { playHanging(passTokens) },
		"pipe":                 func() { playHanging(readPipe) },
		"socket":               func() { playHanging(acceptForReal) },
		"endless":              func() { playHanging(neverEnd) },
		"crowd":                func() { playGuarded(func(ctx context.Context) { crowd(ctx, 2*time.Millisecond) }) },
		"crowd in one instant": func() { playGuarded(func(ctx context.Context) { crowd(ctx, 2*time.Nanosecond) }) },
		"redis":                playRedis,
		"mini":                 playMini,

		"panic":          func() { playBroken(func() { panic("boom") }) },
		"deadlock":       func() { playBroken(waitForever) },
		"leak":           func() { playBroken(func() { go waitForever() }) },
		"panic and leak": func() { playBroken(func() { go waitForever(); panic("boom") }) },
		"sleeper left":   func() { playBroken(func() { go time.Sleep(time.Minute) }) },
		"goexit":         func() { playBroken(runtime.Goexit) },
	}
}

func TestMain(m *testing.M) {
	if play, ok := children()[os.Getenv(childEnv)]; ok {
		play()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child runs the test binary again as one of children.
func child(t *testing.T, name string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+name, "GOMAXPROCS=1"), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "child %s: %s", name, out)
	return string(out)
}

// playHanging plays what does not end and prints what the watchdog says.
func playHanging(f func()) { playGuarded(func(context.Context) { f() }) }

func playGuarded(f func(ctx context.Context)) {
	limits := virtual.Limits{Still: 300 * time.Millisecond, Long: 3 * time.Hour}
	err := virtual.Guard(context.Background(), limits, func(ctx context.Context) {
		time.Sleep(90 * time.Minute)
		f(ctx)
	})
	var frozen *virtual.FrozenError
	var endless *virtual.EndlessError
	switch {
	case errors.As(err, &frozen):
		fmt.Println(len(frozen.Culprits), frozen)
	case errors.As(err, &endless):
		fmt.Println(len(endless.Waiting), endless)
	default:
		fmt.Println("it did not hang:", err)
	}
}

// playBroken plays what leaves goroutines behind in a bubble that cannot end, and prints the error.
func playBroken(f func()) { fmt.Println(virtual.InBubble(f)) }

func waitForever() { select {} }

func waitForMutex() {
	var mu sync.Mutex
	mu.Lock()
	go mu.Lock()
	time.Sleep(time.Hour)
}

func spin() {
	for { //nolint:staticcheck // this is what the watchdog has to find
	}
}

func readPipe() {
	r, _, _ := os.Pipe()
	r.Read(make([]byte, 1))
}

// index keeps its lock while it waits for somebody far away.
type index struct {
	mu sync.Mutex
}

func (x *index) ask(far net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	far.Read(make([]byte, 1))
}

func (x *index) size() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return 1
}

func lockAcrossIO() {
	x := &index{}
	here, _ := net.Pipe()
	go x.ask(here)
	time.Sleep(time.Nanosecond)
	x.size()
}

func takeTinySteps() {
	for {
		time.Sleep(time.Nanosecond)
	}
}

// passTokens keeps two goroutines awake for one another.
func passTokens() {
	a, b := make(chan bool), make(chan bool)
	pass := func(from, to chan bool) {
		for v := range from {
			to <- v
		}
	}
	go pass(a, b)
	a <- true
	pass(b, a)
}

func acceptForReal() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Accept()
}

// crowd works for two seconds of the wall's time while few milliseconds pass.
func crowd(ctx context.Context, step time.Duration) {
	pulse := virtual.Pulse(ctx)
	for range 40 {
		work(50 * time.Millisecond)
		time.Sleep(step)
		pulse()
	}
}

// work keeps a processor busy.
func work(d time.Duration) {
	for used := processor(); processor()-used < d; {
	}
}

// processor is how long processors have worked for this process: the wall's clock is not to be had here.
func processor() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// neverEnd waits while the time passes.
func neverEnd() {
	go func() {
		for range time.Tick(time.Second) {
		}
	}()
	select {}
}

func TestWatchdogNamesWhoFrozeTheClock(t *testing.T) {
	for name, culprits := range map[string][]string{
		"mutex":  {"1 ", "waitForMutex"},
		"lock":   {"2 ", "(*index).size(", "(*index).ask("},
		"spin":   {"1 ", "virtual_test.spin"},
		"steps":  {"1 ", "virtual_test.takeTinySteps"},
		"tokens": {"", "virtual_test.passTokens"},
		"pipe":   {"1 ", "virtual_test.readPipe"},
		"socket": {"1 ", "virtual_test.acceptForReal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := child(t, name)
			require.Contains(t, said, " virtual time stands at 1h30m0s for ")
			require.True(t, strings.HasPrefix(said, culprits[0]), "so many culprits: %s", said)
			for _, culprit := range culprits[1:] {
				require.Contains(t, said, culprit)
			}
		})
	}
}

func TestWatchdogEndsWhatGoesOnForEver(t *testing.T) {
	said := child(t, "endless")
	require.Contains(t, said, "it has not ended by 3h0m0s of virtual time; the first goroutine still waits:")
	require.Contains(t, said, "virtual_test.neverEnd(")
	require.True(t, strings.HasPrefix(said, "2 "), "who waits and who ticks: %s", said)
}

func TestGuardLetsALongRunEnd(t *testing.T) {
	start := time.Now()
	require.NoError(t, virtual.Guard(t.Context(), virtual.Limits{}, func(context.Context) { time.Sleep(24 * time.Hour) }))
	require.Less(t, time.Since(start), time.Hour)
}

func TestGuardSetsTheClock(t *testing.T) {
	start := time.Date(2014, 10, 2, 18, 0, 0, 0, time.UTC)
	var shown time.Time
	require.NoError(t, virtual.GuardFrom(t.Context(), start, virtual.Limits{}, func(context.Context) { shown = time.Now() }))
	require.True(t, start.Equal(shown), "%s", shown)
	err := virtual.GuardFrom(t.Context(), time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), virtual.Limits{}, func(context.Context) { shown = time.Time{} })
	require.ErrorContains(t, err, "set the bubble's clock to 1999-12-31T00:00:00Z")
	require.False(t, shown.IsZero(), "nothing ran")
}

func TestGuardBringsACancelIntoTheBubble(t *testing.T) {
	outer, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	var got error
	err := virtual.Guard(outer, virtual.Limits{}, func(ctx context.Context) {
		time.AfterFunc(time.Hour, func() { cancel(cause) })
		<-ctx.Done()
		got = context.Cause(ctx)
	})
	require.NoError(t, err)
	require.ErrorIs(t, got, cause)
}

// TestPulseIsProgress: a crowd that is busy within one second of virtual time is not frozen,
// as long as it tells that the time goes on.
func TestPulseIsProgress(t *testing.T) {
	require.Contains(t, child(t, "crowd"), "it did not hang: <nil>")
	require.Contains(t, child(t, "crowd in one instant"), "virtual_test.crowd")
}

func TestBubbleSkipsTime(t *testing.T) {
	start := time.Now()
	var slept time.Duration
	require.NoError(t, virtual.InBubble(func() {
		start := time.Now()
		time.Sleep(91 * 24 * time.Hour)
		slept = time.Since(start)
	}))
	require.Equal(t, 91*24*time.Hour, slept)
	require.Less(t, time.Since(start), time.Hour)
}

func TestBubbleReportsWhatWentWrong(t *testing.T) {
	tests := map[string]struct {
		want []string
		not  []string
	}{
		"panic":          {[]string{"scenario: boom", "bubble_test.go"}, []string{"bubble:"}},
		"deadlock":       {[]string{"all goroutines in bubble are blocked", "select (no cases)"}, []string{"tRunner", "scenario:"}},
		"leak":           {[]string{"blocked goroutines remain", "select (no cases)"}, []string{"tRunner", "scenario:"}},
		"panic and leak": {[]string{"scenario: boom", "blocked goroutines remain"}, nil},
		"sleeper left":   {[]string{"blocked goroutines remain"}, nil},
		"goexit":         {[]string{"ended by runtime.Goexit"}, []string{"bubble:"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			said := child(t, name)
			for _, want := range test.want {
				require.Contains(t, said, want)
			}
			for _, not := range test.not {
				require.NotContains(t, said, not)
			}
		})
	}
}
