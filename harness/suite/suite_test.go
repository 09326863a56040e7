package suite

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestMain plays a run when this binary is started as a child, or what stands
// in for one: the variant's name says which.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == ChildArg {
		variant, _, _ := strings.Cut(filepath.Base(os.Args[2]), ".")
		if act := fakes()[variant]; act != nil {
			act(os.Args[2])
			os.Exit(0)
		}
		if do := culprits()[variant]; do != nil {
			playCulprit(do, os.Args[2])
		}
	}
	if Child() {
		return
	}
	os.Exit(m.Run())
}

// fakes are children that behave badly, by the name of their variant.
func fakes() map[string]func(dir string) {
	say := func(l line) {
		data, _ := json.Marshal(l)
		fmt.Println(string(data))
	}
	return map[string]func(dir string){
		"hang":   func(string) { say(line{At: time.Second, Text: "so far"}); select {} },
		"panics": func(string) { panic("kaboom") },
		"mute":   func(string) { os.Exit(7) },
		"fails": func(string) {
			say(line{Err: "inject kill (step-1, line 9): no such node\nand more"})
			os.Exit(childFailed)
		},
		"empty": func(string) {},
		"long": func(string) {
			fmt.Println(strings.Repeat("x", bufio.MaxScanTokenSize+1))
			fmt.Println(strings.Repeat("y", 1<<20))
			fmt.Fprintln(os.Stderr, "it said too much")
			os.Exit(7)
		},
		"garbage": func(string) { fmt.Println("not JSON"); say(line{At: 3 * time.Second}); os.Exit(7) },
		"obeys": func(string) {
			say(line{At: time.Second})
			os.Stdin.Read(make([]byte, 1))
			os.Exit(childStopped)
		},
		"obeys-badly": func(string) {
			say(line{At: time.Second})
			os.Stdin.Read(make([]byte, 1))
			say(line{Err: "asked to end\nheal step-1: stuck"})
			os.Exit(childStopped)
		},
		"orphan": func(string) {
			go obey(os.Stdin, func(error) {})
			select {}
		},
		"never-listens": playMute,
		"unordered":     func(dir string) { playRecorder(dir, keeping(orderOfAMap)) },
		"ordered":       func(dir string) { playRecorder(dir, keeping(orderOfAList)) },
		"environment": func(dir string) {
			playRecorder(dir, keeping(func() string { return strings.Join(os.Environ(), "\n") }))
		},
		"counts":      func(dir string) { count(dir, "counts") },
		"quiet":       func(dir string) { busy(dir, 0) },
		"busy":        func(dir string) { busy(dir, 1) },
		"always-busy": alwaysBusy, "always-busy-2": alwaysBusy, "always-busy-3": alwaysBusy, "always-busy-4": alwaysBusy,
	}
}

func alwaysBusy(dir string) { busy(dir, 99) }

