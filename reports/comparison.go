package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// listed is one part of a comparison, as it is shown.
type listed struct {
	Title, Class, Sign string
	Note               string
	Changes            []Change
}

// Parts are the lists of a comparison in the order in which a person needs them.
func (c Comparison) Parts() []listed {
	return []listed{
		{"New", "bad", "✗", "as expected in A, not in B", c.New},
		{"Still failing", "bad", "✗", "as expected neither in A nor in B", c.Still},
		{"Fixed", "good", "✓", "not as expected in A, as expected in B", c.Fixed},
		{"Not comparable", "unclear", "?", "what is played or how it is judged changed, or one of both does not have it", c.NotComparable},
		{"Shifted", "none", "~", "as expected in both, and the worst dead air differs by more than 15 % and a second", c.Shifts},
	}
}

// Headline sums a comparison up.
func (c Comparison) Headline() string {
	var words []string
	for _, p := range c.Parts() {
		if n := len(p.Changes); n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, strings.ToLower(p.Title)))
		}
	}
	words = append(words, fmt.Sprintf("%d alike", c.Alike))
	return strings.Join(words, ", ")
}

// Class is how a comparison is coloured.
func (c Comparison) Class() string {
	switch {
	case len(c.Worse()) > 0:
		return "bad"
	case !c.Proves():
		return "unclear"
	}
	return "good"
}

// Caveats are what a reader must know before trusting the difference.
func (c Comparison) Caveats() []string {
	var all []string
	if c.A.Seed != c.B.Seed {
		all = append(all, fmt.Sprintf("The seeds differ (%d and %d): another draw of the same scenarios.", c.A.Seed, c.B.Seed))
	}
	if c.A.Commit != "" && c.A.Commit == c.B.Commit {
		all = append(all, "Both were played by the same commit.")
	}
	if !c.Proves() {
		all = append(all, "No run of A can be compared with one of B.")
	}
	return all
}

// String tells one side.
func (m Measuring) String() string {
	return fmt.Sprintf("%s (%s, seed %d, %s, commit %s)", cmp.Or(m.Name, "the runs"), m.Started.UTC().Format(time.DateTime+" UTC"), m.Seed, plural(m.Runs, "run"), cmp.Or(m.Commit, "unknown"))
}

// Title names the run.
func (x Change) Title() string { return x.Scenario + " " + x.Variant + " (" + x.World + ")" }

// Turn tells both verdicts.
func (x Change) Turn() string {
	switch {
	case x.Was == "":
		return x.Is + ", expected " + x.Expected
	case x.Is == "":
		return "was " + x.Was
	case x.Was == x.Is:
		return x.Is + " both times, expected " + x.Expected
	}
	return x.Was + " → " + x.Is + ", expected " + x.Expected
}

// WriteComparisonText writes a comparison for a terminal.
func WriteComparisonText(w io.Writer, c Comparison) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A  %s\nB  %s\n", c.A, c.B)
	for _, p := range c.Parts() {
		if len(p.Changes) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s (%s)\n", p.Title, p.Note)
		for _, x := range p.Changes {
			fmt.Fprintf(&b, "  %s: %s\n", x.Title(), x.Turn())
			if x.Why != "" {
				fmt.Fprintf(&b, "    %s\n", x.Why)
			}
			if x.Bad && x.Cause != "" {
				fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(x.Cause, "\n", "\n    "))
			}
			if d := x.Dead(); d != "" {
				fmt.Fprintf(&b, "    worst dead air %s\n", d)
			}
			if x.Bad {
				fmt.Fprintf(&b, "    again: %s\n", x.Replay)
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n", c.Headline())
	for _, s := range c.Caveats() {
		fmt.Fprintln(&b, s)
	}
	if _, err := io.WriteString(w, printable(b.String())); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// printable is text of others in which nothing steers a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// WriteComparisonJSON writes a comparison for machines.
func WriteComparisonJSON(w io.Writer, c Comparison) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// WriteComparisonPage writes the page of a comparison: one file that needs nothing else.
func WriteComparisonPage(w io.Writer, c Comparison) error {
	if err := templates().ExecuteTemplate(w, "compare.html", c); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}
