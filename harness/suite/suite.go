// Package suite plays many plans, each in a process of its own, judges what
// they left and writes the files of a run.
//
// It owns the folder of a run, how many runs go at once, and the limits on a run
// that does not end. It neither plays (package harness) nor judges (check) nor
// draws (reports) itself.
package suite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deadair/harness/check"
	"deadair/harness/scenario"
	"deadair/reports"
)

// Job is one plan to play, with the text of the scenario it came from.
type Job struct {
	Plan   *scenario.Plan
	Source []byte
}

// Dir is where the files of the job go, below the root of a run.
func (j Job) Dir() string {
	name := j.Plan.Variant + "." + j.Plan.World
	if by := j.Plan.Foreigners(); by != "" {
		name += "." + strings.ReplaceAll(strings.ToLower(by), " + ", "-")
	}
	return filepath.Join(j.Plan.Scenario, name)
}

// slower is the job at half its speed: the machine is then half as busy, and its
// lateness half as long in incident time. One that cannot be planned anew is left as it is.
func (j Job) slower() Job {
	f, err := scenario.Parse(cmp.Or(j.Plan.File, j.Plan.Scenario+".yaml"), j.Source)
	if err != nil {
		return j
	}
	p, err := scenario.Expand(f, j.Plan.Variant, j.Plan.World, j.Plan.Seed, max(1, j.Plan.Speed/2))
	if err != nil || p.UseRedis(j.Plan.Redis) != nil || p.UseForeign(j.Plan.Foreign) != nil {
		return j
	}
	p.Scenario, p.File = j.Plan.Scenario, j.Plan.File
	return Job{Plan: p, Source: j.Source}
}

// Distinct tells whether each job has a folder of its own.
func Distinct(jobs []Job) error {
	seen := map[string]bool{}
	for _, j := range jobs {
		if seen[j.Dir()] {
			return fmt.Errorf("play %s twice: name each scenario once, and give files different names", j.Dir())
		}
		seen[j.Dir()] = true
	}
	return nil
}

// Outcome is what came of a job.
type Outcome struct {
	Job      Job
	Verdict  check.Verdict
	Run      reports.Run // of what was judged; the zero Run when nothing was
	Events   int
	Hash     string // of the history
	Wall     time.Duration
	Played   int   // how often it was played, three times at most; 0 when it was not begun
	Verified bool  // it was played again and was the same
	Err      error // the run could not be carried out or judged
	waits    bool  // it is to be played again, and nobody was told that it is done
}

// Progress is a sign of life of a running job.
type Progress struct {
	Job  Job
	At   time.Duration // incident time reached
	Text string        // what just happened, may be empty
	Done *Outcome      // set once, at the end
}

// Config is what Run needs. Zero values stand for the defaults given.
type Config struct {
	Out      string            // root folder of the run; must exist
	Exe      string            // the program whose Child is called; default: this one
	Exes     map[string]string // other programs for that, by world
	Real     int               // runs at once in worlds of real time; default 5 for 2 cores
	Virtual  int               // runs at once in virtual time; default one per core
	Baseline *reports.Summary  // of another time, to set each page beside; may be nil
	Progress func(Progress)    // called from many goroutines, one call at a time; may be nil
	Env      []string          // further environment of the children
	Verify   bool              // play each run of virtual time twice: what is not the same is an error
	Limit    time.Duration     // wall time of one run, which then is killed; default by its plan, minutes
}

// Run plays all jobs and returns their outcomes in the order of the jobs. Its
// error is only that of all; what went wrong with a job is in its outcome.
// A run in real time that proves nothing, most often because the machine was too
// busy, is played once more when the others have ended, at half the speed and beside half
// as many, and if it proves nothing then either, once more alone.
// When ctx ends the running jobs heal, are judged as far as they came, and the
// rest is not begun; Err of both is ErrStopped with ctx's cause.
func Run(ctx context.Context, cfg Config, jobs []Job) ([]Outcome, error) {
	if err := Distinct(jobs); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if cfg.Exe == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		cfg.Exe = exe
	}
	s := &suite{Config: cfg, starting: make(chan struct{}, 1)}
	outcomes := make([]Outcome, len(jobs))
	s.playAll(ctx, jobs, outcomes, true) // uses all there is, and would make the others late
	s.playAll(ctx, jobs, outcomes, false)
	s.playAgain(ctx, outcomes)
	return outcomes, nil
}

