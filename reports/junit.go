package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"deadair/harness/check"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Time     string        `xml:"time,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`

	wallS float64
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitResult `xml:"failure,omitempty"`
	Error   *junitResult `xml:"error,omitempty"`
	Skipped *junitResult `xml:"skipped,omitempty"`
	Out     string       `xml:"system-out"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes junit.xml: a suite per scenario and world, a case per
// variant. A verdict that differs is a failure, and so is an inconclusive one in
// virtual time, where nothing is left to chance; in real time it is skipped, with
// its reason. A run that could not be carried out is an error.
func WriteJUnit(w io.Writer, s Summary) error {
	out := junitSuites{Name: "deadair", Time: seconds(s.WallS)}
	by := map[string]*junitSuite{}
	for _, r := range s.Runs {
		name := r.Scenario + " (" + r.World + ")"
		if by[name] == nil {
			by[name] = &junitSuite{
				Name: name, Timestamp: s.Started.UTC().Format("2006-01-02T15:04:05"),
				Properties: []junitProperty{{"seed", strconv.FormatUint(s.Seed, 10)}, {"world", r.World}},
			}
			out.Suites = append(out.Suites, by[name])
		}
		by[name].add(r)
	}
	for _, suite := range out.Suites {
		suite.Time = seconds(suite.wallS)
		out.Tests += suite.Tests
		out.Failures += suite.Failures
		out.Errors += suite.Errors
		out.Skipped += suite.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write junit: %w", err)
	}
	return nil
}

func (s *junitSuite) add(r Run) {
	c := junitCase{Class: r.Scenario + "." + r.World, Name: r.Variant, Time: seconds(r.WallS), Out: r.Replay}
	result := &junitResult{Message: r.result(), Text: r.explain()}
	s.Tests++
	s.wallS += r.WallS
	switch {
	case r.Error != "":
		c.Error = result
		s.Errors++
	case r.AsExpected:
	case r.Verdict == string(check.Inconclusive) && r.World != "virtual":
		c.Skipped = result
		s.Skipped++
	default:
		c.Failure = result
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
}

// explain is what a person reads who has no more than this.
func (r Run) explain() string {
	return strings.Join(r.lines(), "\n") + "\n"
}

// lines tell why a run is not a pass, and how to play it again.
func (r Run) lines() []string {
	var all []string
	if r.Error != "" {
		all = append(all, "error: "+r.Error)
	}
	if r.Cause != "" {
		all = append(all, r.Cause)
	}
	for _, p := range r.Properties {
		if p.Verdict == string(check.Pass) {
			continue
		}
		line := p.Name + ": " + p.Verdict + ": " + p.Sentence
		if p.FirstEvent != nil {
			line += fmt.Sprintf(" (first bad event: #%d)", *p.FirstEvent)
		}
		all = append(all, line)
	}
	if r.Dir != "" {
		all = append(all, "report: "+r.Dir+"/report.html")
	}
	return append(all, "again: "+r.Replay)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
