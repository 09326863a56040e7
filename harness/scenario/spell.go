package scenario

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// The spellings of the form's mappings that are not plain structs.

// stepKeys are the keys of a step besides its fault.
type stepKeys struct {
	At      Instant   `yaml:"at" doc:"when: an offset from the run's zero (10m), or a clock time (18:40Z)"`
	For     *Duration `yaml:"for" doc:"how long it lasts; without it until everything is healed at the end"`
	Every   *Duration `yaml:"every" doc:"again and again until the end, so long after it last began"`
	Stays   bool      `yaml:"stays" doc:"true: it is not healed, also not at the end"`
	Assumed bool      `yaml:"assumed" doc:"true: the sources do not tell this"`
}

// linkArgs are what a fault of links takes.
type linkArgs struct {
	From        Names     `yaml:"from" need:"yes" doc:"who dials: nodes, a glob, a datacenter, redis, dns, checkers, a group of broadcasters"`
	To          Names     `yaml:"to" need:"yes" doc:"who is dialled"`
	Connections Name      `yaml:"connections" doc:"existing, new or all (default)"`
	Direction   Name      `yaml:"direction" doc:"both (default), forth or back"`
	Delay       *Duration `yaml:"delay" doc:"latency added, one way (only delay, which needs it)"`
	Rate        Rate      `yaml:"rate" doc:"bytes per second left (only throttle, which needs it)"`
}

// diskArgs are what a fault of disks takes.
type diskArgs struct {
	Of Names `yaml:"of" need:"yes" doc:"whose disks: servers, a glob, a datacenter"`
	Is Name  `yaml:"is" need:"yes" doc:"full, error or slow"`
}

// clockArgs are what a fault of clocks takes.
type clockArgs struct {
	Of     Names     `yaml:"of" need:"yes" doc:"whose clocks: nodes, a glob, a datacenter"`
	Ahead  *Duration `yaml:"ahead" doc:"by how much they are ahead"`
	Behind *Duration `yaml:"behind" doc:"or by how much they are behind"`
}

// dropArgs are what a fault of broadcasters takes.
type dropArgs struct {
	Broadcasters Names `yaml:"broadcasters" doc:"the groups it can hit (default: all)"`
	Share        Share `yaml:"share" doc:"how many of them, such as 50% (default 100%)"`
}

// zoneArgs are what a fault of zones takes.
type zoneArgs struct {
	Of     Names `yaml:"of" need:"yes" doc:"whose names: website, api, streaming"`
	Answer Name  `yaml:"answer" need:"yes" doc:"servfail, timeout or nxdomain" of:"dns-fault"`
	Share  Share `yaml:"share" doc:"how many of the questions, such as 30% (default 100%)"`
}

// answerArgs are what a fault of web servers takes.
type answerArgs struct {
	Nodes  Names `yaml:"nodes" need:"yes" doc:"servers of the website or the API, or a glob"`
	Status int   `yaml:"status" need:"yes" doc:"the status of their answers, 400 to 599"`
}

// hardenArgs are what operators tell web servers that speak TLS.
type hardenArgs struct {
	Nodes Names `yaml:"nodes" need:"yes" doc:"servers of the website or the API, or a glob"`
	Floor Name  `yaml:"floor" need:"yes" doc:"the oldest way to speak that they agree to from then on: 1.0, 1.1 or 1.2"`
}

func (s *StepSpec) decode(d *decoder, n ast.Node) {
	s.Pos = place(n)
	known := fields(reflect.TypeFor[stepKeys]())
	at := false
	for _, e := range d.entries(n) {
		switch e.key {
		case "at":
			at = true
			d.value(e.value, &s.At)
		case "for":
			d.value(e.value, &s.For)
		case "every":
			d.value(e.value, &s.Every)
		case "stays":
			d.value(e.value, &s.Stays)
		case "assumed":
			d.value(e.value, &s.Assumed)
		default:
			s.act(d, e, keysOf(known))
		}
	}
	if !at {
		d.add(s.Pos, `"at" is missing: say when the step happens`)
	}
	if s.Fault.Value == "" {
		d.add(s.Pos, "the step does nothing: name a fault")
	}
}

