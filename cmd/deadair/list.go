package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
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
	Default  bool   `json:"default"` // played without being named
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
	last := listed{}
	for i, l := range all {
		if l.Scenario == last.Scenario && l.Variant == last.Variant {
			continue // each variant once, with all its worlds
		}
		if l.Scenario != last.Scenario {
			fmt.Fprintf(w, "%s\t%s\n", l.Scenario, l.Title)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", l.Variant, l.Expected, worldsFrom(all[i:]))
		last = l
	}
	if err := w.Flush(); err != nil {
		return fail(t, exitHarness, err)
	}
	fmt.Fprintln(t.out, "\nA world in brackets is played when the scenario or the variant is named, or with --all.")
	return exitOK
}

// worldsFrom are the worlds of the first variant, those of --all in brackets.
func worldsFrom(all []listed) string {
	var worlds []string
	for _, l := range all {
		if l.Scenario != all[0].Scenario || l.Variant != all[0].Variant {
			break
		}
		if !l.Default {
			l.World = "(" + l.World + ")"
		}
		worlds = append(worlds, l.World)
	}
	return strings.Join(worlds, " ")
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
				all = append(all, listed{name, p.Title, p.Date, v, w, p.Want.Result(), !p.OnDemand})
			}
		}
	}
	return all, nil
}
