package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/scenarios"
)

// source is a scenario as it was asked for.
type source struct {
	file *scenario.File
	data []byte
	path string // empty for one of the library
}

// load reads a scenario by its name in the library, or from a file. It makes sure that
// all of a file can be built; of the library the tests of package stack do, which takes
// seconds that nobody waits for a list.
func load(name string) (source, error) {
	s := source{}
	shown := name + ".yaml"
	data, err := scenarios.Read(name)
	if isFile(name) {
		s.path, shown = name, name
		data, err = readFile(name)
	}
	switch {
	case err != nil && s.path == "":
		return source{}, fmt.Errorf("%w%s", err, scenario.Alike(name, scenarios.Names()))
	case err != nil:
		return source{}, err
	}
	s.data = data
	if s.file, err = scenario.Parse(shown, data); err != nil {
		return source{}, err
	}
	s.file.Name = strings.TrimSuffix(s.file.Name, ".yml")
	if s.path == "" {
		return s, nil
	}
	return s, stack.Check(shown, s.file)
}

// readFile reads a scenario's file, and no more of it than tells that it is too large.
func readFile(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && info.Mode()&(fs.ModeDir|fs.ModeDevice) != 0 {
		return nil, fmt.Errorf("read %s: it is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, scenario.MaxBytes+1))
}

func isFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// expand is the plan of one variant.
func (s source) expand(variant, world string, seed uint64, speed float64) (*scenario.Plan, error) {
	p, err := scenario.Expand(s.file, variant, world, seed, speed)
	if err != nil {
		return nil, err
	}
	p.File = s.path
	return p, nil
}

// loadAll loads what was named: scenarios, files, and the days of incidents.
func loadAll(names []string) ([]source, error) {
	var all []source
	for _, name := range names {
		one, err := load(name)
		if err == nil {
			all = append(all, one)
			continue
		}
		onDay, errDay := loadDay(name)
		if errDay != nil {
			return nil, errDay
		}
		if len(onDay) == 0 {
			return nil, err
		}
		all = append(all, onDay...)
	}
	return all, nil
}

// loadDay loads the library's incidents of a day, YYYY-MM-DD.
func loadDay(day string) ([]source, error) {
	var all []source
	for _, name := range scenarios.Names() {
		data, err := scenarios.Read(name)
		if err != nil {
			return nil, err
		}
		if !strings.Contains(string(data), day) {
			continue // reading it all would take longer
		}
		s, err := load(name)
		if err != nil {
			return nil, err
		}
		if s.file.Date.Value == day {
			all = append(all, s)
		}
	}
	return all, nil
}

// refuse prints why a scenario, or the command line, cannot be taken. What is
// wrong in a file begins with its place, for editors to jump to.
func refuse(t terminal, err error) int {
	var invalid *scenario.Invalid
	if errors.As(err, &invalid) {
		fmt.Fprintln(t.err, invalid)
		return exitUsage
	}
	return fail(t, exitUsage, err)
}
