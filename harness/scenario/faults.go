package scenario

import "slices"

// Shape is what a fault acts on, and so how its arguments are spelled.
type Shape string

// Shapes. Nodes are named; links have two ends; of broadcasters a share is hit;
// Redis, the store and the mail, of which there is one each, are told how to fail, and
// web servers with which status, or how old a way to speak they agree to; clocks are
// wrong by a length of time; of the questions to zones a share is hit; cohorts are led.
const (
	OnNodes        Shape = "nodes"
	OnLinks        Shape = "links"
	OnBroadcasters Shape = "broadcasters"
	OnRedis        Shape = "redis"
	OnStore        Shape = "store"
	OnMail         Shape = "mail"
	OnZones        Shape = "zones"
	OnDisks        Shape = "disks"
	OnWeb          Shape = "web"
	OnClocks       Shape = "clocks"
	OnFloors       Shape = "floors"
	OnCohorts      Shape = "cohorts"
)

// Fault is a line of the table of faults.
type Fault struct {
	Name    string
	Shape   Shape
	Instant bool   // over as soon as it happened: takes neither for nor stays
	Servers bool   // balancers and recorders only, not Redis
	Silent  bool   // every way to the nodes is broken, too
	Needs   string // the argument it cannot do without, which no other fault takes
	Doc     string // one sentence: what the hit side sees
}

// Faults is every fault that a timeline can name.
func Faults() []Fault {
	return []Fault{
		{Name: "kill", Shape: OnNodes, Doc: "the process dies: its connections are reset, its ports refuse, its disk keeps what was written"},
		{Name: "restart", Shape: OnNodes, Instant: true, Doc: "the process is killed and started again at once"},
		{Name: "deploy", Shape: OnNodes, Instant: true, Servers: true, Doc: "the process is asked to end, and started again as today's version"},
		{Name: "pause", Shape: OnNodes, Doc: "the process is frozen: connections are accepted, nobody answers"},
		{Name: "stop", Shape: OnNodes, Doc: "the process is asked to end, as a deployment does"},
		{Name: "powercut", Shape: OnNodes, Doc: "as kill, and what was not synced to disk is lost"},
		{Name: "outage", Shape: OnNodes, Silent: true, Doc: "a datacenter, or a machine, is gone at once: its processes die, and nothing on any way there or back is answered"},
		{Name: "vanish", Shape: OnNodes, Silent: true, Doc: "the host is off the network: its processes live and do not know, and nothing on any way there or back is answered"},
		{Name: "drain", Shape: OnNodes, Servers: true, Doc: "an operator takes it out for new shows; shows on air go on"},
		{Name: "undrain", Shape: OnNodes, Servers: true, Instant: true, Doc: "an operator ends a drain"},
		{Name: "cut", Shape: OnLinks, Instant: true, Doc: "connections that exist are reset at both ends, once"},
		{Name: "refuse", Shape: OnLinks, Doc: "new connections are refused"},
		{Name: "stall", Shape: OnLinks, Doc: "bytes are held back, and delivered when it ends"},
		{Name: "blackhole", Shape: OnLinks, Doc: "bytes are swallowed; a connection that was hit never carries again"},
		{Name: "delay", Shape: OnLinks, Needs: "delay", Doc: "latency is added, one way"},
		{Name: "throttle", Shape: OnLinks, Needs: "rate", Doc: "the rate is limited"},
		{Name: "redis", Shape: OnRedis, Doc: "Redis lives and refuses, as one that loads, is a replica, has no room for clients or data, wants a password, or cannot save"},
		{Name: "disk", Shape: OnDisks, Servers: true, Doc: "the disk of a server is full, gives errors, or is slow"},
		{Name: "store", Shape: OnStore, Doc: "the object store lives and fails: it refuses, is slow, answers with an error inside a success, loses its answers, rejects parts, has lost its bucket, or finds the clocks wrong"},
		{Name: "mail", Shape: OnMail, Doc: "mails to broadcasters fail: what is written is blank, or the relay lives and is unavailable, or loses its answers"},
		{Name: "answer", Shape: OnWeb, Doc: "a web server lives and answers one status to everything, such as 503"},
		{Name: "dns", Shape: OnZones, Doc: "a share of the questions about the names of the website, the API or streaming is not answered as it should be: with a failure, with a denial, or not at all"},
		{Name: "skew", Shape: OnClocks, Doc: "the clock of a host is ahead or behind; what it times by itself goes on as before"},
		{Name: "harden", Shape: OnFloors, Instant: true, Doc: "operators have web servers agree to no way to speak TLS that is older than one"},
		{Name: "rollout", Shape: OnCohorts, Instant: true, Doc: "operators have the balancers lead shows that begin to the new recorders, if they are of a cohort, and else to the old ones"},
		{Name: "drop", Shape: OnBroadcasters, Instant: true, Doc: "the broadcaster's own connection ends, as a home network's does"},
	}
}

// FaultNamed finds a fault in the table.
func FaultNamed(name string) (Fault, bool) {
	for _, f := range Faults() {
		if f.Name == name {
			return f, true
		}
	}
	return Fault{}, false
}

// FaultNames lists the table.
func FaultNames() []string {
	var names []string
	for _, f := range Faults() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}

// DiskFaults is what can be wrong with a disk. One that loses its power is a powercut.
func DiskFaults() []string { return []string{"full", "error", "slow"} }

// StoreFaults is how the object store can be made to fail.
func StoreFaults() []string {
	return []string{"unavailable", "slow", "error-in-200", "reply-lost", "part-rejected", "no-bucket", "clock-skew"}
}

// DNSFaults is how questions about a name can be treated.
func DNSFaults() []string { return []string{"servfail", "timeout", "nxdomain"} }

// BlankMail is a template of mails that writes nothing: unlike the other faults of the
// mail it is the recorders'.
const BlankMail = "blank"

// MailFaults is how mails to broadcasters can be made to fail.
func MailFaults() []string { return []string{BlankMail, "unavailable", "reply-lost"} }

// RedisAnswers is how Redis can be made to refuse.
func RedisAnswers() []string {
	return []string{"loading", "readonly", "maxclients", "oom", "misconf", "noauth"}
}