// busy leaves a history that proves nothing, as often as told, and then does not.
func busy(dir string, times int) {
	p, err := readPlan(dir)
	if err != nil {
		panic(err)
	}
	f, _ := os.OpenFile(filepath.Join(dir, "..", p.Variant), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	f.WriteString("x")
	before, _ := f.Seek(0, io.SeekCurrent)
	f.Close()
	if p.World != "virtual" {
		fmt.Println(`{"text": "the system is up"}`) // the next one may start
		count(dir, fmt.Sprintf("counts-%d", before))
	}
	p.World = "virtual"
	out := newTeller(io.Discard)
	if err := playVirtual(context.Background(), p, dir, out); err != nil {
		panic(err)
	}
	if int(before) > times {
		return
	}
	log, _ := os.OpenFile(filepath.Join(dir, "history.jsonl"), os.O_APPEND|os.O_WRONLY, 0o644)
	json.NewEncoder(log).Encode(history.Event{At: p.End + time.Hour, Node: "neighbours", Seq: 1, Kind: history.BaselineFailed, Detail: "too busy"})
	log.Close()
}

// count notes in a file of the scenario's folder how many of its kind run at once.
func count(dir, file string) {
	mine := filepath.Join(dir, "..", fmt.Sprintf("running-%d", os.Getpid()))
	os.WriteFile(mine, nil, 0o644)
	time.Sleep(100 * time.Millisecond)
	all, _ := filepath.Glob(filepath.Join(dir, "..", "running-*"))
	os.Remove(mine)
	f, _ := os.OpenFile(filepath.Join(dir, "..", file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	fmt.Fprintln(f, len(all))
	f.Close()
}

const small = `schema: 1
title: A test
system:
  datacenters: [{name: eu-west, place: Ireland, balancers: 1, recorders: 1, capacity: 4}]
  redis: eu-west
  dns: {checkers: 1, threshold: 1}
broadcasters: [{name: rome, from: Rome, persona: butt}]
ends: 20s
`

// job is a small scenario under the name of a variant, in virtual time.
func job(t *testing.T, variant string) Job {
	t.Helper()
	f, err := scenario.Parse("small.yaml", []byte(small))
	require.NoError(t, err)
	p, err := scenario.Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	p.Variant = variant
	return Job{Plan: p, Source: []byte(small)}
}

// seen collects what a suite tells.
type seen struct {
	mu    sync.Mutex
	texts []string
	done  []string
}

func (s *seen) show(p Progress) {
	if !s.mu.TryLock() {
		panic("two calls at once")
	}
	defer s.mu.Unlock()
	if p.Done != nil {
		s.done = append(s.done, p.Job.Plan.Variant)
		return
	}
	s.texts = append(s.texts, p.Job.Plan.Variant+" "+p.At.String()+" "+p.Text)
}

func TestRunOutlivesItsChildren(t *testing.T) {
	wants := map[string]string{
		"panics":  "the run's process died (exit status 2): panic: kaboom\n\ngoroutine 1 [running",
		"mute":    "the run's process died (exit status 7): it left no log",
		"fails":   "inject kill (step-1, line 9): no such node\nand more",
		"empty":   "the run left no history",
		"long":    "the run's process died (exit status 7): it said too much",
		"garbage": "the run's process died (exit status 7): it left no log",
		"today":   "",
	}
	var jobs []Job
	for variant := range wants {
		jobs = append(jobs, job(t, variant))
	}
	var told seen
	out := t.TempDir()
	outcomes, err := Run(t.Context(), Config{Out: out, Virtual: 4, Progress: told.show}, jobs)
	require.NoError(t, err)
	var done []string
	for i, o := range outcomes {
		variant := jobs[i].Plan.Variant
		done = append(done, variant)
		require.Same(t, jobs[i].Plan, o.Job.Plan, "outcomes are in the order of the jobs")
		if wants[variant] == "" {
			require.NoError(t, o.Err)
			require.Equal(t, check.Pass, o.Verdict.Result)
			require.True(t, o.AsExpected())
			require.FileExists(t, filepath.Join(out, o.Job.Dir(), "report.html"))
			continue
		}
		require.ErrorContains(t, o.Err, wants[variant])
		require.False(t, o.AsExpected() || o.Differs() || o.Inconclusive() || o.Stopped(), variant)
		require.Positive(t, o.Wall)
	}
	require.ElementsMatch(t, done, told.done)
	require.Contains(t, told.texts, "garbage 3s ")
}

func TestRunKillsWhatDoesNotEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for _, stopped := range []bool{false, true} {
		show := func(Progress) {
			if stopped {
				stop()
			}
		}
		outcomes, err := Run(ctx, Config{Out: t.TempDir(), Limit: time.Second, Progress: show}, []Job{job(t, "hang")})
		require.NoError(t, err)
		require.ErrorContains(t, outcomes[0].Err, "the run did not end within 1s: ")
		require.False(t, outcomes[0].Stopped(), "who does not obey is no different")
	}
}

func TestRunIsStopped(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	jobs := []Job{job(t, "obeys"), job(t, "obeys-badly"), job(t, "later")}
	began := 0
	show := func(p Progress) {
		if p.Done == nil {
			began++
		}
		if began == 2 {
			stop(errors.New("Ctrl-C"))
		}
	}
	outcomes, err := Run(ctx, Config{Out: t.TempDir(), Virtual: 2, Progress: show}, jobs)
	require.NoError(t, err)
	require.EqualError(t, outcomes[0].Err, "stopped before its end: Ctrl-C")
	require.True(t, outcomes[0].Stopped())
	require.EqualError(t, outcomes[1].Err, "stopped before its end: Ctrl-C: asked to end\nheal step-1: stuck")
	require.True(t, outcomes[1].Stopped())
	require.EqualError(t, outcomes[2].Err, "stopped before its end, not begun: Ctrl-C")
	require.True(t, outcomes[2].Stopped())

	s := Summarize(time.Now(), 1, outcomes)
	require.Equal(t, "inconclusive", s.Runs[2].Verdict, "a verdict is one of three words")
	require.Equal(t, outcomes[2].Err.Error(), s.Runs[2].Error)
}

func TestRunPlaysNoMoreAtOnceThanAllowed(t *testing.T) {
	out := t.TempDir()
	var jobs []Job
	for i := range 6 {
		jobs = append(jobs, job(t, fmt.Sprintf("counts.%d", i)))
	}
	_, err := Run(t.Context(), Config{Out: out, Virtual: 2}, jobs)
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(out, "small", "counts"))
	require.NoError(t, err)
	counts := strings.Fields(string(data))
	require.Len(t, counts, 6)
	for _, n := range counts {
		require.LessOrEqual(t, n, "2")
	}
}

// realJob is job on real sockets, where a variant that is busy proves nothing for a while.
func realJob(t *testing.T, variant string) Job {
	t.Helper()
	source := []byte(small + "variants: {" + variant + ": {verdict: pass}}\n")
	f, err := scenario.Parse("small.yaml", source)
	require.NoError(t, err)
	p, err := scenario.Expand(f, variant, "loopback", 1, 4)
	require.NoError(t, err)
	return Job{Plan: p, Source: source}
}

// TestAnInconclusiveRunIsPlayedAgain: in real time, after the others, more slowly, alone at last,
// and not for ever.
func TestAnInconclusiveRunIsPlayedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		variants []string
		atOnce   int
		played   []int
		proves   []bool
		most     []int // at once, each time
	}{
		"some at once, then alone": {[]string{"busy", "always-busy", "always-busy-2", "always-busy-3"}, 5, []int{2, 3, 3, 3}, []bool{true, false, false, false}, []int{4, 2, 1}},
		"one is alone":             {[]string{"quiet", "always-busy"}, 5, []int{1, 2}, []bool{true, false}, []int{2, 1}},
		"all were alone":           {[]string{"busy", "always-busy"}, 1, []int{2, 2}, []bool{true, false}, []int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			jobs := []Job{job(t, "busy.virtual")}
			for _, v := range c.variants {
				jobs = append(jobs, realJob(t, v))
			}
			var told seen
			out := t.TempDir()
			outcomes, err := Run(t.Context(), Config{Out: out, Real: c.atOnce, Progress: told.show}, jobs)
			require.NoError(t, err)
			require.Equal(t, 1, outcomes[0].Played, "in virtual time no machine is too busy")
			for i, o := range outcomes[1:] {
				require.NoError(t, o.Err)
				require.Equal(t, c.proves[i], o.Verdict.Result == check.Pass, c.variants[i])
				require.Equal(t, c.played[i], o.Played, c.variants[i])
				require.Equal(t, 4/float64(min(2, o.Played)), o.Job.Plan.Speed, c.variants[i])
			}
			require.ElementsMatch(t, append(c.variants, "busy.virtual"), told.done, "each is done once")
			for i, most := range c.most {
				data, err := os.ReadFile(filepath.Join(out, "small", fmt.Sprintf("counts-%d", i+1)))
				require.NoError(t, err)
				for _, n := range strings.Fields(string(data)) {
					require.LessOrEqual(t, n, fmt.Sprint(most), "the %d. time", i+1)
				}
			}
			require.NoFileExists(t, filepath.Join(out, "small", fmt.Sprintf("counts-%d", len(c.most)+1)))
		})
	}
}

