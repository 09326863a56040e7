// Command deadair replays incidents of live-audio ingest and writes resilience reports.
//
// It parses the command line, calls the packages of harness and reports, and
// turns what came of it into an exit code. It judges nothing itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
	"deadair/harness/world/docker/inside"
	"deadair/harness/world/loopback"
)

// Exit codes of the built binary.
const (
	exitOK           = 0
	exitDiffers      = 1 // a verdict differs from the expected one
	exitUsage        = 2 // usage, or an invalid scenario
	exitInconclusive = 3
	exitHarness      = 4 // the harness failed
	exitInterrupted  = 130
)

// command is one of deadair's verbs.
type command struct {
	name, args, help string
	run              func(ctx context.Context, t terminal, args []string) int
}

// commands is the table of verbs, in the order of the help text.
func commands() []command {
	return []command{
		{"replay", "[NAME|FILE|DATE …]", "play scenarios, judge them, write a report", replay},
		{"list", "", "list the scenarios of the library and their variants", list},
		{"plan", "NAME|FILE", "show what a scenario would do, step by step", plan},
		{"validate", "FILE…", "check scenario files and start nothing", validate},
		{"new", "NAME", "write a scenario to go on with; --from NOTES.md reads a note about an incident", newScenario},
		{"schema", "", "print the JSON Schema of scenario files", schema},
		{"check", "DIR", "judge a run again from its history", checkRun},
		{"report", "DIR", "draw a run's pages again", reportRun},
		{"compare", "A B", "tell what differs between the runs of two folders: new, fixed, still failing", compare},
		{"up", "", "hold the system up for curl, dig and ffmpeg", up},
		{"cleanup", "", "end what a killed deadair left behind", cleanup},
		{"version", "", "print the version", version},
	}
}

// terminal is where a command reads nothing and writes everything.
type terminal struct {
	out, err io.Writer
}

func main() {
	if loopback.Child(stack.Kinds()) || inside.Guard() || suite.Child() {
		return
	}
	os.Exit(run(os.Args[1:], terminal{os.Stdout, os.Stderr}))
}

// run is main without the process around it.
func run(args []string, t terminal) int {
	ctx, stop := interruptible(t)
	defer stop()
	if len(args) == 0 { // perhaps a script whose variable is empty
		usage(t.err)
		return exitUsage
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		usage(t.out)
		return exitOK
	}
	var names []string
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, t, args[1:])
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(t.err, "deadair: no command %q%s\n\n", args[0], scenario.Alike(args[0], names))
	usage(t.err)
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "deadair replays incidents of live-audio ingest and proves what survives them.\n\nusage: deadair COMMAND …")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-28s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	fmt.Fprintln(w, "\nEach command explains its flags with -h. Exit codes: 0 all verdicts as expected, 1 a verdict differs,\n2 usage or invalid scenario, 3 inconclusive, 4 the harness failed, 130 interrupted.")
}

var errInterrupted = errors.New("interrupted")

// interruptible ends its context at the first Ctrl-C, so that faults are healed
// and the report is written; the second one ends the process at once.
func interruptible(t terminal) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2) // one to heal, one to end at once
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				if ctx.Err() != nil {
					os.Exit(exitInterrupted)
				}
				fmt.Fprintln(t.err, "\ndeadair: ending in order, faults are healed first; once more to end at once")
				cancel(errInterrupted)
			}
		}
	}()
	return ctx, func() { signal.Stop(signals); close(done); cancel(nil) }
}

// parse reads flags that may stand before, between and after the arguments.
// It returns the arguments, or ok false when the command must end with code.
func parse(fs *flag.FlagSet, t terminal, args []string) (rest []string, code int, ok bool) {
	fs.SetOutput(io.Discard) // it prints all flags after each error
	for {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(t.out)
			fs.Usage()
			return nil, exitOK, false
		}
		if err != nil {
			return nil, fail(t, exitUsage, fmt.Errorf("%s: %w%s; -h tells its flags", strings.TrimPrefix(fs.Name(), "deadair "), err, meantFlag(fs, err))), false
		}
		if fs.NArg() == 0 {
			return rest, exitOK, true
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// meantFlag is the flag that an unknown one resembles, for people.
func meantFlag(fs *flag.FlagSet, err error) string {
	_, name, ok := strings.Cut(err.Error(), "flag provided but not defined: -")
	if !ok {
		return ""
	}
	var known []string
	fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	return scenario.Alike(name, known)
}

// parseFlags is parse for a command that takes flags only.
func parseFlags(fs *flag.FlagSet, t terminal, args []string) (code int, ok bool) {
	rest, code, ok := parse(fs, t, args)
	if ok && len(rest) > 0 {
		return fail(t, exitUsage, fmt.Errorf("%s takes no %q, only flags", strings.TrimPrefix(fs.Name(), "deadair "), rest[0])), false
	}
	return code, ok
}

// fail prints an error for a person and returns the code.
func fail(t terminal, code int, err error) int {
	fmt.Fprintf(t.err, "deadair: %v\n", err)
	return code
}
