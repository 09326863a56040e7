// Package inside is the part of the docker world that runs in containers.
//
// The stage is one container in all networks of a run: links, the hosts that the
// harness plays and the run itself are there, so that nothing of a run needs the
// engine's machine to be this one. A guard is the first process of each node's
// container: it starts the node's process, passes on what that tells, and does to it
// what it is told, while the container and its address live on.
//
// Both talk with the engine's side over their standard streams, in JSON lines. Its end is
// theirs. The package knows nothing of the engine: that is package docker's.
package inside

import (
	"encoding/json"
	"net/netip"
	"time"

	"deadair/harness/world/child"
	"deadair/harness/world/realtime"
)

// First arguments of the binary in its containers.
const (
	StageArg = "__stage"
	GuardArg = "__guard"
)

// Folders in containers.
const (
	Dir        = "/run/deadair" // shared by all containers of a run: disks/<host>, logs/<node>.log
	ProgramDir = "/data"        // of somebody else's server, in its own container
)

// What a Message does. Those with a Node are between the stage and that node's
// container; the engine's side passes them on, except to somebody else's server,
// whose container it orders about itself.
const (
	open   = "open"   // to the stage: Open
	end    = "end"    // to the stage: heal and end
	told   = "told"   // from the stage: Line, a line for who started the run
	typed  = "typed"  // to the stage: Text, a line of the person for whom it holds the system up
	over   = "over"   // from the stage: the run has ended, Over; it now waits for the end of its input
	Begin  = "begin"  // to a guard: Spec; or Program
	Tell   = "tell"   // to a guard: Child, for the node's process
	Kill   = "kill"   // to a guard
	Stop   = "stop"   // to a guard
	Pause  = "pause"  // to a guard, which answers Did
	Resume = "resume" // to a guard
	Heard  = "heard"  // from a guard: Child, of the node's process
	Did    = "did"    // from a guard: it is paused, or Text tells why not
	Unplug = "unplug" // to the engine's side, which answers Wired: off the network
	Plug   = "plug"   // to the engine's side, which answers Wired: on it again
	Expose = "expose" // to a guard, which answers Wired: who connects to Port is passed on to At
	Wired  = "wired"  // the container is unplugged, plugged in or exposed as asked for, or Text tells why not
	Late   = "late"   // from a guard, once a second: Took, how late its timers fired at worst
	Ended  = "ended"  // from a guard: the node's process ended, Text tells how
)

// Message is one line on a container's standard streams.
type Message struct {
	Do      string            `json:"do"`
	Node    string            `json:"node,omitempty"` // between the stage and the engine's side
	Open    *Opening          `json:"open,omitempty"`
	Over    *End              `json:"over,omitempty"`
	Spec    *child.Spec       `json:"spec,omitempty"`
	Program *realtime.Command `json:"program,omitempty"`
	Child   *child.Message    `json:"child,omitempty"`
	Line    json.RawMessage   `json:"line,omitempty"`
	Text    string            `json:"text,omitempty"`
	Port    int               `json:"port,omitempty"`
	At      netip.AddrPort    `json:"at,omitzero"`
	Took    time.Duration     `json:"took,omitempty"`
}

// Opening is what a stage is told at its start.
type Opening struct {
	Plan  json.RawMessage `json:"plan"`
	Hosts []Host          `json:"hosts"`
	Hold  string          `json:"hold,omitempty"` // the plan is not played but held up for a person, who finds what it leaves here
}

// Host is a host of the run.
type Host struct {
	Name string     `json:"name"`
	In   string     `json:"in,omitempty"`  // the datacenter that its container stands in
	Addr netip.Addr `json:"addr,omitzero"` // of its container; none for a host that the stage plays
	Gate netip.Addr `json:"gate,omitzero"` // the stage, as it is seen from there
}

// End is how a run ended.
type End struct {
	Err     string `json:"err,omitempty"`
	Stopped bool   `json:"stopped,omitempty"` // it was asked to end before its time
}

// Opened is the first word to a stage.
func Opened(o Opening) Message { return Message{Do: open, Open: &o} }

// Asked is the word to a stage to end early.
func Asked() Message { return Message{Do: end} }

// Typed is what a person types for the stage.
func Typed(line string) Message { return Message{Do: typed, Text: line} }

// Said is what a stage says that is not for a node: that the run is over, or a line
// for who started it.
func (m Message) Said() (*End, json.RawMessage) {
	switch m.Do {
	case over:
		return m.Over, nil
	case told:
		return nil, m.Line
	}
	return nil, nil
}