// act decodes the fault of a step.
func (s *StepSpec) act(d *decoder, e entry, keys []string) {
	f, ok := FaultNamed(e.key)
	if !ok {
		d.add(e.at, "unknown key or fault %q%s", e.key, Meant(e.key, append(keys, FaultNames()...)))
		s.Fault = Name{e.at, e.key}
		return
	}
	if s.Fault.Value != "" {
		d.add(e.at, "%q is a second fault in one step (after %q): make it a step of its own", e.key, s.Fault.Value)
		return
	}
	s.Fault = Name{e.at, e.key}
	switch f.Shape {
	case OnNodes:
		d.value(e.value, &s.Nodes)
	case OnLinks:
		var a linkArgs
		d.value(e.value, &a)
		s.From, s.To, s.Connections, s.Direction, s.Delay, s.Rate = a.From, a.To, a.Connections, a.Direction, a.Delay, a.Rate
	case OnBroadcasters:
		var a dropArgs
		d.value(e.value, &a)
		s.Broadcasters, s.Share = a.Broadcasters, a.Share
	default:
		s.ail(d, e, f.Shape)
	}
}

// ail decodes the fault of what lives and misbehaves.
func (s *StepSpec) ail(d *decoder, e entry, shape Shape) {
	switch shape {
	case OnDisks:
		var a diskArgs
		d.value(e.value, &a)
		s.Nodes, s.Answer = a.Of, a.Is
		if word := a.Is; word.Value != "" && !slices.Contains(DiskFaults(), word.Value) {
			d.add(word.Pos, "a disk is not %q%s", clip(word.Value), Meant(word.Value, DiskFaults()))
		}
	case OnClocks:
		var a clockArgs
		d.value(e.value, &a)
		s.Nodes, s.Skew = a.Of, time.Duration(or(a.Ahead, 0))-time.Duration(or(a.Behind, 0))
		if (a.Ahead == nil) == (a.Behind == nil) || s.Skew == 0 {
			d.add(e.at, `a clock is either "ahead" or "behind": write one of them`)
		}
	case OnStore:
		d.value(e.value, &s.Answer)
		if word := s.Answer.Value; !slices.Contains(StoreFaults(), word) {
			d.add(place(e.value), "a store does not fail by %q%s", clip(word), Meant(word, StoreFaults()))
		}
	case OnZones:
		var a zoneArgs
		d.value(e.value, &a)
		s.Nodes, s.Answer, s.Share = a.Of, a.Answer, a.Share
		d.oneOf(a.Answer, DNSFaults()...)
	case OnMail:
		d.value(e.value, &s.Answer)
		if word := s.Answer.Value; !slices.Contains(MailFaults(), word) {
			d.add(place(e.value), "mails do not fail by %q%s", clip(word), Meant(word, MailFaults()))
		}
	case OnWeb:
		var a answerArgs
		d.value(e.value, &a)
		s.Nodes, s.Status = a.Nodes, a.Status
		if a.Status != 0 && (a.Status < 400 || a.Status > 599) {
			d.add(place(e.value), "status %d is no failure: from 400 to 599", a.Status)
		}
	case OnFloors:
		var a hardenArgs
		d.value(e.value, &a)
		s.Nodes, s.Answer = a.Nodes, a.Floor
		d.oneOf(a.Floor, floors()...)
	case OnCohorts:
		d.value(e.value, &s.Answer)
		if word := s.Answer.Value; !slices.Contains(Cohorts(), word) {
			d.add(place(e.value), "there is no cohort %q%s", clip(word), Meant(word, Cohorts()))
		}
	case OnRedis:
		d.value(e.value, &s.Answer)
		if word := s.Answer.Value; !slices.Contains(RedisAnswers(), word) {
			d.add(place(e.value), "Redis has no answer %q%s", clip(word), Meant(word, RedisAnswers()))
		}
	}
}

// expectArgs are the limits of a property; each property takes some of them.
type expectArgs struct {
	Within       *Duration `yaml:"within" doc:"the longest time allowed"`
	AtMost       Name      `yaml:"at-most" doc:"the most seconds allowed, or bound: what the plan makes unavoidable; of requests the share, such as 1%"`
	Share        Share     `yaml:"share" doc:"how many of those judged must keep within (default 100%)"`
	Broadcasters Name      `yaml:"broadcasters" doc:"the group judged (default: all)"`
	Visitors     Name      `yaml:"visitors" doc:"the group judged, of visitors or of apps (default: all)"`
	Nodes        Names     `yaml:"nodes" doc:"the nodes judged (default: all that faults hit)"`
}

