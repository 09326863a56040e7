//go:build linux

package realclient_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"deadair/harness/scenario"
)

// table is what came of each client in each fault.
type table struct{ rows []*row }

// row is one of its lines. One test writes it.
type row struct {
	client  client
	fault   string
	outcome string
	persona string // whether the one that plays the client does the same
	differs []string
	notes   []string
}

// add adds a line. It must not be called when tests run that write others.
func (t *table) add(c client, f fault) *row {
	r := &row{client: c, fault: f.name}
	r.begin()
	r.outcome = "not run"
	t.rows = append(t.rows, r)
	return r
}

// begin empties a line, for what comes now.
func (r *row) begin() {
	*r = row{client: r.client, fault: r.fault, outcome: "FAILED", persona: "none"}
	if p, ok := scenario.PersonaNamed(r.client.name); ok {
		r.persona = p.Name
	}
}

func (r *row) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// returned tells how a client that was lost came back: its attempts, the last of which
// was taken.
func (r *row) returned(lost time.Time, attempts []conn, w *wire) {
	after := func(c conn) time.Duration { return c.began.Sub(lost) }
	off := after(attempts[len(attempts)-1]).Seconds()
	r.outcome = fmt.Sprintf("back by itself after %.2fs", off)
	if !r.client.returns {
		r.outcome = fmt.Sprintf("lost for good, back by hand after %.2fs", off)
	}
	var tries []string
	for _, a := range attempts {
		tries = append(tries, fmt.Sprintf("%.2fs %s %s", after(a).Seconds(), a.request(), a.to))
	}
	r.note("attempts: %s", strings.Join(tries, ", "))
	if p, ok := scenario.PersonaNamed(r.client.name); ok {
		r.compare(p.Retry, lost, attempts, w)
	}
}

// compare holds the persona against the client.
func (r *row) compare(p scenario.Retry, lost time.Time, attempts []conn, w *wire) {
	if comes := p.Tries != 0; comes != r.client.returns {
		r.differ("comes back by itself: %v, the client: %v", comes, r.client.returns)
	}
	if p.LastAddr != r.client.last && !p.NextAddr {
		r.differ("knows the last address of an answer: %v, the client: %v", p.LastAddr, r.client.last)
	}
	if r.client.returns {
		r.compareFirst(p, attempts[0].began.Sub(lost))
	}
	if attempts[0].refused {
		r.compareNext(p, attempts[0], attempts[1], w)
	}
}

// compareFirst holds the persona's first attempt against the client's. A busy machine
// makes clients late, not early.
func (r *row) compareFirst(p scenario.Retry, first time.Duration) {
	const early, late = 100 * time.Millisecond, 20 * time.Second
	if first < p.FirstMin-early || first > p.First+late {
		r.differ("first attempt after %v to %v, the client's after %v", p.FirstMin, p.First, first.Round(10*time.Millisecond))
	}
}

// compareNext holds against the persona what the client does after an address that
// refuses: it tries another one of the same answer, or asks for a new answer first.
func (r *row) compareNext(p scenario.Retry, refused, next conn, w *wire) {
	if every := !w.lookedUp(refused.began, next.began); every != p.NextAddr {
		r.differ("tries all addresses of an answer: %v, the client: %v", p.NextAddr, every)
	}
}

func (r *row) differ(format string, args ...any) {
	r.differs = append(r.differs, fmt.Sprintf(format, args...))
	r.persona += " DIFFERS: " + r.differs[len(r.differs)-1]
}

// String is the line as text.
func (r *row) String() string {
	return fmt.Sprintf("client=%s fault=%s outcome=%q persona=%q detail=%q", r.client.name, r.fault, r.outcome, r.persona, strings.Join(r.notes, "; "))
}

// log writes the whole table.
func (t *table) log(to *testing.T) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "client\tpackage\tfault\toutcome\tpersona\tdetail")
	for _, r := range t.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.client.name, version(r.client.program), r.fault, r.outcome, r.persona, strings.Join(r.notes, "; "))
	}
	w.Flush()
	to.Logf("real clients:\n%s", &b)
}

// version is that of a Debian package, if there is one.
func version(program string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}", program).Output()
	if err != nil {
		return program
	}
	return string(out)
}
