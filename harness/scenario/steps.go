package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// steps resolves the timeline of the variant, in the incident's time and the file's order.
func (b *builder) steps() []Step {
	var all []Step
	b.inOrder(b.file.Timeline)
	b.inOrder(or(b.variant.Timeline, Timeline{}).Extra)
	for i, s := range b.specs(or(b.variant.Timeline, Timeline{})) {
		f, ok := FaultNamed(s.Fault.Value)
		if !ok {
			continue
		}
		step := Step{
			ID: stepID(i), Repeats: s.repeats, At: b.since(s.At), For: time.Duration(or(s.For, 0)),
			Do: f.Name, Line: s.Line, Stays: s.Stays, Assumed: s.Assumed,
		}
		switch f.Shape {
		case OnNodes:
			step.Nodes = b.pick(s.Nodes, b.running(f), b.cast.sites)
			if f.Silent {
				step.From, step.To = without(b.cast.hosts, step.Nodes), step.Nodes
			}
		case OnLinks:
			b.links(s, &step)
		case OnBroadcasters:
			step.Who = b.chosen(s, step)
		case OnRedis:
			step.Nodes, step.Answer = []string{"redis"}, s.Answer.Value
		case OnDisks:
			step.Nodes, step.Answer = b.pick(s.Nodes, b.running(f), b.cast.sites), s.Answer.Value
		case OnClocks:
			step.Nodes, step.Skew = b.pick(s.Nodes, b.cast.nodes, b.cast.sites), s.Skew
		case OnStore:
			step.Nodes, step.Answer = []string{"store"}, s.Answer.Value
			if b.spec.Store == nil {
				b.add(s.Pos, `there is no store to fail: give the system one, such as store: {in: us-east}`)
			}
		case OnZones:
			step.Zones, step.Answer, step.Share = b.zones(s), s.Answer.Value, int(s.Share)
			if step.Share == 0 {
				step.Share = 100
			}
		case OnMail:
			step.Nodes, step.Answer = b.mailing(s), s.Answer.Value
		case OnWeb:
			step.Nodes, step.Status = b.pick(s.Nodes, b.cast.web, b.cast.sites), s.Status
		case OnCohorts:
			step.Nodes, step.Answer = b.rollout(s), s.Answer.Value
		case OnFloors:
			step.Nodes, step.Answer = b.hardened(s), s.Answer.Value
		}
		if step.At+step.For > b.ended {
			b.add(s.Pos, "the step lasts until %v, and the run ends at %v", step.At+step.For, b.ended)
		}
		all = append(all, step)
	}
	if len(all) > MaxSteps {
		b.add(b.variant.Pos, "%d steps are more than %d", len(all), MaxSteps)
		return all
	}
	b.apart(all)
	return all
}

// inOrder wants the steps of one list by time: one that is not where it seems to be is
// most likely a clock time of before the run began, which is taken for the next day's.
// Where nothing tells the run's end, such a time is not taken for the next day's at all.
func (b *builder) inOrder(list []StepSpec) {
	for _, s := range list {
		if b.file.Ends == nil && b.nextDay(s.At) {
			b.add(s.At.Pos, `the step is before "starts": put it after, or if the next day is meant say at the top of the file when the run "ends"`)
			return
		}
	}
	for i := 1; i < len(list); i++ {
		if before, at := b.since(list[i-1].At), b.since(list[i].At); at < before {
			b.add(list[i].Pos, "the step is at %v of the run and stands after one at %v: put them in order, and none before %q", at, before, "starts")
		}
	}
}

// stepID names a step by its place in the file, from 0.
func stepID(i int) string { return fmt.Sprintf("step-%d", i+1) }

// zones are the sites whose names a fault of DNS is about.
func (b *builder) zones(s StepSpec) []string {
	var known, all []string
	for _, p := range b.system(b.spec).Pools() {
		known = append(known, p.Site)
	}
	for _, n := range s.Nodes {
		if !slices.Contains(known, n.Value) {
			b.add(n.Pos, "there is no name of %q here%s", clip(n.Value), Meant(n.Value, known))
		}
		all = append(all, n.Value)
	}
	return all
}

// mailing are the nodes that a fault of the mail is in.
func (b *builder) mailing(s StepSpec) []string {
	if b.spec.Mail == nil {
		b.add(s.Pos, `there is no mail to fail: give the system a relay, such as mail: {in: us-east}`)
	}
	if s.Answer.Value != BlankMail {
		return []string{"mail"}
	}
	return slices.DeleteFunc(slices.Clone(b.cast.servers), func(n string) bool { return !strings.Contains(n, "/recorder-") })
}

// running are the nodes that a fault can hit.
func (b *builder) running(f Fault) []string {
	if f.Servers {
		return b.cast.servers
	}
	return b.cast.nodes
}

func (b *builder) links(s StepSpec, step *Step) {
	step.From = b.pick(s.From, b.cast.hosts, b.cast.sites, b.cast.groups)
	step.To = b.pick(s.To, b.cast.hosts, b.cast.sites, b.cast.groups)
	step.Conns, step.Way = s.Connections.Value, s.Direction.Value
	if step.Conns == "" {
		step.Conns = "all"
	}
	if step.Way == "" {
		step.Way = "both"
	}
	if step.Do == "cut" {
		step.Conns = "existing" // there is nothing else to cut
	}
	if step.Do == "refuse" {
		step.Conns = "new"
	}
	step.Delay, step.Rate = time.Duration(or(s.Delay, 0)), int(s.Rate)
}

