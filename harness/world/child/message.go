// Package child runs a node as an operating system process of its own: the same
// binary, started again. It holds both ends of the wire between them.
//
// The two talk in JSON lines over an inherited socket. Its end is the end of the
// child: a harness that was killed leaves nobody behind. On Linux the kernel sees to it
// too. The package knows neither links nor worlds; what a child tells is handed on.
package child

import (
	"encoding/json"
	"net/netip"
	"time"

	"deadair/fakes/disk"
)

// Arg is the first argument of a process that is a child; the node's name follows, for people who list processes.
const Arg = "__node"

// Spec is all that a child is told at its start.
type Spec struct {
	Node string            `json:"node"`
	Kind string            `json:"kind"`
	Addr netip.Addr        `json:"addr"` // logical
	Bind netip.Addr        `json:"bind"` // where its sockets really are
	Dir  string            `json:"dir"`  // its disk
	Seed uint64            `json:"seed"`
	Zero int64             `json:"zero"` // the world's zero, Unix nanoseconds
	TCP  map[string]string `json:"tcp"`  // logical destination → its link
	UDP  map[string]string `json:"udp"`  // logical destination → its socket
	Conf json.RawMessage   `json:"conf,omitempty"`
	Disk disk.Fault        `json:"disk"` // of its disk, from the start
}

// What a Message does.
const (
	Start     = "start"      // to the child: Spec
	Zero      = "zero"       // to the child: the world's clock is set, Zero
	DiskFault = "disk-fault" // to the child: its disk has a fault, Disk
	DiskHit   = "disk-hit"   // from the child: Hits operations have met it
	Listening = "listening"  // from the child: Network, Port, Addr (the real one)
	Closed    = "closed"     // from the child: Network, Port
	Refused   = "refused"    // from the child: a dial of Addr (the logical one) was refused
	DiskSlow  = "disk-slow"  // from the child: this machine's disk kept it waiting, Took
	farewell  = "farewell"   // from the child: nothing follows
)

// Message is one line on the wire.
type Message struct {
	Do      string `json:"do"`
	Spec    *Spec  `json:"spec,omitempty"`
	Zero    int64  `json:"zero,omitempty"`
	Network string `json:"network,omitempty"`
	Port    int    `json:"port,omitempty"`
	Addr    string `json:"addr,omitempty"`

	Disk *disk.Fault   `json:"disk,omitempty"`
	Hits int           `json:"hits,omitempty"`
	Took time.Duration `json:"took,omitempty"`
}
