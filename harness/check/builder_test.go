package check

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// run builds the history of a plan that went well, apart from what a test makes
// happen to it.
type run struct {
	t      require.TestingT
	plan   *scenario.Plan
	events []history.Event
	seq    map[string]int
	shows  map[string]*played
	order  []string
}

// played is one show of a run.
type played struct {
	b        scenario.Broadcaster
	frame    time.Duration
	recorder string
	session  string
	conns    []conn
	on       bool
}

// conn is one connection of a show and what it left on disk.
type conn struct {
	balancer, recorder, session string
	epoch                       int64
	from, to                    int64
}

// held is how much of what was sent last never reached the disk when a connection ends.
const held = 400 * time.Millisecond

// expand makes a plan of a scenario's text.
func expand(t require.TestingT, text, variant, world string) *scenario.Plan {
	f, err := scenario.Parse("test.yaml", []byte(text))
	require.NoError(t, err)
	speed := 1.0
	if world != "virtual" {
		speed = 10
	}
	p, err := scenario.Expand(f, variant, world, 1, speed)
	require.NoError(t, err)
	return p
}

// newRun puts every broadcaster on air with the first balancer and the second
// recorder of its datacenter; the hash would have chosen the first.
func newRun(t require.TestingT, p *scenario.Plan) *run {
	r := &run{t: t, plan: p, seq: map[string]int{}, shows: map[string]*played{}}
	r.add(history.Event{Node: "harness", Kind: history.RunStarted})
	for _, dc := range p.System.Datacenters {
		r.answers(1, dc.Name, all(dc)...)
	}
	for _, b := range p.Broadcasters {
		frame := 72 * time.Millisecond
		if b.Bitrate == 128_000 {
			frame = 24 * time.Millisecond
		}
		r.order = append(r.order, b.Name)
		r.shows[b.Name] = &played{b: b, frame: frame, recorder: b.Nearest + "/recorder-2", session: "s-" + b.Name}
		r.add(history.Event{Node: "harness", Kind: history.HashChoice, Subject: b.Name, Peer: b.Nearest + "/recorder-1"})
		r.add(history.Event{At: b.OnAir, Node: b.Name, Kind: history.OnAir})
		r.back(b.Name, b.OnAir+200*time.Millisecond, b.Nearest+"/balancer-1")
	}
	r.faults()
	return r
}

func all(dc scenario.Datacenter) []string {
	var names []string
	for i := range dc.Balancers {
		names = append(names, fmt.Sprintf("%s/balancer-%d", dc.Name, i+1))
	}
	return names
}

// faults has every step take hold.
func (r *run) faults() {
	for _, s := range r.plan.Steps {
		r.add(history.Event{At: s.At, Node: "harness", Kind: history.FaultBegan, Fault: s.ID})
		r.add(history.Event{At: s.At, Node: "harness", Kind: history.FaultTouched, Fault: s.ID, Count: 1})
		end := r.plan.End
		if s.For > 0 {
			end = s.At + s.For
		}
		if !s.Stays {
			r.add(history.Event{At: end, Node: "harness", Kind: history.FaultEnded, Fault: s.ID})
		}
	}
}

func (r *run) add(e history.Event) {
	r.seq[e.Node]++
	e.Seq = r.seq[e.Node]
	r.events = append(r.events, e)
}

// number is the first frame of a show that is produced after an instant.
func (s *played) number(at time.Duration) int64 {
	return int64((at-s.b.OnAir)/s.frame) + 1
}

// answers has DNS answer a region with some balancers from an instant on.
func (r *run) answers(at time.Duration, region string, hosts ...string) {
	r.add(history.Event{At: at, Node: "route53", Kind: history.AnswerChanged, Subject: region, Hosts: hosts})
}

func (r *run) vote(at time.Duration, balancer string, ok bool) {
	r.add(history.Event{At: at, Node: "route53", Kind: history.Voted, Subject: balancer, OK: ok})
}

