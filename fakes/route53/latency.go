package route53

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Latency is the map by which a client's nearest region is found.
type Latency struct {
	// Subnets tells where clients are; the longest prefix that holds a client's
	// subnet wins.
	Subnets []Subnet
	// Elsewhere is the place of everybody else; the first region's place when empty.
	Elsewhere string
	// RTT is, per place, the round trip to each region. Equal ones keep the
	// order of the regions.
	RTT map[string]map[string]time.Duration
}

// Subnet is where the clients of an address range are.
type Subnet struct {
	Prefix netip.Prefix
	Place  string
}

// places knows the order of regions for every place. It never changes.
type places struct {
	subnets   []Subnet         // longest prefix first
	elsewhere string           //
	orders    map[string][]int // place → indices of regions, nearest first
}

func newPlaces(l Latency, regions []Region) (*places, error) {
	p := &places{elsewhere: l.Elsewhere, orders: map[string][]int{}}
	if p.elsewhere == "" {
		p.elsewhere = regions[0].Place
	}
	need := []string{p.elsewhere}
	for _, r := range regions {
		need = append(need, r.Place)
	}
	for _, sub := range l.Subnets {
		if !sub.Prefix.IsValid() {
			return nil, fmt.Errorf("subnet of %q is not valid", sub.Place)
		}
		p.subnets = append(p.subnets, Subnet{sub.Prefix.Masked(), sub.Place})
		need = append(need, sub.Place)
	}
	slices.SortStableFunc(p.subnets, func(a, b Subnet) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	for _, place := range need {
		order, err := order(l.RTT[place], regions)
		if err != nil {
			return nil, fmt.Errorf("latency of place %q: %w", place, err)
		}
		p.orders[place] = order
	}
	return p, nil
}

// order sorts regions by round trip.
func order(rtt map[string]time.Duration, regions []Region) ([]int, error) {
	order := make([]int, len(regions))
	for i, r := range regions {
		if _, ok := rtt[r.Name]; !ok {
			return nil, fmt.Errorf("no round trip to region %q", r.Name)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rtt[regions[a].Name], rtt[regions[b].Name]) })
	return order, nil
}

// of finds a client's place, and how many bits of its subnet decided it.
func (p *places) of(client netip.Prefix) (place string, scope int) {
	for _, sub := range p.subnets {
		if sub.Prefix.Bits() <= client.Bits() && sub.Prefix.Contains(client.Addr()) {
			return sub.Place, sub.Prefix.Bits()
		}
	}
	return p.elsewhere, 0
}
