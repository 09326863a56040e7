package balancer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"deadair/balancer/fleet"
)

// Verdict is how a balancer is.
type Verdict string

// Verdicts. A failing balancer answers 503 and leaves DNS; a degraded one stays:
// what is wrong with it is wrong with all, or it still admits.
const (
	OK       Verdict = "ok"
	Degraded Verdict = "degraded"
	Failing  Verdict = "failing"
)

// Report is a health check's result, and the body of GET /health.
type Report struct {
	Status      Verdict   `json:"status"`
	Reason      string    `json:"reason,omitempty"` // for people, when it is not ok
	CheckedAt   time.Time `json:"checked_at"`       // when the check began
	AgeMS       int64     `json:"age_ms"`           // since then
	AdmissionMS int64     `json:"admission_ms"`     // how long the probe took; 0 if it failed
	Redis       string    `json:"redis"`            // "ok", "failing"
	Recorders   string    `json:"recorders"`        // "ok", "away" (none in the own datacenter), "full", "failing"
	Accounts    string    `json:"accounts"`         // "ok", "failing"
	Sources     int       `json:"sources"`
	Draining    bool      `json:"draining,omitempty"`

	soon bool // the verdict is not sure yet: check again soon
}

// HealthCheck finds out how the balancer is. Check is called every ProbeInterval,
// by one goroutine, with ProbeDeadline on ctx. What it returns is served until the
// next round; a balancer whose check stops returning is failing.
type HealthCheck interface {
	Check(ctx context.Context, p Probes) Report
}

// Probes are what a check may do.
type Probes struct {
	Index    func(context.Context) error              // a write to the index, through the pool that claims use
	Recorder func(context.Context) error              // a source offered to recorders and accepted by one; ErrFull
	Accounts func(context.Context) error              // a question to who knows the accounts
	Peers    func(context.Context) []fleet.PeerHealth // those that answer
	View     func() []fleet.Status                    // the recorders, as last looked at
	Home     string                                   // the own datacenter
	Wall     func() time.Time                         // for stamps
}

// checked is the latest report.
type checked struct {
	Report
	began time.Time // of the round
}

// staleAfter is how many intervals a report is good for.
const staleAfter = 3

// soonShare of an interval is how soon an unsure check is repeated.
const soonShare = 5

// checkHealth checks until ctx is done: once soon, for until then the balancer is
// failing, then at its own phase.
func (b *Balancer) checkHealth(ctx context.Context) {
	if !sleep(ctx, b.env.Phase("first health check", b.cfg.ProbeInterval/20)) {
		return
	}
	b.round(ctx)
	rest := b.env.Phase("health check", b.cfg.ProbeInterval)
	for sleep(ctx, rest) {
		began := time.Now()
		rest = b.cfg.ProbeInterval
		if b.round(ctx).soon {
			rest /= soonShare
		}
		rest = max(0, rest-time.Since(began))
	}
}

// round is one check.
func (b *Balancer) round(ctx context.Context) Report {
	deadline, cancel := context.WithTimeout(ctx, b.cfg.ProbeDeadline)
	defer cancel()
	began := time.Now()
	report := b.check.Check(deadline, Probes{
		Index:    b.probeIndex,
		Recorder: b.probeRecorder,
		Accounts: func(ctx context.Context) error { return (*b.accounts.Load()).Probe(ctx) },
		Peers: func(ctx context.Context) []fleet.PeerHealth {
			return fleet.AskPeers(ctx, b.env.DialContext, b.cfg.Peers)
		},
		View: b.watcher.View,
		Home: b.cfg.Datacenter,
		Wall: b.env.Wall,
	})
	if ctx.Err() == nil {
		b.note(checked{report, began})
	}
	return report
}

// note keeps a report and says loudly what changed.
func (b *Balancer) note(c checked) {
	before := b.health.Swap(&c)
	if before != nil && before.Status == c.Status && before.Redis == c.Redis && before.Recorders == c.Recorders && before.Accounts == c.Accounts {
		return
	}
	switch c.Status {
	case OK:
		b.log.Info("health changed", "status", c.Status)
	default:
		b.log.Error("health changed", "status", c.Status, "reason", c.Reason, "redis", c.Redis, "recorders", c.Recorders, "accounts", c.Accounts)
	}
}