// lose has a connection end; what was sent last is not on disk.
func (r *run) lose(name string, at time.Duration, class string) {
	s := r.shows[name]
	require.True(r.t, s.on, "%s is not connected at %v", name, at)
	s.on = false
	last := &s.conns[len(s.conns)-1]
	last.to = s.number(at-held) - 1
	r.add(history.Event{At: at, Node: name, Kind: history.Lost, Peer: last.balancer, Class: class, Frame: s.number(at) - 1})
}

// told has a broadcaster's resolver answer.
func (r *run) told(name string, at time.Duration, hosts ...string) {
	r.add(history.Event{At: at, Node: name, Kind: history.Resolved, Hosts: hosts})
}

// refused is an attempt that failed.
func (r *run) refused(name string, at time.Duration, balancer, class string) {
	r.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: balancer, Class: class, Took: 100 * time.Millisecond})
}

// answered is an attempt that a balancer refused.
func (r *run) answered(name string, at time.Duration, balancer string, status int) {
	r.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: balancer, Class: "answered", Status: status, Took: 100 * time.Millisecond})
}

// gaveUp is a client that does not try again.
func (r *run) gaveUp(name string, at time.Duration, class string) {
	r.add(history.Event{At: at, Node: name, Kind: history.GaveUp, Class: class})
}

// back has a show accepted by a balancer and recorded where it was.
func (r *run) back(name string, at time.Duration, balancer string) {
	s := r.shows[name]
	s.on = true
	n := s.number(at)
	s.conns = append(s.conns, conn{balancer: balancer, recorder: s.recorder, session: s.session, epoch: int64(len(s.conns) + 1), from: n})
	r.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: balancer, Class: "accepted", Frame: n})
}

// again is a loss and a quick way back.
func (r *run) again(name string, at time.Duration, class string, after time.Duration) {
	balancer := r.shows[name].conns[0].balancer
	r.lose(name, at, class)
	r.told(name, at+after-100*time.Millisecond, all(r.site(name))...)
	r.back(name, at+after, balancer)
}

func (r *run) site(name string) scenario.Datacenter {
	i := slices.IndexFunc(r.plan.System.Datacenters, func(dc scenario.Datacenter) bool { return dc.Name == r.shows[name].b.Nearest })
	return r.plan.System.Datacenters[i]
}

// history ends all shows, reads all disks and returns the events in order.
func (r *run) history() []history.Event {
	for _, name := range r.order {
		s := r.shows[name]
		total := int64((s.b.OffAir - s.b.OnAir) / s.frame)
		r.add(history.Event{At: s.b.OffAir, Node: name, Kind: history.OffAir, Frame: total})
		for i, c := range s.conns {
			if s.on && i == len(s.conns)-1 {
				c.to = total - 1
			}
			r.segment(name, c)
		}
	}
	for _, dc := range r.plan.System.Datacenters {
		for i := range dc.Recorders {
			r.add(history.Event{At: r.plan.End + 10*time.Second, Node: fmt.Sprintf("%s/recorder-%d", dc.Name, i+1), Kind: history.DiskHashed})
		}
	}
	r.add(history.Event{At: r.plan.End + 10*time.Second, Node: "harness", Kind: history.RunEnded})
	history.Sort(r.events)
	return r.events
}

func (r *run) segment(name string, c conn) {
	r.add(history.Event{
		At: r.plan.End + 10*time.Second, Node: c.recorder, Kind: history.SegmentFound, Subject: name, Session: c.session, Epoch: c.epoch,
		File: fmt.Sprintf("%s/%d-1.mp3", c.session, c.epoch), Ranges: []history.Range{{From: c.from, To: c.to}}, Count: int(c.to - c.from + 1),
	})
}

// failing judges a history and returns the properties that failed, sorted.
func failing(p *scenario.Plan, es []history.Event) []string {
	v := Judge(p, es)
	return v.failed()
}

// of finds a property in a verdict.
func of(t testing.TB, v Verdict, name string) Property {
	i := slices.IndexFunc(v.Properties, func(p Property) bool { return p.Name == name })
	require.GreaterOrEqual(t, i, 0, "no property %s", name)
	return v.Properties[i]
}