// chosen are the broadcasters that a step hits: a share of those of its groups whose show
// is on at that time, by seed.
func (b *builder) chosen(s StepSpec, step Step) []string {
	var all []string
	if len(s.Broadcasters) == 0 {
		for _, g := range b.groupNames() {
			all = append(all, b.cast.groups[g]...)
		}
	}
	for _, n := range s.Broadcasters {
		if !slices.Contains(b.groupNames(), n.Value) {
			b.add(n.Pos, "unknown group %q%s", clip(n.Value), Meant(n.Value, b.groupNames()))
		}
		all = append(all, b.cast.groups[n.Value]...)
	}
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(name string) bool { return !b.onAir(name, step.At) })
	if s.Share > 0 && len(all) > 0 {
		r := b.rand("share " + step.ID)
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:s.Share.of(len(all))]
		slices.Sort(all)
	}
	return all
}

// onAir tells whether a broadcaster's show is on, in the incident's time.
func (b *builder) onAir(name string, at time.Duration) bool {
	return slices.ContainsFunc(b.shows, func(s Broadcaster) bool {
		return s.Name == name && s.OnAir <= at && at < s.OffAir
	})
}

// play puts a plan's instants on the run's clock, leaving out quiet stretches
// where the file allows it.
func (b *builder) play(p *Plan) {
	if b.file.CutQuiet {
		b.cuts = cuts(b.moments(p))
	}
	for i, s := range p.Steps {
		begin := toRun(b.cuts, s.At)
		if s.For > 0 {
			p.Steps[i].For = toRun(b.cuts, s.At+s.For) - begin
		}
		p.Steps[i].At = begin
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return int(a.At - b.At) })
	for i, one := range p.Broadcasters {
		p.Broadcasters[i].OnAir, p.Broadcasters[i].OffAir = toRun(b.cuts, one.OnAir), toRun(b.cuts, one.OffAir)
	}
	p.End = toRun(b.cuts, b.ended)
	p.Clock = stretches(b.cuts, b.zero())
}

// moments lists what must be played: shows that begin, and end, and are published; steps
// that begin and end.
func (b *builder) moments(p *Plan) []moment {
	quiet := max(quietLeast, p.Timing.Window)
	for _, x := range p.Expect {
		quiet = max(quiet, x.Within+quietOnAir)
	}
	all := []moment{{0, quietOnAir}, {b.ended, 0}}
	for _, one := range p.Broadcasters {
		all = append(all, moment{one.OnAir, quietOnAir}, moment{one.OffAir, p.Timing.Over + quietOnAir})
	}
	for _, s := range p.Steps {
		all = append(all, moment{s.At, quiet}, moment{s.At + s.For, quiet})
	}
	return all
}

// zero is the wall clock at the run's zero, if the file tells the day and the hour.
func (b *builder) zero() time.Time {
	day, err := time.Parse(time.DateOnly, b.file.Date.Value)
	if err != nil || b.file.Starts == nil {
		return time.Time{}
	}
	return day.Add(b.file.Starts.OfDay)
}

// Sentence tells what a step does, in one line.
func (s Step) Sentence() string {
	what := s.Do
	switch {
	case s.Do == "disk":
		what += " of " + list(s.Nodes) + " is " + map[string]string{"full": "full", "error": "broken", "slow": "slow"}[s.Answer]
	case s.Skew > 0:
		what = fmt.Sprintf("the clock of %s is %v ahead", list(s.Nodes), s.Skew)
	case s.Skew < 0:
		what = fmt.Sprintf("the clock of %s is %v behind", list(s.Nodes), -s.Skew)
	case s.Do == "dns":
		what = fmt.Sprintf("%d%% of the questions about the names of %s: %s", s.Share, list(s.Zones), s.Answer)
	case s.Do == "harden":
		what = list(s.Nodes) + " agrees to nothing older than " + Speech(s.Answer)
	case s.Do == "rollout":
		what = Led(s.Answer)
	case s.Answer != "":
		what += map[string]string{"redis": " answers ", "store": " fails: ", "mail": " fails: "}[s.Do] + s.Answer
	case s.Status > 0:
		what = fmt.Sprintf("%s answers %d to everything", list(s.Nodes), s.Status)
	case len(s.Nodes) > 0:
		what += " " + list(s.Nodes)
	case len(s.Who) > 0:
		what += " " + list(s.Who)
	default:
		what += " " + list(s.From) + " → " + list(s.To)
		if s.Conns != "" && s.Conns != "all" {
			what += ", " + s.Conns + " connections"
		}
		if s.Way != "" && s.Way != "both" {
			what += ", " + s.Way
		}
	}
	if s.Delay > 0 {
		what += fmt.Sprintf(", %v more one way", s.Delay)
	}
	if s.Rate > 0 {
		what += fmt.Sprintf(", to %d bytes/s", s.Rate)
	}
	if s.For > 0 {
		what += fmt.Sprintf(", for %v", s.For)
	}
	if s.Stays {
		what += ", for good"
	}
	return what
}

// list names up to four hosts, and how many more.
func list(names []string) string {
	if len(names) <= 4 {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s … %s (%d)", strings.Join(names[:2], " "), names[len(names)-1], len(names))
}
