// Package harness plays one plan in one world and collects the evidence.
//
// Run is the whole story: stack up and healthy, broadcasters on air, each step at its
// instant, heal, drain, collect, stop. The harness judges nothing; what it saw is
// the history.
package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"deadair/harness/fault"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
)

// settle is how long after the last broadcaster went off air the recorders are
// given to write what they hold, in incident time.
const settle = 10 * time.Second

// Config is what Run needs.
type Config struct {
	Plan  *scenario.Plan
	World world.World
	Stack *stack.Stack
	Log   *history.Log
}

// Run plays the plan. It returns an error only if the run could not be carried
// out; what the system did wrong is in the history. When ctx ends early the
// faults are healed, the evidence so far is collected, and ctx's cause is
// returned. A panic of the harness is an error like any other. In any case the
// stack is down and the world closed when it returns.
func Run(ctx context.Context, cfg Config) error {
	r := &run{Config: cfg}
	if err := cfg.Stack.Up(ctx); err != nil {
		return errors.Join(early(ctx, fmt.Errorf("bring the stack up: %w", err)), r.down())
	}
	missing := cfg.Stack.Healthy(ctx)
	cfg.World.Zero() // now, so that no step comes late because the stack was
	cfg.Log.Add(history.Event{Node: "harness", Kind: history.RunStarted, Detail: cfg.Plan.Variant})
	if missing != "" && ctx.Err() == nil {
		cfg.Log.Add(history.Event{Node: "harness", Kind: history.BaselineFailed, Detail: missing})
	}

	shows := cfg.Stack.Broadcast(ctx)
	played := early(ctx, survive(func() error { return r.play(ctx) }))
	healed := r.heal(context.WithoutCancel(ctx))
	if played != nil {
		shows.Stop()
	}
	shows.Wait()
	r.sleep(ctx, settle) //nolint:errcheck // a run that is stopped settles no longer
	r.published(ctx)
	for _, a := range r.late {
		r.touched(a)
	}
	collected := survive(cfg.Stack.Collect)
	cfg.Log.Add(history.Event{Node: "harness", Kind: history.RunEnded, Detail: class(played)})
	return errors.Join(played, healed, collected, r.down())
}

// survive turns a panic into an error, so that what comes after f still comes.
func survive(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the harness broke: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// early is ctx's cause in the place of an error that only says what ctx's end interrupted.
func early(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))) {
		return context.Cause(ctx)
	}
	return err
}

// down ends all that the run started.
func (r *run) down() error {
	r.Stack.Down()
	return r.World.Close()
}

// run is one Run in progress.
type run struct {
	Config
	active []active // in the order they began
	late   []active // stay, and had hit nothing when the shows were over
}

// active is a step's fault in force.
type active struct {
	step  scenario.Step
	fault fault.Active
	hit   bool          // it was seen to have hit something
	look  time.Duration // when it is looked at again, until then
}

// instant is the begin or the end of a step.
type instant struct {
	at   time.Duration
	step scenario.Step
	ends bool
}

// play begins and ends each step at its instant and returns when the shows are over.
func (r *run) play(ctx context.Context) error {
	for _, i := range instants(r.Plan) {
		if err := r.until(ctx, i.at); err != nil {
			return err
		}
		if err := r.apply(ctx, i); err != nil {
			return err
		}
	}
	return r.until(ctx, r.Plan.End)
}

// instants lists begins and ends in order of time; at one instant an end comes before a begin.
func instants(p *scenario.Plan) []instant {
	var all []instant
	for _, s := range p.Steps {
		all = append(all, instant{at: s.At, step: s})
		if s.For > 0 && s.At+s.For < p.End {
			all = append(all, instant{at: s.At + s.For, step: s, ends: true})
		}
	}
	slices.SortStableFunc(all, func(a, b instant) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a), rank(b)))
	})
	return all
}

// rank puts ends before begins.
func rank(i instant) int {
	if i.ends {
		return 0
	}
	return 1
}

func (r *run) apply(ctx context.Context, i instant) error {
	if i.ends {
		return r.end(ctx, i.step)
	}
	r.Log.Add(history.Event{Node: "harness", Kind: history.FaultBegan, Fault: i.step.ID, Detail: i.step.Sentence()})
	f, err := fault.Inject(ctx, r.Stack, i.step)
	if f == nil {
		return err
	}
	a := active{step: i.step, fault: f, look: i.at + firstLook}
	if err == nil {
		a.hit = r.touched(a)
	}
	r.active = append(r.active, a)
	return err
}

