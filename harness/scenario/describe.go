package scenario

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Describe writes what a plan is going to do, for people: a numbered timetable
// with its clocks and targets, the bounds that follow, and what is expected.
func Describe(w io.Writer, p *Plan) error {
	var b strings.Builder
	head(&b, p)
	timetable(&b, p)
	bounds(&b, p)
	expectations(&b, p)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write description: %w", err)
	}
	return nil
}

func head(b *strings.Builder, p *Plan) {
	fmt.Fprintf(b, "%s · %s · %s · seed %d", p.Scenario, p.Variant, p.World, p.Seed)
	if p.World != "virtual" {
		fmt.Fprintf(b, " · speed %v", p.Speed)
	}
	if p.OnDemand {
		b.WriteString(" · played when it is named, or with --all")
	}
	fmt.Fprintf(b, "\n%s\n\n", p.Title)
	for _, g := range groups(p) {
		one := g[0]
		fmt.Fprintf(b, "%4d × %s from %s, nearest %s: %s\n", len(g), one.Persona, one.Whence(), one.Nearest, one.Group)
	}
	for _, g := range visitors(p) {
		fmt.Fprintf(b, "%4d × %s: %s\n", len(g), g[0].does(), g[0].Group)
	}
	for _, dc := range p.System.Datacenters {
		fmt.Fprintf(b, "     %s (%s): %s, %s of %d", dc.Name, dc.Place, count(dc.Balancers, "balancer"), count(dc.Recorders, "recorder"), dc.Capacity)
		if dc.Name == p.System.Redis {
			b.WriteString(map[string]string{RedisEmbedded: ", Redis", RedisServer: ", Redis (redis-server)", RedisForeign: ", Redis (" + p.Redis + ")"}[p.RedisKind()])
		}
		if dc.Name == p.System.Accounts {
			b.WriteString(", account service")
		}
		if p.System.Store != nil && dc.Name == p.System.Store.In {
			b.WriteString(", object store")
		}
		if p.System.Mail != nil && dc.Name == p.System.Mail.In {
			b.WriteString(", mail relay")
		}
		if w := p.System.Web; w != nil && dc.Name == w.In {
			fmt.Fprintf(b, ", %s, %s (%s checks)", count(w.Website, "web server"), count(w.API, "API server"), w.Check)
		}
		b.WriteByte('\n')
	}
	d := p.System.DNS
	fmt.Fprintf(b, "     DNS: TTL %v, %s every %v, threshold %d\n", d.TTL, count(d.Checkers, "checker"), d.Interval, d.Threshold)
	if len(p.Legacy) > 0 {
		fmt.Fprintf(b, "     as in 2014: %s\n", strings.Join(p.Legacy, ", "))
	}
	if p.Mutant != "" {
		fmt.Fprintf(b, "     broken on purpose: %s\n", p.Mutant)
	}
}

// groups are the broadcasters by group, in the plan's order.
func groups(p *Plan) [][]Broadcaster {
	return byGroup(p.Broadcasters, func(b Broadcaster) string { return b.Group })
}

// visitors are the visitors by group, in the plan's order.
func visitors(p *Plan) [][]Visitor {
	return byGroup(p.Visitors, func(v Visitor) string { return v.Group })
}

func byGroup[T any](members []T, group func(T) string) [][]T {
	var all [][]T
	for i, one := range members {
		if i == 0 || group(members[i-1]) != group(one) {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], one)
	}
	return all
}

// row is a line of the timetable.
type row struct {
	at     time.Duration
	number string
	what   string
}

