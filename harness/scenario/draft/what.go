package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"deadair/harness/scenario"
)

// Fault is what is broken, as the step of a timeline.
type Fault struct {
	Step    string // the YAML of its fault and arguments: kill: eu-west/balancer-1
	Lasts   bool   // it takes a length
	Site    string // the datacenter that it is in
	DNS     bool   // balancers leave the answers, if it lasts long enough
	Store   bool   // the system has a store, and shows end while it is in force
	Drops   bool   // broadcasters lose their connection by themselves, too
	Affects string // the component that the note is about; empty: what is expected tells it
}

// site is a datacenter of the preset with the words that mean it.
type site struct {
	name string
	form *regexp.Regexp
}

func word(of string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:` + of + `)\b`) }

// sites are the datacenters of the preset.
func sites() []site {
	return []site{
		{"eu-west", word(`ireland|irish|dublin|eu-west(?:-\d[a-c]?)?|europe(?:an)?|eu|italy|italian|london|frankfurt|germany|france|uk`)},
		{"us-east", word(`virginia|us-east(?:-\d[a-c]?)?|us east|east coast|new york|us|usa|american?|n\. ?virginia`)},
		{"us-west", word(`oregon|us-west(?:-\d[a-c]?)?|us west|west coast|california|seattle`)},
	}
}

// part is a component with the words that mean it.
type part struct {
	name    string
	form    *regexp.Regexp
	affects string
}

// parts are looked for in this order: the special before the general.
func parts() []part {
	return []part{
		{"redis", word(`redis|session (?:store|index)|key-?value store|elasticache|memcached?`), ""},
		{"dns", word(`dns|route ?53|name ?servers?|resolvers?|cloudfront`), "dns"},
		{"balancer", word(`(?:load[- ]?)?balancers?|haproxy|elbs?|albs?|ingress|front ?ends?|gateways?|rout(?:e|ing) nobody`), ""},
		{"publishing", word(`publish(?:ing|ed)?|s3|object stor(?:e|age)|uploads?`), "publishing"},
		{"mail", word(`e-?mail(?:s|ing)?|smtp|newsletters?`), "mail"},
		{"web", word(`web ?servers?|website|web ?site|http 5\d\d|503s?|502s?`), "website"},
		{"api", word(`api`), "api"},
		{"recorder", word(`record(?:ing|er)s?(?: servers?)?|ingest(?: servers?)?|tube|icecast|shoutcast|media servers?|stream(?:ing)? servers?|origins?`), ""},
		{"broadcaster", word(`encoders?|broadcasters?|sources?|djs?|studios?`), ""},
		{"datacenter", word(`data ?cent(?:er|re)s?|availability zones?|az|colo(?:cation)?|regions?`), ""},
		{"network", word(`network(?:ing)?|connectivity|packet loss|transit|peering|fib(?:er|re)|links?|isp|uplink`), ""},
		{"recorder", word(`servers?|instances?|nodes?|hosts?|machines?|vms?|boxe?s?`), ""},
	}
}

// ill is a condition with the words that mean it.
type ill struct {
	name string
	form *regexp.Regexp
}

func ills() []ill {
	return []ill{
		{"readonly", word(`read-?only|failover to (?:a )?replica`)},
		{"maxclients", word(`max ?clients|too many (?:clients|connections)`)},
		{"frozen", word(`hang(?:s|ing)?|hung|fro(?:ze|zen)|freezes?|stuck|unresponsive|not respond(?:ing)?|deadlock(?:ed)?|routing nobody|unable to route|stop(?:s|ped)? to work in a bad way`)},
		{"restart", word(`restart(?:s|ed)?|reboot(?:s|ed)?|redeploy(?:ed)?|rolling deploy`)},
		{"power", word(`power(?: (?:cut|loss|failure|outage))?|ups`)},
		{"slow", word(`slow(?:ness|er)?|latency|lag(?:gy|ging)?|degraded`)},
		{"refused", word(`refus(?:ed|es|ing)|rejected`)},
		{"unreachable", word(`unreachable|partition(?:ed)?|packet loss|connectivity|networking issues?|network issues?|network problems?|timeouts?|time out|timed out|black ?hol(?:e|ed)|stale`)},
		{"down", word(`down|fail(?:s|ed|ure|ures|ing)?|crash(?:es|ed)?|died|dies|dead|outages?|offline|unavailable|killed|oom|gone|errors?`)},
		{"drops", word(`drop(?:s|ped)?|disconnect(?:s|ed)?|lost (?:their |its |the )?connections?|reconnect(?:s|ed|ing)?`)},
	}
}

// telling is the first sentence that tells of a component and of what was wrong with it;
// all of a text if none does.
func telling(said []string, text string) string {
	for _, s := range said {
		part := slices.ContainsFunc(parts(), func(p part) bool { return p.form.MatchString(s) })
		if part && slices.ContainsFunc(ills(), func(i ill) bool { return i.form.MatchString(s) }) {
			return s
		}
	}
	return text
}

// recognise finds what was broken, how and where.
func (d *Draft) recognise(said []string, text string) Fault {
	where := d.places(text)
	text = telling(said, text)
	what, how := "", "down"
	for _, p := range parts() {
		if m := p.form.FindString(text); m != "" && what == "" {
			what = p.name
			d.found("a %s (%q)", what, m)
		}
	}
	for _, i := range ills() {
		if m := i.form.FindString(text); m != "" {
			how = i.name
			d.found("it is %s (%q)", how, m)
			break
		}
	}
	if what == "" {
		f := usualFault()
		d.assume("The note names no component: a balancer of Ireland dies.")
		return f
	}
	f := d.fault(what, how, where, text)
	for _, p := range parts() {
		if p.name == what && p.affects != "" {
			f.Affects = p.affects
		}
	}
	return f
}

// places are the datacenters that a text names, in its order; the first of the preset if none.
func (d *Draft) places(text string) []string {
	var names []string
	at := map[string]int{}
	for _, s := range sites() {
		if loc := s.form.FindStringIndex(text); loc != nil {
			d.found("in %s (%q)", s.name, text[loc[0]:loc[1]])
			at[s.name] = loc[0]
			i := 0
			for i < len(names) && at[names[i]] < loc[0] {
				i++
			}
			names = append(names[:i], append([]string{s.name}, names[i:]...)...)
		}
	}
	if len(names) == 0 {
		d.assume("The note does not tell where: it is in Ireland.")
		return []string{"eu-west"}
	}
	return names
}

// howMany tells whether one, some or all of the nodes were hit.
func howMany(text, dc, kind string) string {
	switch {
	case word(`all (?:of )?(?:the |our )?(?:\w+ ){0,2}(?:servers|balancers|recorders|instances|nodes|hosts)|every (?:server|balancer|recorder)`).MatchString(text):
		return dc + "/" + kind + "-*"
	case kind == "recorder" && word(`some|several|multiple|two|many|a few`).MatchString(text):
		return `"` + dc + "/" + kind + `-[12]"`
	}
	return dc + "/" + kind + "-1"
}

// usualFault is the commonest one.
func usualFault() Fault {
	return Fault{Step: "kill: eu-west/balancer-1", Lasts: true, Site: "eu-west", DNS: true}
}

// lasting is a fault of links, as a step.
func lasting(name, from, to, more string) string {
	if f, ok := scenario.FaultNamed(name); ok && f.Needs == "delay" {
		more += ", delay: 2s"
	}
	return fmt.Sprintf("%s: {from: %s, to: %s%s}", name, from, to, more)
}

// quoted is a YAML word for a pattern.
func quoted(s string) string {
	if strings.ContainsAny(s, "*[]") && !strings.HasPrefix(s, `"`) {
		return `"` + s + `"`
	}
	return s
}
