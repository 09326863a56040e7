package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// scene is a small run with something of everything.
func scene() *film {
	f := newFilm("rome-1", "rome-2")
	f.plan.Title, f.plan.Variant, f.plan.Legacy = "A small scene", "as-it-was", []string{"redis-client"}
	f.plan.Story, f.plan.Assumed = "Something broke.", []string{"When it broke."}
	f.plan.Expect = []scenario.Expectation{{Property: "health-honest", Within: 2 * minute}}
	f.plan.Want = scenario.Want{Fail: []string{"dead-air", "health-honest"}}
	f.went(scenario.Step{ID: "step-1", Do: "blackhole", From: []string{eu1}, To: []string{"redis"}, Conns: "existing", At: minute, Line: 12, Assumed: true}, minute, f.plan.End)
	f.went(scenario.Step{ID: "step-2", Do: "drop", Who: []string{"rome-1"}, At: 2 * minute, Line: 13}, 2*minute, f.plan.End)
	f.dial(eu1, 5*time.Second)
	f.ask(eu1, minute, "ok", 1)
	f.ask(eu1, 2*minute, "ok", 4)
	f.ask(eu1, 3*minute, "ok", 4)
	f.show("rome-1", eu1)
	f.show("rome-2", eu2)
	f.add(history.Event{At: 2 * minute, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: "dropped", Frame: frame(2 * minute)})
	f.timeouts(eu1, every(20*time.Second, 2*minute+5*time.Second, 5*minute)...)
	f.attempt("rome-1", eu2, 5*minute, 20*time.Millisecond, "accepted")
	f.disk("eu-west/recorder-1", "rome-1", 10*time.Second, 2*minute-time.Second)
	f.disk("eu-west/recorder-1", "rome-1", 5*minute, f.plan.End)
	f.disk("eu-west/recorder-2", "rome-2", 10*time.Second, f.plan.End)
	return f
}

// verdict is what a judge might say of the scene.
func verdict() check.Verdict {
	first := 13
	gap := check.Gap{From: 2*minute - time.Second, To: 5 * minute, Cause: "step-2", Bound: 6 * time.Second}
	return check.Verdict{
		Result: check.Fail, Expected: "fail:dead-air,health-honest", AsExpected: true,
		Properties: []check.Property{
			{Name: "health-honest", Result: check.Fail, Sentence: "a balancer that routes nobody is not called healthy", Limit: "2m0s", Measured: "2m45s", FirstEvent: &first,
				Findings: []check.Finding{{Sentence: eu1 + " was called healthy for 2m45s while it took none of 9 attempts", Subject: eu1, At: 2 * minute, Events: []int{13, 14, 15}}}},
			{Name: "dead-air", Result: check.Fail, Sentence: "no broadcaster's programme is missing for longer than allowed", Limit: "30s", Measured: "worst 3m1s",
				Findings: []check.Finding{{Sentence: "3m1s of rome-1 are in no recording, 30s are allowed", Subject: "rome-1", At: gap.From, Events: []int{11}}}},
			{Name: "evidence", Result: check.Pass, Sentence: "the run is complete"},
		},
		Dead: []check.Dead{
			{Broadcaster: "rome-1", Total: gap.Length(), Unavoidable: gap.Bound, Avoidable: gap.Length() - gap.Bound, Gaps: []check.Gap{gap}},
			{Broadcaster: "rome-2"},
		},
	}
}

// drawn is the page of the scene with that verdict.
func drawn(t *testing.T, f *film) string {
	var b bytes.Buffer
	require.NoError(t, WritePage(&b, Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})))
	return b.String()
}

func TestGoldenPage(t *testing.T) { golden(t, "page.html", drawn(t, scene())) }

func TestComputeIsDeterministic(t *testing.T) {
	f := scene()
	es := f.history()
	v := verdict()
	before := slices.Clone(es)
	first := Compute(Judged{Plan: f.plan, Events: es, Verdict: v})
	require.Equal(t, before, es, "it changes nothing")
	for range 20 {
		require.Equal(t, first, Compute(Judged{Plan: f.plan, Events: es, Verdict: v}))
		var a, b bytes.Buffer
		require.NoError(t, WritePage(&a, first))
		require.NoError(t, WritePage(&b, Compute(Judged{Plan: f.plan, Events: es, Verdict: v})))
		require.Equal(t, a.String(), b.String())
	}
}

