package scenario

import (
	"regexp"
	"slices"
	"time"
)

// Words that the form allows.
var (
	groupName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	variantName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
)

// check finds what is wrong with a file whatever the variant.
func (d *decoder) check(f *File) {
	if f.Schema != 1 && f.Schema != 0 {
		d.add(Pos{1, 1}, "schema %d is not known: this version reads schema 1", f.Schema)
	}
	d.checkDay(f)
	d.checkAffects(f)
	d.checkDocumented(f)
	d.checkSettings(f.System)
	d.checkGroups(f)
	d.checkVisitors(f)
	d.checkSteps(f.Timeline)
	if len(f.Variants) > maxVariants {
		d.add(Pos{1, 1}, "%d variants are more than %d", len(f.Variants), maxVariants)
	}
	for _, v := range f.Variants {
		d.checkVariant(v)
		d.checkByDefault(f, v)
	}
}

func (d *decoder) checkDay(f *File) {
	if f.Date.Value != "" {
		if _, err := time.Parse(time.DateOnly, f.Date.Value); err != nil {
			d.add(f.Date.Pos, "%q is no day: write it as 2014-10-02", clip(f.Date.Value))
		}
	}
	if f.Starts == nil {
		return
	}
	if !f.Starts.Clock {
		d.add(f.Starts.Pos, "starts is a clock time such as 18:30Z: it is what the clock shows at the run's zero")
	}
	if f.Date.Value == "" {
		d.add(f.Starts.Pos, `starts without "date" tells no day: add date: YYYY-MM-DD`)
	}
}

func (d *decoder) checkGroups(f *File) {
	total := 0
	seen := map[string]bool{}
	for _, g := range f.Broadcasters {
		d.checkGroup(g)
		if g.Name.Value != "" && seen[g.Name.Value] {
			d.add(g.Name.Pos, "there is a group %q already", g.Name.Value)
		}
		seen[g.Name.Value] = true
		total += g.count()
		if total > MaxBroadcasters && g.count() <= MaxBroadcasters {
			d.add(g.Pos, "%d broadcasters are more than %d", total, MaxBroadcasters)
			return
		}
	}
	if len(f.Broadcasters) == 0 {
		d.add(Pos{1, 1}, "a scenario needs broadcasters")
	}
}

func (d *decoder) checkGroup(g Group) {
	d.checkName(g.Name)
	d.checkPlace(g.From)
	d.checkPlace(g.ResolverIn)
	d.oneOf(g.Subnet, "sent", "hidden")
	d.oneOf(g.Plan, Plans()...)
	if a := time.Duration(or(g.Apart, 0)); a > time.Minute && g.Lasts == nil {
		d.add(g.Pos, `apart is %v: up to 1m, or say with "lasts" how long a show is`, a)
	}
	if g.Lasts != nil && *g.Lasts == 0 {
		d.add(g.Pos, "lasts is 0s: leave it out, or say how long")
	}
	if g.Count != nil && (*g.Count < 1 || *g.Count > MaxBroadcasters) {
		d.add(g.Pos, "count is %d: from 1 to %d", *g.Count, MaxBroadcasters)
	}
	if v := g.Persona.Value; v != "" {
		if _, ok := PersonaNamed(v); !ok {
			d.add(g.Persona.Pos, "unknown persona %q%s", v, Meant(v, personaNames()))
		}
	}
}

func (d *decoder) checkName(n Name) {
	if n.Value != "" && (!groupName.MatchString(n.Value) || slices.Contains(reserved(), n.Value)) {
		d.add(n.Pos, "%q is no name for a group: small letters, digits and dashes, and none of %v", clip(n.Value), reserved())
	}
}

func (d *decoder) checkPlace(n Name) {
	if _, ok := placeNamed(n.Value); !ok && n.Value != "" {
		d.add(n.Pos, "unknown place %q%s", n.Value, Meant(n.Value, placeNames()))
	}
}

// count is the number of a group's members.
func (g Group) count() int {
	if g.Count == nil {
		return 1
	}
	return min(max(*g.Count, 0), MaxBroadcasters+1)
}

// reserved are the names of hosts that a group must not take.
func reserved() []string { return []string{"redis", "accounts", "store", "mail", "dns", "checkers"} }

func (d *decoder) checkSteps(steps []StepSpec) {
	if len(steps) > MaxSteps {
		d.add(steps[MaxSteps].Pos, "%d steps are more than %d", len(steps), MaxSteps)
	}
	for _, s := range steps {
		if f, ok := FaultNamed(s.Fault.Value); ok {
			d.checkStep(s, f)
		}
	}
}

