package scenario

import (
	"cmp"
	"slices"
	"time"
)

// maxLatency is the longest round trip that a latency table holds.
const maxLatency = 10 * time.Second

// Latency is a line of a zone's latency table that is not the length of the way.
type Latency struct {
	From string        `json:"from"` // a place
	To   string        `json:"to"`   // a datacenter
	Is   time.Duration `json:"is"`   // there and back
}

// latency reads the lines of a latency table.
func (b *builder) latency(specs []LatencySpec, sites []Datacenter) []Latency {
	var names []string
	for _, dc := range sites {
		names = append(names, dc.Name)
	}
	var all []Latency
	for _, l := range specs {
		if _, ok := placeNamed(l.From.Value); !ok {
			b.add(l.From.Pos, "unknown place %q%s", clip(l.From.Value), Meant(l.From.Value, placeNames()))
		}
		if d := time.Duration(l.Is); d > maxLatency {
			b.add(l.From.Pos, "the round trip is %v: up to %v", d, maxLatency)
		}
		all = append(all, Latency{l.From.Value, b.standing(l.To, names), time.Duration(l.Is)})
	}
	return all
}

// Measured is the round trip from a place to a datacenter as the zone's latency
// table has it: the length of the way, unless the table says otherwise.
func (s System) Measured(place string, dc Datacenter) time.Duration {
	rtt := RoundTrip(place, dc.Place)
	for _, l := range s.DNS.Latency {
		if l.From == place && l.To == dc.Name {
			rtt = l.Is
		}
	}
	return rtt
}

// Nearest lists the datacenters by their measured round trip from a place, the
// shortest first; of two that are equal the one that the system names first.
func (s System) Nearest(place string) []string {
	var names []string
	for _, dc := range slices.SortedStableFunc(slices.Values(s.Datacenters), func(a, b Datacenter) int {
		return cmp.Compare(s.Measured(place, a), s.Measured(place, b))
	}) {
		names = append(names, dc.Name)
	}
	return names
}

// Seen is the place that DNS takes a broadcaster to be in: its own, or that of a
// resolver which does not tell who asks.
func (b Broadcaster) Seen() string {
	if b.Hidden {
		return cmp.Or(b.AsksFrom, b.From)
	}
	return b.From
}

// Whence tells where a broadcaster is, and where its resolver, if that is elsewhere.
func (b Broadcaster) Whence() string {
	switch {
	case b.AsksFrom == "" || b.AsksFrom == b.From:
		return b.From
	case b.Hidden:
		return b.From + " behind a resolver in " + b.AsksFrom + " that does not tell who asks"
	}
	return b.From + " behind a resolver in " + b.AsksFrom
}
