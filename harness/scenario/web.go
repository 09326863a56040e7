package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names under which people find what is not ingest.
const (
	websiteName = "www.deadair.test"
	apiName     = "api.deadair.test"
	liveName    = "live.deadair.test"

	streaming = "streaming" // the site of the servers that deliver shows to listeners
)

// Servers of the pools, unless a file says otherwise.
const presetWeb = 2

// WebSpec is what a file says about the website and the API.
type WebSpec struct {
	Pos
	In      Name  `yaml:"in" doc:"the datacenter that they stand in (default: the first)"`
	Website *int  `yaml:"website" doc:"servers of the website, NAME/web-1 …, 1 to 16 (default 2)"`
	API     *int  `yaml:"api" doc:"servers of the API, NAME/api-1 …, 1 to 16 (default 2)"`
	Edge    *int  `yaml:"edge" doc:"servers that deliver shows to listeners, NAME/edge-1 …, up to 16 (default 0)"`
	Second  *bool `yaml:"second" doc:"true: each has a second name, in a zone of its own, that clients ask when the first one does not resolve"`
	Floor   Name  `yaml:"floor" doc:"the oldest way to speak TLS that their servers agree to: ssl3, 1.0, 1.1 or 1.2; without it they do not speak TLS"`
	Check   Name  `yaml:"check" doc:"how their health checks look: http (default), or tcp, which takes whoever accepts a connection for healthy"`
}

// Web is the website and the API, each a pool of servers behind a name of its own.
type Web struct {
	In      string `json:"in"` // the datacenter they stand in
	Website int    `json:"website"`
	API     int    `json:"api"`
	Edge    int    `json:"edge,omitempty"`   // servers that deliver shows to listeners
	Second  bool   `json:"second,omitempty"` // each has a second name
	Check   string `json:"check"`            // http or tcp
	Floor   string `json:"floor,omitempty"`  // of TLS; empty: none is spoken
}

// Pool is some servers behind one name.
type Pool struct {
	Site   string // what it is: website, api or streaming
	Name   string // in DNS
	In     string // the datacenter
	Nodes  []string
	Second string // another name in DNS, in a zone of its own; "" for none
}

// Pools are those of the system; none without Web.
func (s System) Pools() []Pool {
	if s.Web == nil {
		return nil
	}
	all := []Pool{
		{Site: "website", Name: websiteName, In: s.Web.In, Nodes: numbered(s.Web.In, "web", s.Web.Website)},
		{Site: "api", Name: apiName, In: s.Web.In, Nodes: numbered(s.Web.In, "api", s.Web.API)},
	}
	if s.Web.Edge > 0 {
		all = append(all, Pool{Site: streaming, Name: liveName, In: s.Web.In, Nodes: numbered(s.Web.In, "edge", s.Web.Edge)})
	}
	for i := range all {
		all[i].Second = s.Web.second(all[i].Name)
	}
	return all
}

// second is the name that is there beside another one: www2.deadair.test; "" for none.
func (w *Web) second(name string) string {
	if !w.Second {
		return ""
	}
	return strings.Replace(name, ".", "2.", 1)
}

// numbered names so many servers of a datacenter.
func numbered(dc, kind string, n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%s/%s-%d", dc, kind, i+1))
	}
	return names
}

// over is the spec with every field that the other one sets taken from there.
func (s *WebSpec) over(o *WebSpec) *WebSpec {
	if s == nil || o == nil {
		return first(o, s)
	}
	merged := WebSpec{Pos: o.Pos, In: s.In, Website: first(o.Website, s.Website), API: first(o.API, s.API), Check: s.Check, Floor: s.Floor, Edge: first(o.Edge, s.Edge), Second: first(o.Second, s.Second)}
	if o.In.Value != "" {
		merged.In = o.In
	}
	if o.Check.Value != "" {
		merged.Check = o.Check
	}
	if o.Floor.Value != "" {
		merged.Floor = o.Floor
	}
	return &merged
}

// web builds the pools that a spec describes.
func (b *builder) web(s *WebSpec, dcs []string) *Web {
	if s == nil {
		return nil
	}
	w := &Web{
		In:      dcs[0],
		Website: b.within(s.Pos, "website", or(s.Website, presetWeb), 1, 16),
		API:     b.within(s.Pos, "api", or(s.API, presetWeb), 1, 16),
		Edge:    b.within(s.Pos, "edge", or(s.Edge, 0), 0, 16),
		Second:  or(s.Second, false),
		Check:   "http",
	}
	if s.In.Value != "" {
		w.In = b.standing(s.In, dcs)
	}
	if w.Floor = s.Floor.Value; w.Floor != "" && !slices.Contains(floors(), w.Floor) {
		b.add(s.Floor.Pos, "no server agrees to %q%s", clip(w.Floor), Meant(w.Floor, floors()))
	}
	if known := []string{"http", "tcp"}; s.Check.Value != "" {
		w.Check = s.Check.Value
		if !slices.Contains(known, w.Check) {
			b.add(s.Check.Pos, "unknown health check %q%s", clip(w.Check), Meant(w.Check, known))
		}
	}
	return w
}