// TestThePageLeadsWithWhatMatters: the cause, then what was said and served,
// before the drawing.
func TestThePageLeadsWithWhatMatters(t *testing.T) {
	text := drawn(t, scene())
	order := []string{"as expected", "Failed as it did in 2014: ", "<dd>16 of 16</dd>", "<dd>0 of 9</dd>", "For 2 min 45 s, from 0:02:00.0 to 0:04:45.0", "deadair replay film", `id="timeline"`, `id="why"`, `id="findings"`, `id="recovery"`, `id="blast"`, `id="service"`, `id="dead-air"`, `id="spacetime"`, `id="plan"`, `id="events"`}
	last := -1
	for _, s := range order {
		i := strings.Index(text, s)
		require.Greater(t, i, last, "%s", s)
		last = i
	}
}

// TestEveryLinkLeadsSomewhere, without a script: what is linked stands in no
// closed box, and no name is given twice.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	text := drawn(t, scene())
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		require.False(t, ids[m[1]], "two of %s", m[1])
		ids[m[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(text, -1)
	events := 0
	for _, m := range links {
		require.True(t, ids[m[1]], "nothing is #%s", m[1])
		events += bit(strings.HasPrefix(m[1], "ev-"))
	}
	require.Positive(t, events)
	_, after, _ := strings.Cut(text, `<section id="events">`)
	require.NotContains(t, after, "<details")
	require.Contains(t, after, `class="evidence"`)
}

// hostile are names that want to be markup.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; background:url(http://evil.example/x)`, "javascript:alert(1)", "http://evil.example/", "</style><script>x</script>", "{{.}}", "a\nb", "`|x|`",
}

// TestNamesStayText: whatever broadcasters, nodes and scenarios are called.
func TestNamesStayText(t *testing.T) {
	f := scene()
	names := hostile
	f.plan.Scenario, f.plan.Title, f.plan.Story, f.plan.Variant, f.plan.Mutant = names[0], names[1], names[2], names[5], names[0]
	f.plan.Assumed = names
	for _, n := range names {
		f.plan.Broadcasters = append(f.plan.Broadcasters, scenario.Broadcaster{Name: n, Group: n, Persona: n, From: n, Bitrate: 8000, OnAir: 10 * time.Second, OffAir: f.plan.End})
		f.show(n, eu1)
		f.disk(n, n, 10*time.Second, 40*time.Second)
		f.add(history.Event{At: minute, Node: n, Kind: history.Lost, Peer: n, Class: n})
		f.add(history.Event{At: minute, Node: n, Kind: history.NodeEnded, Subject: n, Class: n})
		f.answer("eu-west", minute, n, names...)
		f.went(scenario.Step{ID: n, Do: n, Nodes: []string{n}, At: minute}, minute, 0)
	}
	f.plan.System.Datacenters[0].Place = names[0]
	text := drawn(t, f)
	page := parsed(t, text)
	require.Subset(t, pageElements, page.elements)
	for _, n := range names {
		require.Contains(t, page.text, n)
	}
	page.harmless(t)
	var b bytes.Buffer
	r := NewRun(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})
	r.Dir, r.Error, r.Events = names[3], names[1], 1
	require.NoError(t, WriteStatus(&b, Summary{Schema: 1, Runs: []Run{r}}, nil))
	list := parsed(t, b.String())
	require.Subset(t, pageElements, list.elements)
	require.Contains(t, list.text, names[1])
	list.harmless(t)
}

// TestNothingIsFetched: a page needs nothing but itself.
func TestNothingIsFetched(t *testing.T) {
	page := parsed(t, drawn(t, scene()))
	page.harmless(t)
	require.NotEmpty(t, page.attributes)
	require.NotContains(t, page.elements, "script")
	require.NotContains(t, page.elements, "link")
}

// pageElements are all that a page is made of.
var pageElements = []string{"html", "head", "meta", "title", "style", "body", "main", "header", "p", "b", "h1", "h2", "section", "span", "dl", "div", "dt", "dd", "code", "nav", "a", "br",
	"svg", "defs", "pattern", "rect", "circle", "line", "text", "path", "g", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "article", "h3", "h4", "time", "polygon", "button", "kbd", "label", "input"}

// document is a page taken apart.
type document struct {
	elements   []string
	attributes []xml.Attr
	text       string // all of it, and all style
	style      string
}

