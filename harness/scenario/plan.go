package scenario

import (
	"fmt"
	"time"
)

// Plan is a scenario with every choice made: one variant, one world, one seed.
// It is all that a run and a check need to know; it is written to plan.json and
// read back. Times are incident time since the stack was up, unless said otherwise.
type Plan struct {
	Schema   int     `json:"schema"`
	Scenario string  `json:"scenario"`       // file name without .yaml
	File     string  `json:"file,omitempty"` // the path it was read from, unless it is of the library
	Title    string  `json:"title"`
	Story    string  `json:"story,omitempty"`
	Date     string  `json:"date,omitempty"` // YYYY-MM-DD, empty for a guarantee
	Variant  string  `json:"variant"`
	World    string  `json:"world"`
	Seed     uint64  `json:"seed"`
	Speed    float64 `json:"speed"`               // incident seconds per second of the world's clock; 1 in virtual
	OnDemand bool    `json:"on_demand,omitempty"` // played only when it is named, or with all; see File.ByDefault
	Redis    string  `json:"redis,omitempty"`     // "server" or a URL, see UseRedis; "" is the embedded one

	Foreign []Adapter `json:"foreign,omitempty"` // servers of somebody else's in the place of ours, by kind, see UseForeign

	System       System        `json:"system"`
	Timing       Timing        `json:"timing"`
	Legacy       []string      `json:"legacy,omitempty"` // names in stack/legacy, sorted
	Mutant       string        `json:"mutant,omitempty"` // a name in stack/mutant
	Broadcasters []Broadcaster `json:"broadcasters"`
	Visitors     []Visitor     `json:"visitors,omitempty"`
	Steps        []Step        `json:"steps"` // sorted by At
	End          time.Duration `json:"end"`   // everybody goes off air
	Clock        []Stretch     `json:"clock"` // the time map, sorted; at least one stretch

	Expect     []Expectation `json:"expect"`
	Want       Want          `json:"want"`
	Assumed    []string      `json:"assumed,omitempty"`
	Affects    []string      `json:"affects,omitempty"` // components, see Components
	Documented []Milestone   `json:"documented,omitempty"`
}

// System is the infrastructure to build.
type System struct {
	Datacenters []Datacenter   `json:"datacenters"`
	Redis       string         `json:"redis"`                   // the datacenter it stands in
	Old         int            `json:"old_recorders,omitempty"` // so many recorders of each datacenter are of an old generation; 0: there is one
	Replica     string         `json:"replica,omitempty"`       // the datacenter of a second one, which sentinels may make the master; "": there is one
	Accounts    string         `json:"accounts,omitempty"`      // the datacenter of the account service; "": balancers have lists
	Store       *Store         `json:"store,omitempty"`         // nil: recorders publish nothing
	Mail        *Mail          `json:"mail,omitempty"`          // nil: nobody is told that a show is published
	Web         *Web           `json:"web,omitempty"`           // nil: neither website nor API
	DNS         DNS            `json:"dns"`
	Balancer    map[string]any `json:"balancer,omitempty"` // overrides of balancer.Config by its YAML keys
	Recorder    map[string]any `json:"recorder,omitempty"`
}

// Singles are the servers of which a system has one each, with the datacenters that
// they stand in.
func (s System) Singles() map[string]string {
	all := map[string]string{"redis": s.Redis}
	if s.Replica != "" {
		all["redis-2"] = s.Replica
		for i, in := range s.sentinelsIn() {
			all[fmt.Sprintf("sentinel-%d", i+1)] = in
		}
	}
	if s.Accounts != "" {
		all["accounts"] = s.Accounts
	}
	if s.Store != nil {
		all["store"] = s.Store.In
	}
	if s.Mail != nil {
		all["mail"] = s.Mail.In
	}
	return all
}

// sentinelsIn is where the sentinels stand: beside each Redis, and in a third
// datacenter if there is one.
func (s System) sentinelsIn() []string {
	third := s.Replica
	for _, dc := range s.Datacenters {
		if dc.Name != s.Redis && dc.Name != s.Replica {
			third = dc.Name
		}
	}
	return []string{s.Redis, s.Replica, third}
}

// Store is the object store that finished shows are published to.
type Store struct {
	In string `json:"in"` // the datacenter it stands in
}

