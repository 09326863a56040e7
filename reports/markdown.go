package reports

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes summary.md: what differs first, then a table of all runs.
func WriteMarkdown(w io.Writer, s Summary) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## Dead Air: %s\n\n", s.tally())
	for _, r := range s.Runs {
		if r.AsExpected && r.Error == "" {
			continue
		}
		fmt.Fprintf(&b, "- **%s / %s** (%s): %s\n", inert(r.Scenario), inert(r.Variant), inert(r.World), inert(r.result()))
		for _, line := range r.lines() {
			fmt.Fprintf(&b, "  - %s\n", inert(line))
		}
	}
	fmt.Fprint(&b, "\n| scenario | variant | world | expected | verdict | worst dead air | wall |\n|---|---|---|---|---|---:|---:|\n")
	for _, r := range s.Runs {
		found := "not carried out"
		if r.Error == "" {
			found = r.found()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s %s | %.1f s | %.1f s |\n",
			inert(r.Scenario), inert(r.Variant), inert(r.World), inert(r.Expected), stamp(r).Sign, inert(found), r.DeadAirS, r.WallS)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write markdown: %w", err)
	}
	return nil
}

// inert is text of others on one line, in which nothing is markup: what could be
// is written as a character reference, which Markdown shows and does not read.
func inert(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteRune('\uFFFD')
		case strings.ContainsRune("\\`*_[]<>&|~$@!", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), "://", "&#58;//"), "www.", "www&#46;")
}