// touched reports what a fault hit so far, if anything.
func (r *run) touched(a active) bool {
	t := a.fault.Touched()
	hit := t.Conns > 0 || t.Bytes > 0
	if hit {
		r.Log.Add(history.Event{Node: "harness", Kind: history.FaultTouched, Fault: a.step.ID, Count: t.Conns, Bytes: t.Bytes})
	}
	return hit
}

// end heals one step's fault.
func (r *run) end(ctx context.Context, s scenario.Step) error {
	i := slices.IndexFunc(r.active, func(a active) bool { return a.step.ID == s.ID })
	if i < 0 {
		return nil
	}
	a := r.active[i]
	r.active = slices.Delete(r.active, i, i+1)
	r.touched(a)
	err := survive(func() error { return a.fault.End(ctx) })
	r.Log.Add(history.Event{Node: "harness", Kind: history.FaultEnded, Fault: s.ID})
	if err != nil {
		return fmt.Errorf("heal %s: %w", s.ID, err)
	}
	return nil
}

// heal ends all faults still in force, the last one first. A fault that stays
// is only told of: the world's end ends it. If it has hit nothing by now it may yet, such
// as one of the store's when the shows are published.
func (r *run) heal(ctx context.Context) error {
	var errs []error
	for len(r.active) > 0 {
		last := r.active[len(r.active)-1]
		if last.step.Stays {
			if !r.touched(last) {
				r.late = append(r.late, last)
			}
			r.active = r.active[:len(r.active)-1]
			continue
		}
		errs = append(errs, r.end(ctx, last.step))
	}
	return errors.Join(errs...)
}

// firstLook is how long after its begin a fault that has hit nothing is looked at again,
// in incident time. Each time after that is twice as far from the begin: so it is known
// when it took hold, and a fault of days costs no more than some twenty looks.
const firstLook = time.Second

// until waits for an instant of incident time, and looks meanwhile at the only fault in
// force if it has hit nothing yet. With another one beside it nobody looks: to ask a node
// that is frozen takes long, and makes the next step late.
func (r *run) until(ctx context.Context, at time.Duration) error {
	for a := r.alone(); a != nil && !a.hit && a.look < at; {
		if err := r.wait(ctx, a.look); err != nil {
			return err
		}
		a.hit = r.touched(*a)
		a.look += a.look - a.step.At
	}
	return r.wait(ctx, at)
}

// alone is the only fault in force; nil if there is none or more than one. What was over as
// soon as it happened is in force no more, though its end is told with that of all others.
func (r *run) alone() (one *active) {
	for i := range r.active {
		if f, ok := scenario.FaultNamed(r.active[i].step.Do); ok && f.Instant {
			continue
		}
		if one != nil {
			return nil
		}
		one = &r.active[i]
	}
	return one
}

func (r *run) wait(ctx context.Context, at time.Duration) error {
	return r.sleep(ctx, at-r.now())
}

// now is incident time.
func (r *run) now() time.Duration {
	return time.Duration(float64(r.World.Now()) * r.Plan.Speed)
}

// publishLimit is how long the recorders may take for what is to be published at the
// end, in incident time.
const publishLimit = 10 * time.Minute

// Afterwards is how long a run may go on after its plan's end, in incident time: until what
// it has recorded is in the store, or is given up.
func Afterwards(p *scenario.Plan) time.Duration {
	if p.System.Store == nil {
		return 0
	}
	return settle + p.Timing.Over + publishLimit
}

// published waits until the recorders say that all shows are in the store, if there is
// one. What they say is no evidence: it only spares the wait. To ask one that is frozen
// takes long, and counts.
func (r *run) published(ctx context.Context) {
	if r.Plan.System.Store == nil || r.sleep(ctx, r.Plan.Timing.Over+time.Second) != nil {
		return
	}
	for until := r.now() + publishLimit; r.now() < until && r.Stack.Publishing(ctx); {
		if r.sleep(ctx, time.Second) != nil {
			return
		}
	}
}

// sleep waits for a length of incident time.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(time.Duration(float64(d) / r.Plan.Speed))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func class(err error) string {
	if err != nil {
		return "ended early"
	}
	return ""
}
