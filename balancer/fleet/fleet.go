// Package fleet is what one balancer knows of the recorders and of its peers: who
// is up, how full, how near. It looks at recorders, remembers what dials to them
// told, chooses among them, and asks them and the peers when the index is gone.
//
// It does not know sessions: that a show goes back to its recorder is decided by
// its caller. It never connects a source.
package fleet

import (
	"context"
	"net"
	"time"
)

// Recorder is a recording server.
type Recorder struct {
	Name       string `yaml:"name" json:"name"`                                 // unique in the fleet, such as "eu-west/recorder-1"
	Datacenter string `yaml:"datacenter" json:"datacenter"`                     // where it stands
	Addr       string `yaml:"addr" json:"addr"`                                 // "ip:port" for sources and GET /health
	Admin      string `yaml:"admin" json:"admin"`                               // "ip:port" for operators, metadata and kill requests
	Generation string `yaml:"generation,omitempty" json:"generation,omitempty"` // such as "old" or "new", while one takes the place of another; "" else
}

// Peer is another balancer.
type Peer struct {
	Name       string `yaml:"name"`
	Datacenter string `yaml:"datacenter"`
	Addr       string `yaml:"addr"`  // "ip:port" for sources and GET /health
	Admin      string `yaml:"admin"` // "ip:port" for operators
}

// State is what a balancer thinks of a recorder.
type State int

// States. Only Unknown and Up are given new shows.
const (
	Unknown  State = iota // not looked at yet
	Up                    // healthy, with room as far as known
	Full                  // healthy, no room
	Draining              // lets its shows end, takes no new ones
	Failing               // answers that it cannot record, or what nobody understands
	Down                  // does not answer
)

// String is the state as a log key: "unknown", "up", "full", "draining", "failing", "down".
func (s State) String() string {
	names := [...]string{"unknown", "up", "full", "draining", "failing", "down"}
	if s < 0 || int(s) >= len(names) {
		return names[Unknown]
	}
	return names[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Status is a recorder as a balancer sees it. Numbers are hints: the recorder is
// the arbiter of its room.
type Status struct {
	Recorder
	State    State     `json:"state"`
	Capacity int       `json:"capacity"` // sources it takes in all; 0 when unknown
	Sources  int       `json:"sources"`  // sources it has
	Looked   time.Time `json:"looked"`   // when it last answered a look; zero if never
}

// Dial connects to "ip:port", as env.Env.DialContext does.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)
