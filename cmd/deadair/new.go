package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"deadair/harness/scenario"
	"deadair/harness/scenario/draft"
	"deadair/harness/stack"
)

// scenarioName is what a scenario, and so its file, may be called.
var scenarioName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)

// newScenario writes a scenario for a person to go on with: NAME.yaml in the folder
// that deadair runs in. It overwrites nothing.
func newScenario(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair new", flag.ContinueOnError)
	from := fs.String("from", "", "a note about an incident, of which days, clock times, lengths and components are recognised: a `FILE`, or - for standard input")
	names, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	d, err := drafted(*from)
	if err != nil {
		return fail(t, exitUsage, err)
	}
	name, err := nameOfNew(names, d)
	if err != nil {
		return fail(t, exitUsage, err)
	}
	file := name + ".yaml"
	text := d.YAML()
	if err := drawable(file, text); err != nil {
		return fail(t, exitHarness, fmt.Errorf("this scaffold is broken, which is a defect of deadair: %w", err))
	}
	if err := create(file, text); err != nil {
		return fail(t, exitUsage, err)
	}
	for _, f := range d.Found {
		fmt.Fprintf(t.out, "recognised: %s\n", f)
	}
	for _, a := range d.Assumed {
		fmt.Fprintf(t.out, "assumed: %s\n", a)
	}
	fmt.Fprintf(t.out, "%s is a valid scenario. Look at it, then:\n  deadair plan %s\n  deadair replay %s --world virtual\n", file, file, file)
	return exitOK
}

// drafted is the draft that was asked for.
func drafted(from string) (draft.Draft, error) {
	if from == "" {
		return draft.Blank(), nil
	}
	in := io.Reader(os.Stdin)
	if from != "-" {
		f, err := os.Open(from)
		if err != nil {
			return draft.Draft{}, fmt.Errorf("read note: %w", err)
		}
		defer f.Close()
		in = f
	}
	note, err := io.ReadAll(io.LimitReader(in, draft.MaxNote+1))
	if err != nil {
		return draft.Draft{}, fmt.Errorf("read note: %w", err)
	}
	if len(note) > draft.MaxNote {
		return draft.Draft{}, fmt.Errorf("read note %s: it has more than %d bytes: paste what tells of the incident", from, draft.MaxNote)
	}
	return draft.From(string(note)), nil
}

// nameOfNew is the scenario's name: the one given, or the incident's day.
func nameOfNew(names []string, d draft.Draft) (string, error) {
	switch {
	case len(names) > 1:
		return "", errors.New("new takes one name: deadair new NAME [--from NOTES.md]")
	case len(names) == 0 && d.Date.IsZero():
		return "", errors.New("new takes a name: deadair new NAME (a note that tells a day needs none)")
	case len(names) == 0:
		return d.Date.Format(time.DateOnly), nil
	case !scenarioName.MatchString(names[0]):
		return "", fmt.Errorf("%q is no name for a scenario: small letters, digits and dashes", names[0])
	}
	return names[0], nil
}

// drawable tells whether a text is a scenario that can be played.
func drawable(file string, text []byte) error {
	f, err := scenario.Parse(file, text)
	if err != nil {
		return err
	}
	return stack.Check(file, f)
}

// create writes a file that is not there yet.
func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: give another name, or remove it", name)
	}
	if err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