func timetable(b *strings.Builder, p *Plan) {
	b.WriteString("\nTimetable\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	wall := p.Wall(0) != ""
	fmt.Fprint(t, "  #\trun\tincident\t")
	if wall {
		fmt.Fprint(t, "clock\t")
	}
	fmt.Fprintln(t, "what")
	for _, r := range rows(p) {
		fmt.Fprintf(t, "  %s\t%s\t%s\t", r.number, hms(r.at), hms(p.Incident(r.at)))
		if wall {
			at, _ := time.Parse(time.RFC3339, p.Wall(r.at))
			fmt.Fprintf(t, "%s\t", at.Format("15:04:05Z"))
		}
		fmt.Fprintln(t, r.what)
	}
	t.Flush() //nolint:errcheck // a strings.Builder takes everything
}

// rows lists shows, steps, their ends and cut stretches by time.
func rows(p *Plan) []row {
	var all []row
	for _, g := range groups(p) {
		all = append(all, row{g[0].OnAir, "", "on air: " + g[0].Group})
	}
	for i, s := range p.Steps {
		played := s.At + s.For
		s.For = p.Incident(played) - p.Incident(s.At) // as the incident had it
		what := s.Sentence()
		if s.Assumed {
			what += " (assumed)"
		}
		all = append(all, row{s.At, strconv.Itoa(i + 1), fmt.Sprintf("%s  [line %d]", what, s.Line)})
		if s.For > 0 {
			all = append(all, row{played, "", fmt.Sprintf("%s of %d ends", s.Do, i+1)})
		}
	}
	for i := 1; i < len(p.Clock); i++ {
		prev, s := p.Clock[i-1], p.Clock[i]
		left := s.Incident - prev.Incident - (s.Run - prev.Run)
		all = append(all, row{s.Run, "", fmt.Sprintf("%v of quiet left out", left)})
	}
	all = append(all, row{p.End, "", "off air"})
	sortRows(all)
	return all
}

func bounds(b *strings.Builder, p *Plan) {
	b.WriteString("\nBounds\n")
	fmt.Fprintf(b, "  a dead balancer leaves the answers:  from %s, at most %v\n", short(p.OutOfAnswers(false).Min()), p.OutOfAnswers(false))
	fmt.Fprintf(b, "  a silent balancer leaves them:       from %s, at most %v\n", short(p.OutOfAnswers(true).Min()), p.OutOfAnswers(true))
	fmt.Fprintf(b, "  a balancer that works again is back: from %s, at most %v\n", short(p.BackInAnswers(false).Min()), p.BackInAnswers(false))
	for _, g := range groups(p) {
		fmt.Fprintf(b, "  %s loses its connection: at most %v\n", g[0].Group, p.Reconnect(g[0], false))
		fmt.Fprintf(b, "  %s loses all its balancers: at most %v\n", g[0].Group, p.Failover(g[0], false))
	}
}

func expectations(b *strings.Builder, p *Plan) {
	b.WriteString("\nExpected\n")
	for _, x := range p.Expect {
		fmt.Fprintf(b, "  %s\n", x)
	}
	fmt.Fprintf(b, "  verdict: %s\n", p.Want.Result())
	for i, a := range p.Assumed {
		if i == 0 {
			b.WriteString("\nAssumed\n")
		}
		fmt.Fprintf(b, "  %s\n", a)
	}
}

// String spells an expectation as in a scenario file.
func (x Expectation) String() string {
	var limits []string
	if x.Within > 0 {
		limits = append(limits, "within: "+x.Within.String())
	}
	if x.AtMostBound {
		limits = append(limits, "at-most: bound")
	} else if x.Property == "dead-air" {
		limits = append(limits, "at-most: "+x.AtMost.String())
	}
	if x.AtMostShare > 0 {
		limits = append(limits, fmt.Sprintf("at-most: %d%%", x.AtMostShare))
	}
	if x.Share > 0 {
		limits = append(limits, fmt.Sprintf("share: %d%%", x.Share))
	}
	if x.Broadcasters != "" {
		limits = append(limits, "broadcasters: "+x.Broadcasters)
	}
	if x.Visitors != "" {
		limits = append(limits, "visitors: "+x.Visitors)
	}
	if len(x.Nodes) > 0 {
		limits = append(limits, "nodes: "+list(x.Nodes))
	}
	if len(limits) == 0 {
		return x.Property
	}
	return x.Property + " {" + strings.Join(limits, ", ") + "}"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// hms spells a time of the run as hours, minutes and seconds, with milliseconds if there are any.
func hms(d time.Duration) string {
	s := fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	if ms := d % time.Second / time.Millisecond; ms > 0 {
		s += fmt.Sprintf(".%03d", ms)
	}
	return s
}

func sortRows(rs []row) {
	slices.SortStableFunc(rs, func(a, b row) int { return cmp.Compare(a.at, b.at) })
}
