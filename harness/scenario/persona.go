package scenario

import "time"

// Persona is what is known of a source client before it plays: how it comes
// back. The client itself is played elsewhere; bounds are computed from this.
type Persona struct {
	Name  string
	Retry Retry
}

// Endless is the number of tries of a client that never gives up.
const Endless = -1

// Retry is how a client comes back after its connection ended. Times are the
// client's own, unscaled.
type Retry struct {
	Form      string        `json:"form"`                // of its request: put or source
	Questions int           `json:"questions,omitempty"` // connections that it makes before the one for its stream
	Tries     int           `json:"tries"`               // how many reach the network after a loss until it gives up; Endless: it never does
	First     time.Duration `json:"first"`               // from the loss to the first attempt, at most
	FirstMin  time.Duration `json:"first_min"`           // and at least
	Again     time.Duration `json:"again"`               // from a failed attempt to the next, at most
	Reply     time.Duration `json:"reply,omitempty"`     // how long it waits for an answer; zero: for ever
	Connect   time.Duration `json:"connect"`             // how long it waits for a connection
	NextAddr  bool          `json:"next_addr"`           // one attempt tries every address of the answer in turn
	LastAddr  bool          `json:"last_addr,omitempty"` // it tries the last one only, instead of the first
}

// Hears is which hosts of an answer the client tries. There is at least one.
func (r Retry) Hears(hosts []string) []string {
	switch {
	case r.NextAddr:
		return hosts
	case r.LastAddr:
		return hosts[len(hosts)-1:]
	}
	return hosts[:1]
}

// PersonaNamed finds a client in the table.
func PersonaNamed(name string) (Persona, bool) {
	for _, p := range Personas() {
		if p.Name == name {
			return p, true
		}
	}
	return Persona{}, false
}

func personaNames() []string {
	var names []string
	for _, p := range Personas() {
		names = append(names, p.Name)
	}
	return names
}
