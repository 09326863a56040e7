package objectstore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is a way in which a store fails.
type Fault string

// The faults. A store that is to be healthy has none: "".
const (
	Unavailable  Fault = "unavailable"   // every request is answered 503 SlowDown
	Slow         Fault = "slow"          // every request takes longer
	ErrorIn200   Fault = "error-in-200"  // completing an upload answers 200, with an error inside, and does nothing
	ReplyLost    Fault = "reply-lost"    // what puts or completes an object is done, and the connection ends without an answer
	PartRejected Fault = "part-rejected" // every part of an upload is refused as damaged
	NoBucket     Fault = "no-bucket"     // the bucket does not exist
	ClockSkew    Fault = "clock-skew"    // every request is refused: the client's clock is wrong
)

// Faults lists them.
func Faults() []Fault {
	return []Fault{Unavailable, Slow, ErrorIn200, ReplyLost, PartRejected, NoBucket, ClockSkew}
}

// sickness is the fault in force.
type sickness struct {
	mu    sync.Mutex // guards what follows
	fault Fault
	delay time.Duration // of Slow
	hit   int           // requests that met it since it began
}

func (s *sickness) set(f Fault, delay time.Duration) error {
	if f != "" && !slices.Contains(Faults(), f) {
		return fmt.Errorf("an object store has no fault %q", f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.delay, s.hit = f, delay, 0
	return nil
}

// has tells whether a fault is in force, and counts a request that meets it.
func (s *sickness) has(f Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != f {
		return false
	}
	s.hit++
	return true
}

func (s *sickness) state() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Fault: s.fault, Delay: s.delay, Hit: s.hit}
}

// State is what operators are told, and tell: POST /fault at the admin port with its
// JSON switches, GET /fault answers it.
type State struct {
	Fault Fault         `json:"fault"`
	Delay time.Duration `json:"delay_ns,omitempty"` // of Slow
	Hit   int           `json:"hit"`                // requests that met the fault since it began
}

// operators answers at the admin port.
func (s *Store) operators() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.sick.state()) })
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { tell(w, s.sick.state()) })
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, r *http.Request) {
		var want State
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&want)
		if err == nil {
			err = s.sick.set(want.Fault, want.Delay)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		tell(w, s.sick.state())
	})
	return mux
}

func tell(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone
}
