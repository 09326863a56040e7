package route53

import (
	"net/netip"
	"slices"
)

// table is what is answered, per place. It never changes.
type table struct {
	places map[string]result
}

// result is one place's answer.
type result struct {
	addrs    []netip.Addr // in the order of Config
	hosts    []string     // sorted
	failOpen bool
}

// resolve finds the nearest region with a healthy record. When there is none,
// every record counts as healthy.
func (s *Server) resolve(order []int, health []bool) result {
	for _, region := range order {
		if res := s.pick(region, health); len(res.addrs) > 0 {
			return res
		}
	}
	for _, region := range order {
		if res := s.pick(region, nil); len(res.addrs) > 0 {
			res.failOpen = true
			return res
		}
	}
	return result{}
}

// pick takes a region's healthy records, all of them when health is nil.
func (s *Server) pick(region int, health []bool) result {
	var res result
	for i, r := range s.records {
		if r.region == region && (health == nil || health[i]) {
			res.addrs = append(res.addrs, r.Addr)
			res.hosts = append(res.hosts, r.Host)
		}
	}
	slices.Sort(res.hosts)
	return res
}

// publish puts a vote into the answers and tells the observer which changed.
func (s *Server) publish(health []bool) {
	t := &table{places: make(map[string]result, len(s.places.orders))}
	for place, order := range s.places.orders {
		t.places[place] = s.resolve(order, health)
	}
	first := s.answers.Swap(t) == nil
	for _, a := range s.show(t) {
		if !first && s.cfg.Observe.Answer != nil {
			s.cfg.Observe.Answer(a)
		}
	}
}

// show keeps the regions' answers and returns those that changed.
func (s *Server) show(t *table) (changed []Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == nil {
		s.shown = make([]Answer, len(s.cfg.Regions))
	}
	for i, region := range s.cfg.Regions {
		res := t.places[region.Place]
		a := Answer{Region: region.Name, Hosts: res.hosts, FailOpen: res.failOpen}
		if a.FailOpen != s.shown[i].FailOpen || !slices.Equal(a.Hosts, s.shown[i].Hosts) {
			changed = append(changed, a)
		}
		s.shown[i] = a
	}
	return changed
}