func (d *decoder) checkStep(s StepSpec, f Fault) {
	if f.Instant && s.For != nil {
		d.add(s.Fault.Pos, `%s is over at once and takes no "for"`, f.Name)
	}
	if f.Instant && s.Stays {
		d.add(s.Fault.Pos, `%s is over at once: "stays" says nothing about it`, f.Name)
	}
	if s.Stays && s.For != nil {
		d.add(s.Fault.Pos, `"for" ends the fault and "stays" keeps it: leave one out`)
	}
	if s.For != nil && *s.For == 0 {
		d.add(s.Fault.Pos, `"for" is 0s: leave it out, or say how long`)
	}
	d.checkEvery(s)
	d.limit(s, f, "delay", s.Delay != nil)
	d.limit(s, f, "rate", s.Rate != 0)
	d.oneOf(s.Connections, "existing", "new", "all")
	d.oneOf(s.Direction, "both", "forth", "back")
	d.checkLink(s, f)
}

// checkLink looks at what a fault of links cannot do.
func (d *decoder) checkLink(s StepSpec, f Fault) {
	switch conns := s.Connections; {
	case f.Name == "cut" && conns.Value == "new":
		d.add(conns.Pos, `cut resets connections that exist: leave "connections" out, or refuse new ones`)
	case f.Name == "refuse" && conns.Value == "existing":
		d.add(conns.Pos, `refuse is about new connections: leave "connections" out, or cut those that exist`)
	}
	if way := s.Direction; (f.Name == "cut" || f.Name == "refuse") && (way.Value == "forth" || way.Value == "back") {
		d.add(way.Pos, `%s goes both ways: leave "direction" out`, f.Name)
	}
}

// checkEvery looks at a step that comes again and again. It must be over before it does.
func (d *decoder) checkEvery(s StepSpec) {
	if s.Every == nil {
		return
	}
	f, _ := FaultNamed(s.Fault.Value)
	every := time.Duration(*s.Every)
	switch {
	case every < time.Second:
		d.add(s.Fault.Pos, `"every" is %v: from 1s`, every)
	case s.Stays:
		d.add(s.Fault.Pos, `"every" begins again what "stays" never ends: leave one out`)
	case s.For == nil && !f.Instant:
		d.add(s.Fault.Pos, `"every" needs "for": say how long %s lasts each time`, f.Name)
	case s.For != nil && time.Duration(*s.For) >= every:
		d.add(s.Fault.Pos, `"for" is %v and "every" is %v: it would begin again before it is over`, time.Duration(*s.For), every)
	}
}

// limit tells of a fault's limit that is missing, or that is another fault's.
func (d *decoder) limit(s StepSpec, f Fault, key string, given bool) {
	switch {
	case f.Needs == key && !given:
		d.add(s.Fault.Pos, "%s needs %q", f.Name, key)
	case f.Needs != key && given:
		d.add(s.Fault.Pos, "%s does not take %q", f.Name, key)
	}
}

// oneOf tells of a word that is given and not known.
func (d *decoder) oneOf(n Name, known ...string) {
	if n.Value != "" && !slices.Contains(known, n.Value) {
		d.add(n.Pos, "unknown word %q%s", clip(n.Value), Meant(n.Value, known))
	}
}

func (d *decoder) checkVariant(v Variant) {
	if !variantName.MatchString(v.Name) {
		d.add(v.Pos, "%q is no name for a variant: small letters, digits and dashes", clip(v.Name))
	}
	for _, n := range append(slices.Clone(v.Legacy), v.Mutant) {
		if n.Value != "" && !variantName.MatchString(n.Value) {
			d.add(n.Pos, "%q is no name: small letters, digits and dashes", clip(n.Value))
		}
	}
	d.checkSettings(v.System)
	for _, w := range v.Worlds {
		d.oneOf(w, Worlds()...)
	}
	if len(v.Worlds) > 0 && v.Because == "" {
		d.add(v.Worlds[0].Pos, `"worlds" needs "because": say why it does not run in the others`)
	}
	if len(v.Worlds) == 0 && v.Because != "" {
		d.add(v.Pos, `"because" goes with "worlds"`)
	}
	if v.Timeline != nil {
		d.checkSteps(v.Timeline.Extra)
	}
}
