package scenario

import (
	"encoding/json"
	"fmt"
	"io"
)

// maxPlan bounds what ReadPlan reads.
const maxPlan = 64 << 20

// Write writes the plan as indented JSON.
func (p *Plan) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// ReadPlan reads what Write wrote. A field that this version does not know is an error.
func ReadPlan(r io.Reader) (*Plan, error) {
	dec := json.NewDecoder(io.LimitReader(r, maxPlan))
	dec.DisallowUnknownFields()
	var p Plan
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if p.Schema != 1 {
		return nil, fmt.Errorf("read plan: schema %d is not known, this version reads 1", p.Schema)
	}
	return &p, nil
}