// Mail is the relay through which broadcasters are told that their show is published.
type Mail struct {
	In string `json:"in"` // the datacenter it stands in
}

// Datacenter is one site. Its nodes are NAME/balancer-1 … and NAME/recorder-1 ….
type Datacenter struct {
	Name      string `json:"name"`  // eu-west
	Place     string `json:"place"` // Ireland
	Balancers int    `json:"balancers"`
	Recorders int    `json:"recorders"`
	Capacity  int    `json:"capacity"` // sources per recorder
}

// DNS is the hosted zone and its health checks.
type DNS struct {
	Name        string        `json:"name"` // ingest.deadair.test
	TTL         time.Duration `json:"ttl"`  // whole seconds
	Checkers    int           `json:"checkers"`
	Interval    time.Duration `json:"interval"`
	Threshold   int           `json:"threshold"`
	Propagation time.Duration `json:"propagation"` // from the vote to the first answer
	Latency     []Latency     `json:"latency,omitempty"`
}

// Timing is what bounds are computed from: waits as they are, deadlines as long
// as they last in incident time (a deadline is not scaled, so at speed 10 one of
// 1 s lasts 10 s).
type Timing struct {
	CheckTimeout  time.Duration `json:"check_timeout"`  // a checker's connect + answer
	VoteEvery     time.Duration `json:"vote_every"`     // how often views are counted
	ProbeEvery    time.Duration `json:"probe_every"`    // the balancer's own health loop
	ProbeDeadline time.Duration `json:"probe_deadline"` //
	ClaimDeadline time.Duration `json:"claim_deadline"` // one Redis command
	DialDeadline  time.Duration `json:"dial_deadline"`  // one connection to a recorder
	AskDeadline   time.Duration `json:"ask_deadline"`   // asking recorders without Redis
	AuthDeadline  time.Duration `json:"auth_deadline"`  // asking the account service; 0 without one
	HoldPut       time.Duration `json:"hold_put"`       // budget of an answer, by the client's form
	HoldSource    time.Duration `json:"hold_source"`    //
	RecorderPoll  time.Duration `json:"recorder_poll"`  // a balancer's look at a recorder
	RecorderFall  int           `json:"recorder_fall"`  // failed looks until it is out
	Window        time.Duration `json:"window"`         // reconnect window
	Flush         time.Duration `json:"flush"`          // what may be in flight: batching + one write of the client
	Slack         time.Duration `json:"slack"`          // lateness allowed to the harness; 0 in virtual
	Over          time.Duration `json:"over,omitempty"` // from a source's end to when its recorder takes the show for over; 0 without a store
	Sync          time.Duration `json:"sync"`           // what a power cut of a recorder may lose
	PollDeadline  time.Duration `json:"poll_deadline"`  // of one look at a recorder
	Stall         time.Duration `json:"stall"`          // until a balancer gives up a recorder that takes no bytes
	Trip          time.Duration `json:"trip"`           // the longest round trip of the plan; 0 where the world has none
}

// Broadcaster is one show with its client.
type Broadcaster struct {
	Name     string        `json:"name"`    // us-east-07
	Group    string        `json:"group"`   // us-east
	From     string        `json:"from"`    // a city of package scenario's table
	Nearest  string        `json:"nearest"` // the datacenter that DNS takes for the nearest to it, before any fault
	Persona  string        `json:"persona"`
	Resolver string        `json:"resolver"`            // honest, or clamp:300s
	AsksFrom string        `json:"asks_from,omitempty"` // where its resolver stands; "": where it is itself
	Hidden   bool          `json:"hidden,omitempty"`    // its resolver does not tell DNS who asks
	Mount    string        `json:"mount"`               // /us-east-07
	Account  string        `json:"account"`
	Password string        `json:"password"`
	Plan     string        `json:"plan,omitempty"`   // of the account: free or pro; "": nobody tells
	API      string        `json:"api,omitempty"`    // of an app: the name in DNS of the API that tells it where to broadcast; "": there is none
	Second   string        `json:"second,omitempty"` // the name that is asked when that does not resolve
	Bitrate  int           `json:"bitrate"`          // bit/s: 128000 or 8000
	Retry    Retry         `json:"retry"`            // how its client comes back
	OnAir    time.Duration `json:"on_air"`
	OffAir   time.Duration `json:"off_air"`
}

