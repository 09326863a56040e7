package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
)

// Stage is one link of what a run's first fault set off: when it happened, since the
// run began.
type Stage struct {
	Name string  `json:"name"`
	AtS  float64 `json:"at_s"`
}

// Names of stages.
const (
	tookHold       = "took hold"
	firstBadProbe  = "first bad probe"
	votedOut       = "voted out"
	answerChanged  = "answer changed"
	firstReconnect = "first reconnect"
	lastReconnect  = "last reconnect"
	poolRestored   = "pool restored"
)

// stages are what happened after the first fault, each at most once: what it reached,
// what health checks and DNS made of that, when broadcasters were back and when the
// last balancer was voted in again.
func stages(es []history.Event) []Stage {
	began := slices.IndexFunc(es, func(e history.Event) bool { return e.Kind == history.FaultBegan })
	if began < 0 {
		return nil
	}
	m := stagesOf{at: map[string]time.Duration{}, lost: map[string]bool{}, bad: map[[2]string]time.Duration{}}
	for _, e := range es[began:] {
		m.take(e)
	}
	var all []Stage
	for _, name := range []string{tookHold, firstBadProbe, votedOut, answerChanged, firstReconnect, lastReconnect, poolRestored} {
		if at, ok := m.at[name]; ok {
			all = append(all, Stage{name, at.Seconds()})
		}
	}
	return all
}

// stagesOf are the stages while a history is read.
type stagesOf struct {
	at   map[string]time.Duration
	lost map[string]bool             // broadcasters that are not back
	bad  map[[2]string]time.Duration // since when a checker finds a node bad
}

func (m *stagesOf) take(e history.Event) {
	switch e.Kind {
	case history.FaultTouched, history.NodeEnded:
		m.first(tookHold, e)
	case history.CheckerSaw:
		delete(m.bad, [2]string{e.Node, e.Subject})
		if !e.OK {
			m.bad[[2]string{e.Node, e.Subject}] = e.At
		}
	case history.Voted:
		if !e.OK {
			m.voted(e)
			return
		}
		m.at[poolRestored] = e.At
	case history.AnswerChanged:
		m.first(answerChanged, e)
	case history.Lost:
		m.lost[e.Node] = true
	case history.Attempt:
		if e.Class == "accepted" && m.lost[e.Node] {
			m.lost[e.Node] = false
			m.first(firstReconnect, e)
			m.at[lastReconnect] = e.At
		}
	}
}

// voted takes the first vote against a node, and the first of the bad probes that led to
// it. One that led to nothing is no link of the chain: a checker that comes just when a node
// starts sees it fail, and whether one does is luck.
func (m *stagesOf) voted(e history.Event) {
	if _, ok := m.at[votedOut]; ok {
		return
	}
	m.at[votedOut] = e.At
	for who, at := range m.bad {
		if first, ok := m.at[firstBadProbe]; who[1] == e.Subject && (!ok || at < first) {
			m.at[firstBadProbe] = at
		}
	}
}

func (m *stagesOf) first(name string, e history.Event) {
	if _, ok := m.at[name]; !ok {
		m.at[name] = e.At
	}
}

// Parity sets a variant's run in virtual time beside one on real sockets.
type Parity struct {
	Scenario string    `json:"scenario"`
	Variant  string    `json:"variant"`
	World    string    `json:"world"`             // of the other run
	Verdicts [2]string `json:"verdicts"`          // in virtual time, and there; with the properties that failed
	Chain    []Pair    `json:"chain"`             // of virtual time, in its order; never null
	Agree    bool      `json:"agree"`             // as far as both prove something
	Differs  []string  `json:"differs"`           // what does not agree, in sentences; never null
	Unclear  string    `json:"unclear,omitempty"` // why nothing can be compared
}

// Pair is one stage in both worlds.
type Pair struct {
	Name     string   `json:"name"`
	VirtualS float64  `json:"virtual_s"`
	OtherS   *float64 `json:"other_s"` // null: it did not happen there
}

// apart is how far two stages must be from one another for their order to count, in
// seconds: what is nearer is decided by luck, and by deadlines, which last longer on
// real sockets because no world scales them.
const apart = 5.0

// Parities compares each variant that was played in virtual time and elsewhere.
func Parities(runs []Run) []Parity {
	all := []Parity{}
	for _, v := range runs {
		if v.World != "virtual" {
			continue
		}
		for _, o := range runs {
			if o.World != "virtual" && o.Scenario == v.Scenario && o.Variant == v.Variant {
				all = append(all, parity(v, o))
			}
		}
	}
	return all
}

func parity(v, o Run) Parity {
	p := Parity{Scenario: v.Scenario, Variant: v.Variant, World: o.World, Verdicts: [2]string{v.found(), o.found()}, Chain: []Pair{}, Differs: []string{}}
	for _, m := range v.Chain {
		pair := Pair{Name: m.Name, VirtualS: m.AtS}
		if i := slices.IndexFunc(o.Chain, func(x Stage) bool { return x.Name == m.Name }); i >= 0 {
			pair.OtherS = &o.Chain[i].AtS
		}
		p.Chain = append(p.Chain, pair)
	}
	for _, r := range []Run{v, o} {
		if r.Error != "" || r.Verdict == "inconclusive" {
			p.Unclear = "the run in " + r.World + " proves nothing"
			p.Agree = true
			return p
		}
	}
	if p.Verdicts[0] != p.Verdicts[1] {
		p.Differs = append(p.Differs, fmt.Sprintf("virtual says %s, %s %s", p.Verdicts[0], o.World, p.Verdicts[1]))
	}
	p.Differs = append(p.Differs, p.disorder()...)
	p.Agree = len(p.Differs) == 0
	return p
}

// disorder tells what did not happen in the other world, and which two stages came in
// another order, each time well apart. What happened only in the other world does not
// count: a machine that is busy can do that, and a deadline of a second that is ten of
// the incident's.
func (p Parity) disorder() (found []string) {
	for i, a := range p.Chain {
		if a.OtherS == nil {
			found = append(found, fmt.Sprintf("%q came only in virtual time", a.Name))
			continue
		}
		for _, b := range p.Chain[i+1:] {
			if b.OtherS == nil {
				continue
			}
			here, there := b.VirtualS-a.VirtualS, *b.OtherS-*a.OtherS
			if here >= apart && there <= -apart || here <= -apart && there >= apart {
				found = append(found, fmt.Sprintf("%q and %q came in another order", a.Name, b.Name))
			}
		}
	}
	return found
}

// Line is a parity for a person.
func (p Parity) Line() string {
	name := fmt.Sprintf("%s %s, virtual against %s: ", p.Scenario, p.Variant, p.World)
	switch {
	case p.Unclear != "":
		return name + p.Unclear
	case p.Agree:
		return name + "the same"
	}
	return name + strings.Join(p.Differs, "; ")
}