func parsed(t *testing.T, text string) document {
	d := xml.NewDecoder(strings.NewReader(ours.ReplaceAllString(text, "")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var doc document
	var all strings.Builder
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch k := tok.(type) {
		case xml.StartElement:
			if !slices.Contains(doc.elements, k.Name.Local) {
				doc.elements = append(doc.elements, k.Name.Local)
			}
			doc.attributes = append(doc.attributes, k.Attr...)
		case xml.CharData:
			all.Write(k)
		}
	}
	doc.text = all.String()
	_, rest, _ := strings.Cut(text, "<style>")
	doc.style, _, _ = strings.Cut(rest, "</style>")
	return doc
}

// harmless tells that no attribute and no style leads out of the file.
func (d document) harmless(t *testing.T) {
	for _, a := range d.attributes {
		name := strings.ToLower(a.Name.Local)
		require.False(t, strings.HasPrefix(name, "on"), "a handler: %s", name)
		require.NotContains(t, []string{"src", "style", "srcset", "action"}, name)
		if name != "href" {
			continue // a title or a label is text
		}
		require.Regexp(t, `^(#[\w-]+|[\w.-]+(/[\w.-]+)*)$`, a.Value)
	}
	require.NotContains(t, d.style, "//")
	require.NotContains(t, d.style, "@import")
	for _, m := range regexp.MustCompile(`url\([^)]*\)`).FindAllString(d.style, -1) {
		require.Regexp(t, `^url\(#\w+\)$`, m)
	}
}

// TestStamps: whether there is something to do is said in a word, not in a colour alone.
func TestStamps(t *testing.T) {
	cases := []struct {
		run  Run
		want Stamp
	}{
		{Run{Verdict: "pass", AsExpected: true}, Stamp{"good", "✓", "as expected"}},
		{Run{Verdict: "fail", AsExpected: true}, Stamp{"good", "✓", "as expected"}},
		{Run{Verdict: "fail"}, Stamp{"bad", "✗", "not as expected"}},
		{Run{Verdict: "pass"}, Stamp{"bad", "✗", "not as expected"}},
		{Run{Verdict: "inconclusive"}, Stamp{"unclear", "?", "inconclusive"}},
		{Run{Verdict: "inconclusive", Error: "no"}, Stamp{"bad", "✗", "not carried out"}},
	}
	for _, c := range cases {
		require.Equal(t, c.want, stamp(c.run))
	}
}

func TestFactsOfARealWorld(t *testing.T) {
	f := scene()
	f.plan.World, f.plan.Speed = "loopback", 10
	f.add(history.Event{At: minute, Node: "harness", Kind: history.Canary, Took: 40 * time.Millisecond})
	f.add(history.Event{At: 2 * minute, Node: "harness", Kind: history.Canary, Took: 20 * time.Millisecond})
	facts := f.page().Facts
	require.Contains(t, facts, Fact{"speed", "10×"})
	require.Contains(t, facts, Fact{"harness late by at most", "0.04 s"})
	require.Contains(t, facts, Fact{"broadcasters", "2"})
}

// TestFindingsAreShortAndLinked: a few of many, each with a few of its events, all of them listed.
func TestFindingsAreShortAndLinked(t *testing.T) {
	f := scene()
	es := f.history()
	v := verdict()
	var many check.Property
	many.Name, many.Result, many.Sentence = "untouched", check.Fail, "nobody notices"
	for i := range 30 {
		fd := check.Finding{Sentence: "something", At: time.Duration(i) * time.Second}
		for e := range 20 {
			fd.Events = append(fd.Events, e-1, len(es)+e) // some are none of this history
		}
		many.Findings = append(many.Findings, fd)
	}
	v.Properties = append([]check.Property{{Name: "good", Result: check.Pass}, {Name: "odd", Result: check.Inconclusive}}, many)
	pg := Compute(Judged{Plan: f.plan, Events: es, Verdict: v})
	require.Equal(t, []string{"untouched", "odd", "good"}, []string{pg.Checks[0].Name, pg.Checks[1].Name, pg.Checks[2].Name}, "the worst first")
	c := pg.Checks[0]
	require.Len(t, c.Findings, maxFindings)
	require.Equal(t, 22, c.More)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, c.Findings[0].Events)
	require.Equal(t, 7, c.Findings[0].More)
	for _, e := range c.Findings[0].Events {
		i := slices.IndexFunc(pg.Events, func(r EventRow) bool { return r.ID == e })
		require.GreaterOrEqual(t, i, 0)
		require.True(t, pg.Events[i].Evidence)
		require.NotEmpty(t, pg.Events[i].Sentence)
	}
}