// Step is one fault or act at its instant.
type Step struct {
	ID      string        `json:"id"`                // step-1, in the file's order
	Repeats string        `json:"repeats,omitempty"` // the step that comes again with this one
	At      time.Duration `json:"at"`
	For     time.Duration `json:"for,omitempty"` // zero: until healed at the end, or instant
	Do      string        `json:"do"`            // a fault's name: kill, blackhole, drop …
	Nodes   []string      `json:"nodes,omitempty"`
	From    []string      `json:"from,omitempty"` // hosts of a link fault
	To      []string      `json:"to,omitempty"`
	Who     []string      `json:"who,omitempty"`         // broadcasters, chosen by seed
	Conns   string        `json:"connections,omitempty"` // existing, new, all
	Way     string        `json:"direction,omitempty"`   // both, forth, back
	Delay   time.Duration `json:"delay,omitempty"`
	Rate    int           `json:"rate,omitempty"`   // bytes per incident second
	Zones   []string      `json:"zones,omitempty"`  // whose names in DNS: website, api, streaming
	Share   int           `json:"share,omitempty"`  // percent of the questions about them
	Answer  string        `json:"answer,omitempty"` // how DNS or Redis refuses, the store or the mail fails, what a disk is, the oldest way to speak, or a cohort
	Status  int           `json:"status,omitempty"` // of a web server's answers
	Skew    time.Duration `json:"skew,omitempty"`   // of clocks: ahead, or behind when negative
	Line    int           `json:"line"`             // in the scenario file; 0: it comes from elsewhere
	Stays   bool          `json:"stays,omitempty"`  // never healed, also not at the end
	Assumed bool          `json:"assumed,omitempty"`
}

// Stretch maps run time to incident time: from Run on, the incident's clock
// shows Incident and runs at the same pace. A jump between stretches is a quiet
// time that was cut.
type Stretch struct {
	Run      time.Duration `json:"run"`
	Incident time.Duration `json:"incident"`       // since the scenario's own zero
	Wall     string        `json:"wall,omitempty"` // RFC 3339, when the scenario has a date and a clock
}

// Milestone is a moment of the incident as its operators told it.
type Milestone struct {
	At      *time.Duration `json:"at,omitempty"`   // incident time; nil where the source tells no clock time
	When    string         `json:"when,omitempty"` // in words, then
	Says    string         `json:"says"`
	Assumed bool           `json:"assumed,omitempty"` // the source does not tell it
	Seen    *Sighting      `json:"seen,omitempty"`    // nil: nothing in a run shows it
}

// Sighting is the event of a history that is a milestone: the first or the last of
// a kind that fits.
type Sighting struct {
	Kind  string   `json:"kind"` // of package history
	Last  bool     `json:"last,omitempty"`
	Of    []string `json:"of,omitempty"` // a step's id, hosts or a datacenter, at any end of the event; empty: whoever
	Class string   `json:"class,omitempty"`
	OK    *bool    `json:"ok,omitempty"`
}

// Expectation is one property that the verdict judges.
type Expectation struct {
	Property     string        `json:"property"`
	Within       time.Duration `json:"within,omitempty"`
	AtMost       time.Duration `json:"at_most,omitempty"`
	AtMostBound  bool          `json:"at_most_bound,omitempty"`
	AtMostShare  int           `json:"at_most_share,omitempty"` // percent
	Share        int           `json:"share,omitempty"`         // percent that must keep Within; 0: all
	Broadcasters string        `json:"broadcasters,omitempty"`  // a group; empty for all
	Visitors     string        `json:"visitors,omitempty"`      // a group; empty for all
	Nodes        []string      `json:"nodes,omitempty"`
}

// Want is the outcome that the variant must have.
type Want struct {
	Pass bool     `json:"pass"`
	Fail []string `json:"fail,omitempty"` // the exact set of failing properties, sorted
}

// Result spells it as in summary.json: "pass" or "fail:a,b".
func (w Want) Result() string {
	if w.Pass {
		return "pass"
	}
	s := "fail:"
	for i, p := range w.Fail {
		if i > 0 {
			s += ","
		}
		s += p
	}
	return s
}
