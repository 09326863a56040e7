package hold

import (
	"encoding/json"
	"io"
	"net/netip"
)

// Said is what a system that is held up elsewhere has for the person, one JSON object a line.
type Said struct {
	Out    string         `json:"out,omitempty"`
	Err    string         `json:"err,omitempty"`
	Stands netip.AddrPort `json:"stands,omitzero"` // as Config.Stands tells
}

// Elsewhere sets Out, Err and Stands of a Config for a person who is reached by Said alone. To
// takes one at a time, from one goroutine.
func (c Config) Elsewhere(to io.Writer) Config {
	lines := json.NewEncoder(to)
	c.Out = writer(func(text string) error { return lines.Encode(Said{Out: text}) })
	c.Err = writer(func(text string) error { return lines.Encode(Said{Err: text}) })
	c.Stands = func(at netip.AddrPort) { lines.Encode(Said{Stands: at}) } //nolint:errcheck // who does not hear is gone, which is noticed elsewhere
	return c
}

// writer is a function that takes text.
type writer func(text string) error

func (w writer) Write(text []byte) (int, error) { return len(text), w(string(text)) }