// TestStopBeforeARunIsPlayedAgain: what it proved the first time stays, and it is told.
func TestStopBeforeARunIsPlayedAgain(t *testing.T) {
	jobs := []Job{realJob(t, "always-busy"), realJob(t, "always-busy-2"), realJob(t, "always-busy-3"), realJob(t, "always-busy-4")}
	var told seen
	ctx, stop := context.WithCancelCause(t.Context())
	ups := 0
	show := func(p Progress) {
		told.show(p)
		if p.Text == "the system is up" {
			ups++
		}
		if ups > len(jobs) { // the first one is played again
			stop(errors.New("Ctrl-C"))
		}
	}
	outcomes, err := Run(ctx, Config{Out: t.TempDir(), Real: 4, Progress: show}, jobs)
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
		require.Equal(t, check.Inconclusive, o.Verdict.Result)
		require.NotZero(t, o.Played)
	}
	require.Len(t, told.done, 4, "each is done once")
}

func TestASlowerJobDiffersInNothingElse(t *testing.T) {
	f, err := scenario.Parse("small.yaml", []byte(small))
	require.NoError(t, err)
	at := func(speed float64) Job {
		p, err := scenario.Expand(f, "today", "loopback", 7, speed)
		require.NoError(t, err)
		p.File = "here/small.yaml"
		require.NoError(t, p.UseRedis(scenario.RedisServer))
		return Job{Plan: p, Source: []byte(small)}
	}
	require.Equal(t, at(5), at(10).slower())
	require.Equal(t, at(1), at(1.5).slower())
	require.Equal(t, at(1), at(1).slower(), "real time is as slow as it gets")
	other := at(10)
	other.Plan.Variant = "nobody knows"
	require.Equal(t, other, other.slower())
}

func TestRunRefusesTwoJobsOfOneFolder(t *testing.T) {
	_, err := Run(t.Context(), Config{Out: t.TempDir()}, []Job{job(t, "a"), job(t, "b"), job(t, "a")})
	require.EqualError(t, err, "play small/a.virtual twice: name each scenario once, and give files different names")
}

func TestRunWithoutItsProgram(t *testing.T) {
	outcomes, err := Run(t.Context(), Config{Out: t.TempDir(), Exe: filepath.Join(t.TempDir(), "deadair")}, []Job{job(t, "today")})
	require.NoError(t, err)
	require.ErrorContains(t, outcomes[0].Err, "start a run: ")
	require.ErrorContains(t, outcomes[0].Err, "no such file or directory")
}