// Health is the latest report as it counts now: one that is too old, or a drain,
// is failing whatever it says.
func (b *Balancer) Health() Report {
	c := b.health.Load()
	if c == nil {
		return Report{Status: Failing, Reason: "not checked yet", Redis: "unknown", Recorders: "unknown", Accounts: "unknown", Sources: b.Sources()}
	}
	r := c.Report
	age := time.Since(c.began)
	r.AgeMS, r.Sources, r.Draining = age.Milliseconds(), b.Sources(), b.draining.Load()
	switch {
	case age > staleAfter*b.cfg.ProbeInterval:
		r.Status, r.Redis, r.Recorders, r.Accounts = Failing, "unknown", "unknown", "unknown"
		r.Reason = fmt.Sprintf("the last check is %v old", age.Round(time.Second))
	case r.Draining:
		r.Status, r.Reason = Failing, "draining"
	}
	return r
}

// healthAnswer is GET /health.
func (b *Balancer) healthAnswer() (status int, body []byte) {
	r := b.Health()
	body, err := json.Marshal(r)
	if err != nil {
		return http.StatusInternalServerError, nil
	}
	if r.Status == Failing {
		return http.StatusServiceUnavailable, body
	}
	return http.StatusOK, body
}

// probeIndex writes to the index within the deadline that a claim has.
func (b *Balancer) probeIndex(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	err := b.store.Probe(ctx)
	b.metrics.index("probe", err)
	return err
}

// probeRecorder offers a probe to the recorders that a source would be offered to,
// in another order each time, until one accepts. It goes from datacenter to
// datacenter, and one that hangs does not use up the time of the next.
func (b *Balancer) probeRecorder(ctx context.Context) error {
	const hanging = 3 // as many may
	each := b.cfg.DialDeadline
	if deadline, ok := ctx.Deadline(); ok {
		each = min(each, time.Until(deadline)/hanging)
	}
	mount := fmt.Sprintf("/deadair-probe-%d", b.probed.Add(1))
	verdict := errNoRecorder
	for _, r := range spread(b.choose(Choice{Mount: mount, View: openAll(b.watcher.View()), Near: b.cfg.Near})) {
		if ctx.Err() != nil {
			break
		}
		switch err := b.probeOne(ctx, r, each); {
		case err == nil:
			return nil
		case !errors.Is(verdict, ErrFull): // one that is full is up
			verdict = err
		}
	}
	return verdict
}

// spread puts the first of each datacenter first, then the second of each, and so on.
func spread(recorders []fleet.Recorder) []fleet.Recorder {
	place := make(map[string]int, len(recorders))
	seen := make(map[string]int)
	for _, r := range recorders {
		place[r.Name] = seen[r.Datacenter]
		seen[r.Datacenter]++
	}
	slices.SortStableFunc(recorders, func(a, b fleet.Recorder) int { return cmp.Compare(place[a.Name], place[b.Name]) })
	return recorders
}

// ErrFull is a probe that recorders answered, but none had room for.
var ErrFull = errors.New("probe recorder: all are full or draining")

var errNoRecorder = errors.New("probe recorder: all are down")

// openAll makes full and draining recorders eligible: they take probes.
func openAll(view []fleet.Status) []fleet.Status {
	for i, s := range view {
		if s.State == fleet.Full || s.State == fleet.Draining {
			view[i].State = fleet.Up
		}
	}
	return view
}

func (b *Balancer) probeOne(ctx context.Context, r fleet.Recorder, deadline time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	o, err := b.offer(ctx, r, probeRequest())
	switch {
	case err != nil:
		if !isTimeout(err) && ctx.Err() == nil {
			b.watcher.Failed(r.Name)
		}
		return fmt.Errorf("probe %s: %w", r.Name, err)
	case o.status == http.StatusInsufficientStorage, o.status == http.StatusServiceUnavailable:
		return ErrFull
	case o.status != http.StatusOK:
		return fmt.Errorf("probe %s: status %d", r.Name, o.status)
	}
	return o.conn.Close()
}
