package reports

import (
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGoldenMarkdown(t *testing.T) {
	s := summary()
	s.Runs[0].AsExpected = false
	golden(t, "summary.md", written(t, WriteMarkdown, s))
}

// TestMarkdownOfHostileNames: nothing that others named is markup, and every row
// keeps its columns.
func TestMarkdownOfHostileNames(t *testing.T) {
	names := append([]string{"a|b", `a\|b`, "**bold**", "[x](http://evil.example)", "![x](y)", "@team", "$x$", "~~x~~", "__x__", "line\r\nbreak\u2028here\x1b", "www.evil.example", "&lt;b&gt;"}, hostile...)
	for _, n := range names {
		r := Run{Scenario: n, Variant: n, World: n, Expected: n, Verdict: "fail", Cause: n, Error: n, Dir: n, Replay: n, Properties: []Property{{Name: n, Verdict: "fail", Sentence: n}}}
		text := written(t, WriteMarkdown, Summary{Runs: []Run{r}})
		plain := written(t, WriteMarkdown, Summary{Runs: []Run{{Scenario: "x", Variant: "x", World: "x", Expected: "x", Verdict: "fail", Cause: "x", Error: "x", Dir: "x", Replay: "x", Properties: []Property{{Name: "x", Verdict: "fail", Sentence: "x"}}}}})
		require.Equal(t, strings.Count(plain, "\n"), strings.Count(text, "\n"), "%q adds lines", n)
		for _, mark := range []string{"|", "`", "*", "<", "[", "]", `\`, "~", "@", "$", "!", "://", "www."} {
			require.Equal(t, strings.Count(plain, mark), strings.Count(text, mark), "%q has a %s", n, mark)
		}
	}
}

// TestInertTextReadsAsItWas to who sees the page.
func TestInertTextReadsAsItWas(t *testing.T) {
	for _, s := range append([]string{"us-east/balancer-1 → redis", "a & b", "1.15 × bound"}, hostile...) {
		require.Equal(t, strings.Join(strings.Fields(s), " "), html.UnescapeString(inert(s)))
	}
	require.Equal(t, "us-east/balancer-1 was called healthy for 10m (7m)", inert("us-east/balancer-1 was called healthy for 10m (7m)"), "and plain text stays plain")
}