// playAgain plays what proved nothing again: more slowly and fewer at once, and then alone.
func (s *suite) playAgain(ctx context.Context, outcomes []Outcome) {
	for _, atOnce := range []int{max(1, s.Real/2), 1} {
		var unclear []int
		for i, o := range outcomes {
			if s.again(ctx, o) {
				unclear = append(unclear, i)
			}
		}
		if atOnce == 1 || len(unclear) == 1 {
			s.last = true // each is alone now
		}
		s.playUnclear(ctx, outcomes, unclear, atOnce)
	}
	for i, o := range outcomes {
		if o.waits {
			outcomes[i].waits = false
			s.tell(Progress{Job: o.Job, At: o.Job.Plan.End, Done: &outcomes[i]})
		}
	}
}

// playUnclear plays some once more. What is not begun before ctx ends stays as it was judged.
func (s *suite) playUnclear(ctx context.Context, outcomes []Outcome, unclear []int, atOnce int) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, i := range unclear {
		group.Go(func() error {
			o := outcomes[i]
			job := o.Job
			if o.Played == 1 {
				job = job.slower()
			}
			if ctx.Err() == nil {
				outcomes[i] = s.play(ctx, job, o.Played)
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // the functions return none
}

// playAll plays the jobs in virtual time, or those in real time, some at once and
// the longest first, so that none is left over alone at the end.
func (s *suite) playAll(ctx context.Context, jobs []Job, outcomes []Outcome, virtual bool) {
	var group errgroup.Group
	group.SetLimit(s.Real)
	if virtual {
		group.SetLimit(s.Virtual)
	}
	for _, i := range longestFirst(jobs) {
		if j := jobs[i]; virtual == (j.Plan.World == "virtual") {
			group.Go(func() error { outcomes[i] = s.play(ctx, j, 0); return nil })
		}
	}
	group.Wait() //nolint:errcheck // the functions return none
}

// longestFirst is the indices of the jobs by the length of their plans.
func longestFirst(jobs []Job) []int {
	order := make([]int, len(jobs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(jobs[b].Plan.End, jobs[a].Plan.End) })
	return order
}

func (c Config) withDefaults() Config {
	if c.Real == 0 {
		c.Real = (5*runtime.NumCPU() + 1) / 2
	}
	if c.Virtual == 0 {
		c.Virtual = runtime.NumCPU()
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	return c
}

type suite struct {
	Config
	last     bool          // nothing is played again any more; written while nothing is played
	starting chan struct{} // holds one: to start many processes is the busiest moment of a run in real time
	mu       sync.Mutex    // one Progress call at a time
}

func (s *suite) tell(p Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Progress(p)
}

// again tells whether a run that was played is to be played once more.
func (s *suite) again(ctx context.Context, o Outcome) bool {
	return !s.last && o.Inconclusive() && o.Job.Plan.World != "virtual" && ctx.Err() == nil
}

// play plays one job in a child, judges it and draws its page. It was played before
// as often as told.
func (s *suite) play(ctx context.Context, j Job, before int) Outcome {
	o := Outcome{Job: j}
	if ctx.Err() != nil {
		o.Err = fmt.Errorf("%w, not begun: %w", ErrStopped, context.Cause(ctx))
		return o
	}
	o.Played = before + 1
	dir := filepath.Join(s.Out, j.Dir())
	start := time.Now()
	err := write(dir, j)
	if err == nil {
		where := Environment()
		err = s.child(ctx, dir, j)
		o.Wall = time.Since(start)
		where.LoadAfter, where.WallS, where.Played = load(), o.Wall.Seconds(), o.Played
		err = errors.Join(err, writeJSON(filepath.Join(dir, "environment.json"), where))
	}
	judged := o.judge(dir, s.Baseline)
	if err != nil && errors.Is(judged, ErrNoHistory) {
		judged = nil // no wonder
	}
	o.Err = errors.Join(err, judged)
	if s.Verify && o.Err == nil && j.Plan.World == "virtual" {
		o.Err = s.verify(ctx, dir, j)
		o.Verified = o.Err == nil
	}
	if s.again(ctx, o) {
		o.waits = true
		s.tell(Progress{Job: j, At: j.Plan.End, Text: "inconclusive, to be played again when the others have ended"})
		return o
	}
	s.tell(Progress{Job: j, At: j.Plan.End, Done: &o})
	return o
}
