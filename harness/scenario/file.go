package scenario

import "time"

// File is a scenario as it is written: the YAML form. Parse makes it, Expand
// turns one of its variants into a plan. The tags carry the key and the sentence
// that stands in the JSON Schema.
type File struct {
	Name string // the file's name without directory and .yaml

	Schema       int             `yaml:"schema" need:"yes" doc:"the form's version: 1"`
	Title        string          `yaml:"title" need:"yes" doc:"one line that says what happens"`
	Story        string          `yaml:"story" doc:"what happened, for people"`
	Date         Name            `yaml:"date" doc:"the day of the incident, YYYY-MM-DD; a guarantee has none"`
	Starts       *Instant        `yaml:"starts" doc:"the clock time (18:30Z) at the run's zero; needs date, and lets at: take clock times"`
	Assumed      []string        `yaml:"assumed" doc:"sentences: what the sources do not tell and the scenario made up"`
	Affects      Names           `yaml:"affects" doc:"the components of the service that it is about: website, api, streaming, mobile-apps, recording, publishing, mail, dns (default: those of the properties expected)"`
	Documented   []MilestoneSpec `yaml:"documented" doc:"what the operators told, moment by moment, to be set beside the run"`
	System       SystemSpec      `yaml:"system" doc:"the infrastructure; without it the preset three-datacenters"`
	Resolvers    Resolvers       `yaml:"resolvers" doc:"the resolver of every broadcaster (one word), or of each group (a mapping)"`
	Broadcasters []Group         `yaml:"broadcasters" need:"yes" doc:"groups of broadcasters"`
	Visitors     []VisitorGroup  `yaml:"visitors" doc:"groups of visitors of the website or the API"`
	Timeline     []StepSpec      `yaml:"timeline" doc:"faults and acts, each at its instant"`
	Ends         *Instant        `yaml:"ends" doc:"when everybody goes off air; without it five minutes after the last step"`
	CutQuiet     bool            `yaml:"cut-quiet" doc:"leave out long stretches in which nothing happens"`
	Expect       []Expect        `yaml:"expect" doc:"the properties that the verdict judges"`
	Variants     Variants        `yaml:"variants" doc:"what is changed in each variant, and the verdict it must have"`
}

// SystemSpec is the infrastructure as far as a file names it. Nil and empty
// fields are the preset's.
type SystemSpec struct {
	Pos
	Preset      Name             `yaml:"preset" doc:"three-datacenters: Ireland, Virginia and Oregon, each with 2 balancers and 3 recorders of capacity 20; two-datacenters: without Oregon" of:"preset"`
	Datacenters []DatacenterSpec `yaml:"datacenters" doc:"the datacenters, instead of a preset"`
	Balancers   *int             `yaml:"balancers" doc:"balancers in each datacenter that does not say otherwise, 1 to 16"`
	Recorders   *int             `yaml:"recorders" doc:"recorders in each datacenter that does not say otherwise, 1 to 32"`
	Capacity    *int             `yaml:"capacity" doc:"sources that one recorder takes, 1 to 10000"`
	Old         *int             `yaml:"old-recorders" doc:"how many recorders of each datacenter, the first ones, are of an old generation; shows go there until a rollout leads them to the others"`
	Redis       Name             `yaml:"redis" doc:"the datacenter that Redis stands in"`
	Replica     Name             `yaml:"redis-replica" doc:"the datacenter of a second Redis, redis-2, which sentinel-1 to sentinel-3 make the master when the first is down; without it there is one"`
	Accounts    Name             `yaml:"accounts" doc:"the datacenter of an account service that the balancers ask; without it each has a list"`
	Store       *StoreSpec       `yaml:"store" doc:"the object store that finished shows are published to; without it they are not"`
	Mail        *MailSpec        `yaml:"mail" doc:"the relay through which broadcasters are told that their show is in the store; without it they are not told"`
	Web         *WebSpec         `yaml:"web" doc:"the website and the API, for visitors; without it there is neither"`
	DNS         DNSSpec          `yaml:"dns" doc:"the hosted zone and its health checks"`
	Balancer    Settings         `yaml:"balancer" doc:"settings of every balancer, by the keys of its own configuration"`
	Recorder    Settings         `yaml:"recorder" doc:"settings of every recorder, by the keys of its own configuration"`
}

// DatacenterSpec is one site.
type DatacenterSpec struct {
	Name      Name `yaml:"name" need:"yes" doc:"such as eu-west"`
	Place     Name `yaml:"place" need:"yes" doc:"where it stands: a name of the table of places" of:"place"`
	Balancers *int `yaml:"balancers" doc:"balancers here, 1 to 16"`
	Recorders *int `yaml:"recorders" doc:"recorders here, 1 to 32"`
	Capacity  *int `yaml:"capacity" doc:"sources that one recorder takes here, 1 to 10000"`
}

// StoreSpec is what a file says about the object store.
type StoreSpec struct {
	Pos
	In Name `yaml:"in" need:"yes" doc:"the datacenter that it stands in"`
}

// MailSpec is what a file says about the relay for mails.
type MailSpec struct {
	Pos
	In Name `yaml:"in" need:"yes" doc:"the datacenter that it stands in"`
}

