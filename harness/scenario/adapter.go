package scenario

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Adapter tells how a server of somebody else's takes the place of a kind of node.
// Command and Files are templates of package stack.
type Adapter struct {
	Kind       string            `json:"kind" yaml:"-"` // what it stands in for: balancer or recorder
	File       string            `json:"file" yaml:"-"` // where it was read from
	Name       string            `json:"name" yaml:"name"`
	Command    []string          `json:"command" yaml:"command"`                 // the program, in the foreground, and its arguments
	Files      map[string]string `json:"files" yaml:"files"`                     // written into its folder before each start
	Health     string            `json:"health" yaml:"health"`                   // the path at which it answers 200 when it is well
	Settles    bool              `json:"settles,omitempty" yaml:"settles"`       // it does not bear a connection before it has settled: see world.Program
	Recordings string            `json:"recordings,omitempty" yaml:"recordings"` // of a recorder: which files in its folder are sound
}

// replaceable are the kinds of nodes that a server of somebody else's can take the place of.
func replaceable() []string { return []string{"balancer", "recorder"} }

// ParseAdapter reads an adapter for a kind of node from the text of a file.
func ParseAdapter(kind, file string, text []byte) (Adapter, error) {
	a := Adapter{}
	if !slices.Contains(replaceable(), kind) {
		return a, fmt.Errorf("no server can take the place of %q: choose %s", kind, strings.Join(replaceable(), " or "))
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&a); err != nil {
		return a, fmt.Errorf("read adapter %s: %s", file, yaml.FormatError(err, false, false))
	}
	a.Kind, a.File = kind, file
	switch {
	case a.Name == "":
		return a, fmt.Errorf("read adapter %s: name: say what the server is called", file)
	case len(a.Command) == 0:
		return a, fmt.Errorf("read adapter %s: command: give the program and its arguments", file)
	case !strings.HasPrefix(a.Health, "/"):
		return a, fmt.Errorf("read adapter %s: health: give the path that answers 200 when it is well", file)
	case kind == "recorder" && a.Recordings == "":
		return a, fmt.Errorf("read adapter %s: recordings: give a pattern of the files with sound", file)
	}
	return a, nil
}

// UseForeign has servers of somebody else's take the place of nodes. Drains of them
// are left out, and told among what is assumed. Its error tells why it cannot be.
func (p *Plan) UseForeign(adapters []Adapter) error {
	if len(adapters) == 0 {
		return nil
	}
	switch {
	case p.World != "loopback":
		return fmt.Errorf("%s %s: servers of somebody else's are played in the loopback world only", p.Scenario, p.Variant)
	case p.Mutant != "" || len(p.Legacy) > 0:
		return fmt.Errorf("%s %s: it is about something broken inside of ours", p.Scenario, p.Variant)
	}
	p.Foreign = slices.Clone(adapters)
	slices.SortFunc(p.Foreign, func(a, b Adapter) int { return strings.Compare(a.Kind, b.Kind) })
	var kept []Step
	for _, s := range p.Steps {
		i := slices.IndexFunc(s.Nodes, func(n string) bool { return p.ForeignOf(nodeKind(n)) != nil })
		switch {
		case i < 0 || slices.Contains([]string{"kill", "stop", "pause", "restart"}, s.Do):
			kept = append(kept, s)
		case s.Do == "drain":
			p.Assumed = append(p.Assumed, fmt.Sprintf("%s is not told to drain: %s is left out.", p.ForeignOf(nodeKind(s.Nodes[i])).Name, s.Sentence()))
		default:
			return fmt.Errorf("%s %s: line %d: %s: %s cannot be broken from within", p.Scenario, p.Variant, s.Line, s.Sentence(), p.ForeignOf(nodeKind(s.Nodes[i])).Name)
		}
	}
	p.Steps = kept
	return nil
}

// nodeKind is the kind of a node by its name: eu-west/balancer-1.
func nodeKind(node string) string {
	_, name, _ := strings.Cut(node, "/")
	kind, _, _ := strings.Cut(name, "-")
	return kind
}

// ForeignOf is the server that takes the place of a kind of node; nil if none does.
func (p *Plan) ForeignOf(kind string) *Adapter {
	for i, a := range p.Foreign {
		if a.Kind == kind {
			return &p.Foreign[i]
		}
	}
	return nil
}

// Foreigners names the servers of somebody else's: "HAProxy + Icecast". It is empty if all are ours.
func (p *Plan) Foreigners() string {
	var names []string
	for _, a := range p.Foreign {
		names = append(names, a.Name)
	}
	return strings.Join(names, " + ")
}
