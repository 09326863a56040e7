package stack

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"deadair/fakes/route53"
	"deadair/harness/history"
	"deadair/harness/world"
)

// observeDNS turns what a hosted zone tells into history: that of a name, which is
// ingest's if it is "". Ingest has an answer for each region.
func (s *Stack) observeDNS(name string) route53.Observe {
	return route53.Observe{
		Checker: func(o route53.Opinion) {
			s.log.Add(history.Event{Node: o.Checker, Kind: history.CheckerSaw, Subject: o.Host, OK: o.OK, Class: string(o.Class)})
		},
		Vote: func(v route53.Vote) {
			s.log.Add(history.Event{Node: dnsNode, Kind: history.Voted, Subject: v.Host, OK: v.OK, Count: v.Healthy, Of: v.Of})
		},
		Answer: func(a route53.Answer) {
			e := history.Event{Node: dnsNode, Kind: history.AnswerChanged, Subject: cmp.Or(name, a.Region), Hosts: a.Hosts}
			if a.FailOpen {
				e.Class = "fail-open"
			}
			s.log.Add(e)
		},
	}
}

// dnsNode is the witness of votes and answers.
const dnsNode = "route53"

// Watch turns what the world sees into history. It is given to the world before
// the stack exists, so it is a function of the log alone.
func Watch(log *history.Log) world.Watch {
	return world.Watch{
		NodeReady: func(node string) {
			log.Add(history.Event{Node: "world", Kind: history.NodeReady, Subject: node})
		},
		NodeEnded: func(node, class string) {
			log.Add(history.Event{Node: "world", Kind: history.NodeEnded, Subject: node, Class: class})
		},
		Conn: func(c world.Conn) {
			if !slices.Contains(redisHosts(), c.To) || !askingRedis(c.From) {
				return
			}
			kind := history.Dialed
			if c.Ended {
				kind = history.Hung
			}
			log.Add(history.Event{Node: "world", Kind: kind, Subject: c.From, Peer: c.To, Class: c.Class})
		},
	}
}

// askingRedis tells whether a host's ways to Redis are watched: those of servers are, not
// the harness' own questions, and not what keeps a Redis that fails over together.
func askingRedis(from string) bool {
	return from != operatorHost && !strings.HasSuffix(from, witnessName("")) && !slices.Contains(sentinelHosts(), from) && !slices.Contains(redisHosts(), from)
}

// hostsAt names the hosts of addresses, in order.
func (s *Stack) hostsAt(addrs []netip.Addr) []string {
	names := make([]string, len(addrs))
	for i, a := range addrs {
		names[i] = s.world.HostAt(a)
	}
	return names
}
