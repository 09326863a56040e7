package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"deadair/harness/scenario"
)

// Line is one line of the scenario's file.
type Line struct {
	N     int
	Text  string
	Steps []string // the steps that stand there
}

// maxSource bounds the lines of a scenario that a page shows.
const maxSource = 2000

// source is the scenario's file, line by line.
func source(p *scenario.Plan, data []byte) []Line {
	var all []Line
	steps := map[int][]string{}
	for _, s := range p.Steps {
		steps[s.Line] = append(steps[s.Line], s.ID)
	}
	for text := range strings.Lines(string(data)) {
		n := len(all) + 1
		if n > maxSource {
			break
		}
		all = append(all, Line{n, strings.TrimRight(text, "\r\n"), steps[n]})
	}
	return all
}

// effective are the values of a plan after all defaults, in incident time.
func effective(p *scenario.Plan) []Fact {
	t, d := p.Timing, p.System.DNS
	all := []Fact{
		{"schema", strconv.Itoa(p.Schema)}, {"seed", strconv.FormatUint(p.Seed, 10)},
		{"DNS", fmt.Sprintf("TTL %v, %s every %v, threshold %d, propagation %v", d.TTL, plural(d.Checkers, "checker"), d.Interval, d.Threshold, d.Propagation)},
	}
	for _, dc := range p.System.Datacenters {
		redis := ""
		if dc.Name == p.System.Redis {
			redis = ", Redis"
		}
		all = append(all, Fact{dc.Name + " (" + dc.Place + ")", fmt.Sprintf("%s, %s of %d%s", plural(dc.Balancers, "balancer"), plural(dc.Recorders, "recorder"), dc.Capacity, redis)})
	}
	for _, one := range []struct {
		name string
		d    time.Duration
	}{
		{"reconnect window", t.Window}, {"check timeout", t.CheckTimeout}, {"balancer's own probe", t.ProbeEvery}, {"its deadline", t.ProbeDeadline}, {"claim deadline", t.ClaimDeadline},
		{"dial deadline", t.DialDeadline}, {"ask deadline", t.AskDeadline}, {"hold of PUT", t.HoldPut}, {"hold of SOURCE", t.HoldSource}, {"look at a recorder", t.RecorderPoll},
		{"stall timeout", t.Stall}, {"in flight", t.Flush}, {"sync of disks", t.Sync}, {"slack of the harness", t.Slack}, {"longest round trip", t.Trip},
	} {
		all = append(all, Fact{one.name, one.d.String()})
	}
	if len(p.Legacy) > 0 {
		all = append(all, Fact{"as it was in 2014", strings.Join(p.Legacy, ", ")})
	}
	if p.Mutant != "" {
		all = append(all, Fact{"broken on purpose", p.Mutant})
	}
	return append(all, Fact{"longest leave of a dead balancer", p.OutOfAnswers(false).String()}, Fact{"of a silent one", p.OutOfAnswers(true).String()}, Fact{"return of one that works again", p.BackInAnswers(false).String()})
}
