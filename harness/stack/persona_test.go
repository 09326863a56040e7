package stack_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster"
	"deadair/harness/scenario"
)

var update = flag.Bool("update", false, "write the table of personas anew")

const table = "../scenario/personas.go"

// TestScenariosKnowThePersonas: what bounds are computed from is derived from the
// clients that are played. Package scenario may not know them, so the table that
// it has is written here.
func TestScenariosKnowThePersonas(t *testing.T) {
	want := goTable(t)
	if *update {
		require.NoError(t, os.WriteFile(table, want, 0o644))
	}
	got, err := os.ReadFile(table)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "write it anew: go test ./harness/stack -run Personas -update")
}

// goTable is the table of personas as Go source.
func goTable(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`// Code generated from fakes/broadcaster by go test ./harness/stack -run Personas -update; DO NOT EDIT.

package scenario

import "time"

// Personas is every client that a group can use. Its names and times are those
// of the clients that are played.
func Personas() []Persona {
	return []Persona{
`)
	for _, p := range broadcaster.Personas() {
		fmt.Fprintf(&b, "\t\t{%q, %s},\n", p.Name, literal(habits(p)))
	}
	b.WriteString("\t}\n}\n")
	src, err := format.Source(b.Bytes())
	require.NoError(t, err)
	return src
}

// kernel is how long a system tries to connect to an address that does not answer.
const kernel = 130 * time.Second

// habits is how a client comes back, as far as bounds need to know.
func habits(p broadcaster.Persona) scenario.Retry {
	r := scenario.Retry{
		Form: "source", Tries: p.Patience.Again,
		FirstMin: p.Waits.FirstRetry.For, First: p.Waits.FirstRetry.For + p.Waits.FirstRetry.Tick,
		Again: p.Waits.Retry.For + p.Waits.Retry.Tick + p.Waits.AfterReply,
		Reply: p.Deadlines.Reply, Connect: p.Deadlines.Connect, NextAddr: p.Addresses == broadcaster.AllAddresses, LastAddr: p.Addresses == broadcaster.LastAddress,
	}
	if reset := p.Waits.AfterReset; reset != (broadcaster.Wait{}) {
		r.FirstMin, r.First = min(r.FirstMin, reset.For), max(r.First, reset.For+reset.Tick)
	}
	for p.Forms[r.Questions].Question {
		r.Questions++
	}
	head := p.Forms[r.Questions].Head(nil, broadcaster.Request{Mount: "/m"})
	if bytes.HasPrefix(head, []byte("PUT ")) || bytes.HasPrefix(head, []byte("POST ")) {
		r.Form = "put"
	}
	if p.Patience.Again == broadcaster.Endless {
		r.Tries = scenario.Endless
	}
	if p.Patience.Real > 0 {
		r.Tries = p.Patience.Real
	}
	if r.Connect == 0 {
		r.Connect = kernel
	}
	return r
}

// literal is habits as Go source, without what is zero.
func literal(r scenario.Retry) string {
	s := fmt.Sprintf("Retry{Form: %q", r.Form)
	if r.Questions > 0 {
		s += fmt.Sprintf(", Questions: %d", r.Questions)
	}
	switch r.Tries {
	case 0:
	case scenario.Endless:
		s += ", Tries: Endless"
	default:
		s += fmt.Sprintf(", Tries: %d", r.Tries)
	}
	for _, f := range []struct {
		name string
		d    time.Duration
	}{{"FirstMin", r.FirstMin}, {"First", r.First}, {"Again", r.Again}, {"Reply", r.Reply}, {"Connect", r.Connect}} {
		if f.d > 0 {
			s += fmt.Sprintf(", %s: %d * time.Millisecond", f.name, f.d.Milliseconds())
		}
	}
	if r.NextAddr {
		s += ", NextAddr: true"
	}
	if r.LastAddr {
		s += ", LastAddr: true"
	}
	return s + "}"
}
