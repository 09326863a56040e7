package mail

import (
	"fmt"
	"slices"
	"sync"
)

// Fault is a way in which a relay fails.
type Fault string

// The faults. A relay that is to be healthy has none: "".
const (
	Unavailable Fault = "unavailable" // every mail is answered 451: try again later
	ReplyLost   Fault = "reply-lost"  // a mail is taken, and the connection ends without an answer
)

// Faults lists them.
func Faults() []Fault { return []Fault{Unavailable, ReplyLost} }

// State is what operators are told, and tell: POST /fault at the admin port with its
// JSON switches, GET /fault answers it.
type State struct {
	Fault Fault `json:"fault"`
	Hit   int   `json:"hit"` // mails that met the fault since it began
}

// sickness is the fault in force.
type sickness struct {
	mu  sync.Mutex // guards what follows
	now State
}

func (s *sickness) set(f Fault) error {
	if f != "" && !slices.Contains(Faults(), f) {
		return fmt.Errorf("a relay has no fault %q", f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = State{Fault: f}
	return nil
}

// has tells whether a fault is in force, and counts a mail that meets it.
func (s *sickness) has(f Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Fault != f {
		return false
	}
	s.now.Hit++
	return true
}

func (s *sickness) state() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}