func (x *Expect) decode(d *decoder, n ast.Node) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		x.Property = Name{place(n), d.text(n)}
		x.check(d, nil)
		return
	}
	es := d.entries(m)
	if len(es) != 1 {
		d.add(place(n), "one property with its limits is one entry of the list, such as {dead-air: {at-most: bound}}")
		return
	}
	x.Property = Name{es[0].at, es[0].key}
	var a expectArgs
	d.value(es[0].value, &a)
	x.Within, x.Share, x.Broadcasters, x.Visitors, x.Nodes = a.Within, a.Share, a.Broadcasters, a.Visitors, a.Nodes
	p, _ := PropertyNamed(x.Property.Value)
	switch {
	case a.AtMost.Value == "":
	case p.Shares:
		x.AtMostShare.read(d, a.AtMost)
	case a.AtMost.Value == "bound":
		x.AtMostBound = true
	default:
		got, err := span(a.AtMost.Value)
		if err != nil {
			d.add(a.AtMost.Pos, "%v, or bound", err)
		}
		v := Duration(got)
		x.AtMost = &v
	}
	if x.Within != nil && *x.Within == 0 {
		d.add(x.Property.Pos, `"within" is 0s, which nothing keeps: say how long%s`, orBound(p))
	}
	x.check(d, d.entries(es[0].value))
}

// check finds unknown properties, and limits that a property does not take.
func (x *Expect) check(d *decoder, given []entry) {
	p, ok := PropertyNamed(x.Property.Value)
	if !ok {
		if x.Property.Value != "" {
			d.add(x.Property.Pos, "unknown property %q%s", x.Property.Value, Meant(x.Property.Value, PropertyNames()))
		}
		return
	}
	for _, e := range given {
		if slices.Contains(keysOf(fields(reflect.TypeFor[expectArgs]())), e.key) && !slices.Contains(p.Takes, e.key) {
			d.add(e.at, "%s does not take %q%s", p.Name, e.key, Meant(e.key, p.Takes))
		}
	}
	for _, need := range p.Needs {
		if !slices.ContainsFunc(given, func(e entry) bool { return e.key == need }) {
			d.add(x.Property.Pos, "%s needs %q", p.Name, need)
		}
	}
}

func (v *Variants) decode(d *decoder, n ast.Node) {
	for _, e := range d.entries(n) {
		one := Variant{}
		d.value(e.value, &one)
		one.Pos, one.Name = e.at, e.key
		*v = append(*v, one)
	}
}

func (t *Timeline) decode(d *decoder, n ast.Node) {
	if _, list := n.(*ast.SequenceNode); list {
		d.value(n, &t.Extra)
		return
	}
	if word := d.text(n); word != "none" {
		d.add(place(n), `a variant's timeline is "none", or a list of steps to add, not %q`, clip(word))
	}
	t.None = true
}

func (v *Verdict) decode(d *decoder, n ast.Node) {
	v.Pos = place(n)
	if _, m := n.(*ast.MappingNode); !m {
		if word := d.text(n); word != "pass" {
			d.add(v.Pos, "a verdict is pass, or {fail: [property, …]}, not %q", clip(word))
		}
		return
	}
	var f failArgs
	d.value(n, &f)
	v.Fail = f.Fail
}

// failArgs is a verdict of fail.
type failArgs struct {
	Fail Names `yaml:"fail" need:"yes" doc:"the exact set of properties that fail"`
}

func (r *Resolvers) decode(d *decoder, n ast.Node) {
	if _, m := n.(*ast.MappingNode); !m {
		d.value(n, &r.All)
		return
	}
	for _, e := range d.entries(n) {
		g := GroupResolver{Group: Name{e.at, e.key}}
		d.value(e.value, &g.Kind)
		r.Groups = append(r.Groups, g)
	}
}

// resolverKinds are the resolvers without an argument.
func resolverKinds() []string { return []string{"honest", "pinned", "stale"} }

func (k *ResolverKind) decode(d *decoder, n ast.Node) {
	s := d.text(n)
	if length, ok := strings.CutPrefix(s, "clamp:"); ok {
		if got, err := span(length); err != nil || got == 0 {
			d.add(place(n), "%q: a clamp has a length, such as clamp:300s", clip(s))
		}
	} else if s != "" && !slices.Contains(resolverKinds(), s) {
		d.add(place(n), "unknown resolver %q%s", clip(s), Meant(s, append(resolverKinds(), "clamp:300s")))
	}
	*k = ResolverKind(s)
}
