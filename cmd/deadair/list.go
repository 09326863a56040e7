package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"text/tabwriter"

	"deadair/scenarios"
)

// listed is one variant of a scenario in one world, named as in summary.json.
type listed struct {
	Scenario string `json:"scenario"`
	Title    string `json:"title"`
	Date     string `json:"date"`
	Variant  string `json:"variant"`
	World    string `json:"world"`
	Expected string `json:"expected"`
}

func list(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair list", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print a JSON array")
	if code, ok := parseFlags(fs, t, args); !ok {
		return code
	}
	all, err := library()
	if err != nil {
		return fail(t, exitHarness, err)
	}
	if *asJSON {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return fail(t, exitHarness, err)
		}
		return exitOK
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	last := ""
	for _, l := range all {
		if l.World != "virtual" {
			continue // each variant once
		}
		if l.Scenario != last {
			fmt.Fprintf(w, "%s\t%s\n", l.Scenario, l.Title)
			last = l.Scenario
		}
		fmt.Fprintf(w, "  %s\t%s\n", l.Variant, l.Expected)
	}
	if err := w.Flush(); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitOK
}

// library lists every variant of every scenario in every world that plays it.
func library() ([]listed, error) {
	var all []listed
	for _, name := range scenarios.Names() {
		s, err := load(name)
		if err != nil {
			return nil, err
		}
		for _, v := range s.file.VariantNames() {
			for _, w := range []string{"virtual", "loopback"} {
				if _, ok := s.file.RunsIn(v, w); !ok {
					continue
				}
				p, err := s.expand(v, w, 1, defaultSpeed)
				if err != nil {
					return nil, err
				}
				all = append(all, listed{name, p.Title, p.Date, v, w, p.Want.Result()})
			}
		}
	}
	return all, nil
}
