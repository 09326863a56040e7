package reports

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

var update = flag.Bool("update", false, "write golden files anew")

const (
	eu1 = "eu-west/balancer-1"
	eu2 = "eu-west/balancer-2"
	us1 = "us-east/balancer-1"
)

// film is a history made by hand.
type film struct {
	plan   *scenario.Plan
	events []history.Event
	seq    map[string]int
}

// newFilm is a quarter of an hour without steps: two datacenters, 16 checkers,
// and shows named, all of the group eu and of 72 ms frames, on air from 10 s on.
func newFilm(names ...string) *film {
	p := &scenario.Plan{
		Schema: 1, Scenario: "film", Title: "A film", Variant: "today", World: "virtual", Seed: 7, Speed: 1,
		System: scenario.System{
			Datacenters: []scenario.Datacenter{
				{Name: "eu-west", Place: "Ireland", Balancers: 2, Recorders: 3, Capacity: 20},
				{Name: "us-east", Place: "Virginia", Balancers: 1, Recorders: 1, Capacity: 20},
			},
			Redis: "us-east",
			DNS:   scenario.DNS{Name: "ingest.deadair.test", TTL: 10 * time.Second, Checkers: 16, Interval: 10 * time.Second, Threshold: 3},
		},
		End: 15 * time.Minute, Clock: []scenario.Stretch{{}}, Want: scenario.Want{Pass: true},
	}
	f := &film{plan: p, seq: map[string]int{}}
	for _, n := range names {
		p.Broadcasters = append(p.Broadcasters, scenario.Broadcaster{
			Name: n, Group: "eu", From: "Rome", Nearest: "eu-west", Persona: "butt", Bitrate: 8000, OnAir: 10 * time.Second, OffAir: p.End,
		})
	}
	f.add(history.Event{Node: "harness", Kind: history.RunStarted})
	return f
}

func (f *film) add(e history.Event) {
	f.seq[e.Node]++
	e.Seq = f.seq[e.Node]
	f.events = append(f.events, e)
}

// step has something done at an instant; the caller says how it went.
func (f *film) step(s scenario.Step) scenario.Step {
	f.plan.Steps = append(f.plan.Steps, s)
	return s
}

// went is a step that began and touched one of what it was aimed at.
func (f *film) went(s scenario.Step, began, ended time.Duration) {
	f.step(s)
	f.add(history.Event{At: began, Node: "harness", Kind: history.FaultBegan, Fault: s.ID, Detail: s.Sentence()})
	f.add(history.Event{At: began, Node: "harness", Kind: history.FaultTouched, Fault: s.ID, Count: 1})
	if ended > 0 {
		f.add(history.Event{At: ended, Node: "harness", Kind: history.FaultEnded, Fault: s.ID})
	}
}

// attempt is over at an instant, after it took some time.
func (f *film) attempt(name, balancer string, at, took time.Duration, class string) {
	f.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: balancer, Class: class, Took: took})
}

// timeouts are failed attempts of 5 s each that are over at the instants given.
func (f *film) timeouts(balancer string, ats ...time.Duration) {
	for _, at := range ats {
		f.attempt("rome-1", balancer, at, 5*time.Second, "timeout")
	}
}

// knocks are failed attempts of which a number is told of at each of the instants.
func (f *film) knocks(name, balancer string, n int, ats ...time.Duration) {
	for _, at := range ats {
		f.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: balancer, Class: "timeout", Took: 5 * time.Second, Count: n})
	}
}

func (f *film) saw(checker, balancer string, at time.Duration, ok bool) {
	f.add(history.Event{At: at, Node: checker, Kind: history.CheckerSaw, Subject: balancer, OK: ok, Class: "timeout"})
}

func (f *film) vote(balancer string, at time.Duration, ok bool, n int) {
	f.add(history.Event{At: at, Node: "route53", Kind: history.Voted, Subject: balancer, OK: ok, Count: n, Of: 16})
}

func (f *film) answer(region string, at time.Duration, class string, hosts ...string) {
	f.add(history.Event{At: at, Node: "route53", Kind: history.AnswerChanged, Subject: region, Hosts: hosts, Class: class})
}

func (f *film) dial(balancer string, at time.Duration) {
	f.add(history.Event{At: at, Node: "world", Kind: history.Dialed, Subject: balancer, Peer: "redis", Class: "ok"})
}

func (f *film) ask(balancer string, at time.Duration, class string, n int) {
	f.add(history.Event{At: at, Node: "world", Kind: history.Probe, Subject: balancer, Peer: "redis", Class: class, OK: class == "ok", Count: n, Detail: "redis-write"})
}

// frame is the number of the frame that begins at an instant of a show from 10 s on.
func frame(at time.Duration) int64 { return int64((at - 10*time.Second) / (72 * time.Millisecond)) }

// show is a broadcaster from on air to off air, accepted at once.
func (f *film) show(name, balancer string) {
	f.add(history.Event{At: 10 * time.Second, Node: name, Kind: history.OnAir})
	f.attempt(name, balancer, 10*time.Second, 0, "accepted")
	f.add(history.Event{At: f.plan.End, Node: name, Kind: history.OffAir, Frame: frame(f.plan.End)})
}

// disk has the frames of a stretch of a show found on a recorder.
func (f *film) disk(recorder, name string, from, to time.Duration) {
	f.add(history.Event{
		At: f.plan.End + time.Second, Node: recorder, Kind: history.SegmentFound, Subject: name, Session: "s-" + name, Epoch: 1,
		Ranges: []history.Range{{From: frame(from), To: frame(to) - 1}},
	})
}

// events are the whole history in order.
func (f *film) history() []history.Event {
	es := append([]history.Event(nil), f.events...)
	for _, r := range []string{"eu-west/recorder-1", "eu-west/recorder-2", "eu-west/recorder-3", "us-east/recorder-1"} {
		es = append(es, history.Event{At: f.plan.End + time.Second, Node: r, Kind: history.DiskHashed})
	}
	es = append(es, history.Event{At: f.plan.End + time.Second, Node: "harness", Seq: 1 << 20, Kind: history.RunEnded})
	history.Sort(es)
	return es
}

// page judges the film and computes its page.
func (f *film) page() Page {
	es := f.history()
	return Compute(Judged{Plan: f.plan, Events: es, Verdict: check.Judge(f.plan, es)})
}

// html is the page as it is written.
func (f *film) html(t *testing.T) string {
	var b bytes.Buffer
	require.NoError(t, WritePage(&b, f.page()))
	return b.String()
}

// group finds the lanes under a title.
func group(t *testing.T, c Chart, title string) Group {
	for _, g := range c.Groups {
		if g.Title == title {
			return g
		}
	}
	require.Fail(t, "no such group", "%s", title)
	return Group{}
}

// at is a place on the axis as a time of the run.
func at(x float64, end time.Duration) time.Duration {
	return time.Duration((x - chartGutter) / chartWidth * float64(end)).Round(time.Second)
}

// ours are the parts of every page that are files here, and not what a run makes of them.
var ours = regexp.MustCompile(`(?s)<(style|script)( id="raw" type="text/plain")?>.*?</(style|script)>`)

// fingerprint is the hash of a plan, which changes with the form of plans.
var fingerprint = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// golden compares with a file of testdata, or writes it. Of a page what stands in
// files of its own is left out.
func golden(t *testing.T, name, got string) {
	got = strings.ReplaceAll(fingerprint.ReplaceAllString(got, "(a fingerprint)"), check.Version(), "(the checker)")
	got = ours.ReplaceAllString(got, "<$1$2></$1>")
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