// DNSSpec is what a file says about DNS.
type DNSSpec struct {
	Pos
	TTL         *Duration     `yaml:"ttl" doc:"how long an answer may be kept, whole seconds, 1s to 24h (default 10s)"`
	Checkers    *int          `yaml:"checkers" doc:"health checkers, 1 to 16 (default 16)"`
	Interval    *Duration     `yaml:"interval" doc:"from one check's answer to the next check, 1s to 1h (default 10s)"`
	Threshold   *int          `yaml:"threshold" doc:"checks in a row that change a checker's mind, 1 to 10 (default 3)"`
	Propagation *Duration     `yaml:"propagation" doc:"from the vote to the first answer that knows it, up to 10m (default 2s)"`
	Latency     []LatencySpec `yaml:"latency" doc:"what the zone has measured, where that is not the length of the way"`
}

// LatencySpec is a line of the zone's latency table.
type LatencySpec struct {
	From Name     `yaml:"from" need:"yes" doc:"where clients, or their resolvers, are: a name of the table of places" of:"place"`
	To   Name     `yaml:"to" need:"yes" doc:"a datacenter"`
	Is   Duration `yaml:"is" need:"yes" doc:"the round trip that was measured, up to 10s"`
}

// Group is some broadcasters that are alike. Its members are NAME-01, NAME-02 ….
type Group struct {
	Pos
	Name       Name         `yaml:"name" need:"yes" doc:"the group's name"`
	From       Name         `yaml:"from" need:"yes" doc:"where they are: a name of the table of places" of:"place"`
	Count      *int         `yaml:"count" doc:"how many (default 1)"`
	Persona    Name         `yaml:"persona" need:"yes" doc:"the source client that they use" of:"persona"`
	Plan       Name         `yaml:"plan" doc:"the plan of their accounts, free or pro, as the account service tells it" of:"plan"`
	Bitrate    Bitrate      `yaml:"bitrate" doc:"8k (default) or 128k"`
	Resolver   ResolverKind `yaml:"resolver" doc:"how their resolver treats the TTL: honest (default), clamp:300s, pinned, stale"`
	ResolverIn Name         `yaml:"resolver-in" doc:"where their resolver stands: a name of the table of places (default: where they are)" of:"place"`
	Subnet     Name         `yaml:"client-subnet" doc:"sent (default) or hidden: whether their resolver tells DNS who asks"`
	OnAir      *Instant     `yaml:"on-air" doc:"when the first of them goes on air (default 10s)"`
	Apart      *Duration    `yaml:"apart" doc:"how long after one of them the next goes on air (default 250ms); over 1m only with lasts"`
	Lasts      *Duration    `yaml:"lasts" doc:"how long each show lasts (default: until off-air)"`
	OffAir     *Instant     `yaml:"off-air" doc:"when their shows end (default: the end)"`
}

// StepSpec is one entry of the timeline.
type StepSpec struct {
	Pos
	At      Instant
	For     *Duration
	Every   *Duration
	Stays   bool
	Assumed bool

	Fault        Name // a name of the table of faults
	Nodes        Names
	From, To     Names
	Connections  Name
	Direction    Name
	Delay        *Duration
	Rate         Rate
	Broadcasters Names
	Share        Share
	Status       int           // of a web server
	Skew         time.Duration // of a clock: ahead, or behind when negative
	Answer       Name          // of Redis, how the store or the mail fails, the oldest way to speak, or a cohort
	repeats      string        // the step that this one is again
}

// Expect is one property with its limits.
type Expect struct {
	Property     Name
	Within       *Duration
	AtMost       *Duration
	AtMostBound  bool
	AtMostShare  Share
	Share        Share
	Broadcasters Name
	Visitors     Name
	Nodes        Names
}

// Variant is what one variant changes.
type Variant struct {
	Pos
	Name string

	Legacy    Names      `yaml:"legacy" doc:"the clients and checks of 2014 that are put in place"`
	Mutant    Name       `yaml:"mutant" doc:"the one thing that is broken on purpose"`
	System    SystemSpec `yaml:"system" doc:"what is different in the infrastructure"`
	Resolvers Resolvers  `yaml:"resolvers" doc:"what is different in the resolvers"`
	Share     Share      `yaml:"share" doc:"how many of each group play, such as 10% (default 100%)"`
	Timeline  *Timeline  `yaml:"timeline" doc:"none, or steps added to those of the file"`
	Expect    []Expect   `yaml:"expect" doc:"the properties judged, instead of the file's"`
	Worlds    Names      `yaml:"worlds" doc:"the only worlds that it runs in; needs because"`
	Because   string     `yaml:"because" doc:"why it runs in those worlds only"`
	ByDefault Names      `yaml:"by-default" doc:"the worlds that it is played in when the library is played and it is not named (default: virtual; docker goes with loopback), or none"`
	Verdict   *Verdict   `yaml:"verdict" need:"yes" doc:"pass, or {fail: [property, …]} with the exact set"`
}

// Variants are a file's variants in its order.
type Variants []Variant

// Timeline is a variant's change to the timeline.
type Timeline struct {
	None  bool       // no steps at all
	Extra []StepSpec // steps added
}

// Verdict is the outcome that a variant must have: pass, or the exact set of
// properties that fail.
type Verdict struct {
	Pos
	Fail Names
}

// Resolvers says which resolver the broadcasters have: all of them, or by group.
type Resolvers struct {
	All    ResolverKind
	Groups []GroupResolver
}

// GroupResolver is one group's resolver.
type GroupResolver struct {
	Group Name
	Kind  ResolverKind
}

// ResolverKind is honest, clamp:DURATION, pinned or stale; empty is honest.
type ResolverKind string

// Worlds are the names of all worlds.
func Worlds() []string { return []string{"virtual", "loopback", "docker"} }
