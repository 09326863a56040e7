package fleet

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Choose names the recorders that a new show may go to, best first: those that are
// up, of the nearest datacenter, then of the next. Datacenters missing from near
// come last, by name. Within a datacenter the order is that of the mount's
// rendezvous hash, except that recorders above 1.25 times their share of the load
// step behind the others, and those never looked at stand last.
//
// The same view, near and mount give the same answer on every balancer.
func Choose(view []Status, near []string, mount string) []Recorder {
	usable := make([]Status, 0, len(view))
	for _, s := range view {
		if s.State == Unknown || s.State == Up {
			usable = append(usable, s)
		}
	}
	loads := loadByDatacenter(usable)
	slices.SortFunc(usable, func(a, b Status) int {
		return cmp.Or(
			CompareNear(near, a.Datacenter, b.Datacenter),
			cmp.Compare(standing(a, loads), standing(b, loads)),
			cmp.Compare(score(b.Name, mount), score(a.Name, mount)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	recorders := make([]Recorder, len(usable))
	for i, s := range usable {
		recorders[i] = s.Recorder
	}
	return recorders
}

// CompareNear orders datacenters by nearness: their place in near, then, for those
// that are not in it, their name.
func CompareNear(near []string, a, b string) int {
	place := func(name string) int {
		if i := slices.Index(near, name); i >= 0 {
			return i
		}
		return len(near)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

// score is a mount's rendezvous weight on a recorder.
func score(recorder, mount string) uint64 {
	return xxhash.Sum64String(recorder + "\x00" + mount)
}

// standing puts recorders with room in their share first, overloaded ones behind
// them, those never looked at last.
func standing(s Status, loads map[string]load) int {
	switch {
	case s.State == Unknown:
		return 2
	case loads[s.Datacenter].overloaded(s):
		return 1
	}
	return 0
}

// load is the sources and the room of a datacenter's usable recorders.
type load struct {
	sources, capacity, recorders int
	even                         bool // some capacity is unknown: equal shares
}

func loadByDatacenter(usable []Status) map[string]load {
	loads := make(map[string]load)
	for _, s := range usable {
		if s.State != Up {
			continue
		}
		l := loads[s.Datacenter]
		l.sources += s.Sources
		l.capacity += s.Capacity
		l.recorders++
		l.even = l.even || s.Capacity == 0
		loads[s.Datacenter] = l
	}
	return loads
}

// overloaded tells whether one more source would bring the recorder above 1.25
// times its share of all of them, rounded up: consistent hashing with bounded loads.
func (l load) overloaded(s Status) bool {
	part, whole := s.Capacity, l.capacity
	if l.even {
		part, whole = 1, l.recorders
	}
	if whole == 0 {
		return false
	}
	bound := (5*(l.sources+1)*part + 4*whole - 1) / (4 * whole)
	return s.Sources+1 > bound
}

// Reachable names the recorders that are not down, nearest first.
func Reachable(view []Status, near []string) []Recorder {
	var recorders []Recorder
	for _, s := range view {
		if s.State != Down {
			recorders = append(recorders, s.Recorder)
		}
	}
	slices.SortStableFunc(recorders, func(a, b Recorder) int { return CompareNear(near, a.Datacenter, b.Datacenter) })
	return recorders
}