// VisitorGroup is some visitors that are alike. Its members are NAME-01, NAME-02 ….
type VisitorGroup struct {
	Pos
	Name     Name         `yaml:"name" need:"yes" doc:"the group's name"`
	From     Name         `yaml:"from" need:"yes" doc:"where they are: a name of the table of places" of:"place"`
	Count    *int         `yaml:"count" doc:"how many (default 1)"`
	Ask      Name         `yaml:"ask" doc:"what they visit: website (default), api, streaming (they listen to shows, one each in turn, and keep the connection), or the ingest itself"`
	Speak    Name         `yaml:"speak" doc:"how: ssl3, or one version of TLS, 1.0 to 1.3; without it in the clear"`
	Every    *Duration    `yaml:"every" doc:"from one visit to the next, 1s to 1h (default 10s); of streaming how long somebody listens until he tunes in anew (default: to the end)"`
	Resolver ResolverKind `yaml:"resolver" doc:"how their resolver treats the TTL: honest (default), clamp:300s, pinned, stale"`
}

// Visitor asks the website or the API for something, again and again.
type Visitor struct {
	Name     string        `json:"name"`             // paris-07
	Group    string        `json:"group"`            // paris
	From     string        `json:"from"`             // a city of package scenario's table
	Resolver string        `json:"resolver"`         // as a broadcaster's
	Ask      string        `json:"ask"`              // website, api, streaming or ingest
	Speak    string        `json:"speak,omitempty"`  // ssl3, or a version of TLS; empty: in the clear
	Site     string        `json:"site"`             // its name in DNS
	Second   string        `json:"second,omitempty"` // the name that is asked when that does not resolve
	Mount    string        `json:"mount,omitempty"`  // of streaming: the show
	Every    time.Duration `json:"every,omitempty"`  // of streaming until it is tuned in anew; 0: never
}

// does tells what a visitor does.
func (v Visitor) does() string {
	switch {
	case v.Ask != "streaming":
		return fmt.Sprintf("visitor of the %s from %s, every %v", v.Ask, v.From, v.Every)
	case v.Every > 0:
		return fmt.Sprintf("listener from %s, who tunes in anew every %v", v.From, v.Every)
	}
	return fmt.Sprintf("listener from %s", v.From)
}

const presetEvery = 10 * time.Second

// checkVisitors finds what is wrong with visitors whatever the variant.
func (d *decoder) checkVisitors(f *File) {
	total := 0
	for i, g := range f.Visitors {
		d.checkName(g.Name)
		d.checkPlace(g.From)
		d.oneOf(g.Ask, "website", "api", "streaming", "ingest")
		d.oneOf(g.Speak, Spoken()...)
		taken := slices.ContainsFunc(f.Broadcasters, func(b Group) bool { return b.Name.Value == g.Name.Value }) ||
			slices.ContainsFunc(f.Visitors[:i], func(v VisitorGroup) bool { return v.Name.Value == g.Name.Value })
		if g.Name.Value != "" && taken {
			d.add(g.Name.Pos, "there is a group %q already", g.Name.Value)
		}
		if g.Count != nil && (*g.Count < 1 || *g.Count > MaxVisitors) {
			d.add(g.Pos, "count is %d: from 1 to %d", *g.Count, MaxVisitors)
		}
		if e := time.Duration(or(g.Every, Duration(presetEvery))); e < time.Second || e > time.Hour {
			d.add(g.Pos, "every is %v: from 1s to 1h", e)
		}
		if total += g.count(); total > MaxVisitors && g.count() <= MaxVisitors {
			d.add(g.Pos, "%d visitors are more than %d", total, MaxVisitors)
			return
		}
	}
}

// count is the number of a group's members.
func (g VisitorGroup) count() int { return min(max(or(g.Count, 1), 0), MaxVisitors+1) }

// visitors names and places every visitor.
func (b *builder) visitors(sys System, shows []Broadcaster) []Visitor {
	var all []Visitor
	for _, g := range b.file.Visitors {
		one := Visitor{
			Group: g.Name.Value, From: g.From.Value, Ask: "website", Site: websiteName,
			Speak: g.Speak.Value, Resolver: b.resolverOf(g.Name.Value, g.Resolver), Every: time.Duration(or(g.Every, Duration(presetEvery))),
		}
		switch g.Ask.Value {
		case "api":
			one.Ask, one.Site = "api", apiName
		case "streaming":
			one.Ask, one.Site, one.Every = streaming, liveName, time.Duration(or(g.Every, 0))
		case "ingest":
			one.Ask, one.Site = "ingest", sys.DNS.Name
		}
		b.checkVisited(g, one, sys)
		if sys.Web != nil && one.Ask != "ingest" {
			one.Second = sys.Web.second(one.Site)
		}
		for i, name := range members(g.Name.Value, g.count()) {
			one.Name = name
			if one.Ask == "streaming" {
				one.Mount = shows[i%len(shows)].Mount
			}
			all = append(all, one)
		}
	}
	return all
}
