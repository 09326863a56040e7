package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

func TestInstantsAreInOrderAndEndsComeFirst(t *testing.T) {
	const s = time.Second
	p := &scenario.Plan{End: 60 * s, Steps: []scenario.Step{
		{ID: "open", At: 5 * s},
		{ID: "long", At: 10 * s, For: 20 * s},
		{ID: "past the end", At: 20 * s, For: 40 * s},
		{ID: "next", At: 30 * s, For: 10 * s},
		{ID: "with next", At: 30 * s},
		{ID: "at the end of next", At: 40 * s, For: s},
	}}
	var got []string
	for _, i := range instants(p) {
		word := "begin"
		if i.ends {
			word = "end"
		}
		got = append(got, fmt.Sprintf("%s %s %s", i.at, word, i.step.ID))
	}
	require.Equal(t, []string{
		"5s begin open", "10s begin long", "20s begin past the end",
		"30s end long", "30s begin next", "30s begin with next",
		"40s end next", "40s begin at the end of next", "41s end at the end of next",
	}, got)
}

const toRedis = "{from: eu-west/balancer-1, to: redis, connections: all}"

func TestRunHealsInReverseOrderAtTheEnd(t *testing.T) {
	p := play(t, `
  - {at: 20s, delay: {from: eu-west/balancer-1, to: redis, delay: 10ms}}
  - {at: 30s, stall: `+toRedis+`, for: 10s}
  - {at: 50s, pause: eu-west/recorder-2}
  - {at: 60s, refuse: `+toRedis+`}
`, func(*told, context.CancelCauseFunc) {})
	require.NoError(t, p.err)
	require.Equal(t, []string{
		"break delay", "break stall", "heal stall", "pause eu-west/recorder-2", "break refuse",
		"heal refuse", "resume eu-west/recorder-2", "heal delay", "close",
	}, p.calls)
	require.Equal(t, "run-started", p.kinds[0])
	require.Equal(t, "run-ended", p.kinds[len(p.kinds)-1])
}

func TestRunNeverHealsWhatStays(t *testing.T) {
	p := play(t, `
  - {at: 20s, blackhole: `+toRedis+`, stays: true}
  - {at: 30s, kill: eu-west/recorder-2, stays: true}
  - {at: 40s, delay: {from: rome, to: eu-west/balancer-1, delay: 10ms}}
`, func(*told, context.CancelCauseFunc) {})
	require.NoError(t, p.err)
	require.Equal(t, []string{"break blackhole", "kill eu-west/recorder-2", "break delay", "heal delay", "close"}, p.calls)
	require.Equal(t, []string{"blackhole"}, p.during)
	require.NotContains(t, p.kinds, "fault-ended step-1")
	require.Contains(t, p.kinds, "fault-touched step-1", "what it touched is told all the same")
	require.Contains(t, p.kinds, "fault-ended step-3")
}

// TestRunLooksAtAFaultAfterAnInstant: what was over as soon as it happened keeps nobody from
// seeing when the next fault takes hold.
func TestRunLooksAtAFaultAfterAnInstant(t *testing.T) {
	p := play(t, `
  - {at: 20s, cut: {from: eu-west/balancer-1, to: redis, connections: existing}}
  - {at: 30s, blackhole: {from: eu-west/balancer-1, to: redis, connections: existing}}
  - {at: 90s, drop: {}}
`, func(*told, context.CancelCauseFunc) {})
	require.NoError(t, p.err)
	touched := slices.Index(p.kinds, "fault-touched step-2")
	require.Positive(t, touched)
	require.Less(t, touched, slices.Index(p.kinds, "fault-began step-3"), "not at its end")
}

// TestRunGivesUpWhatIsNotPublished: a recorder that is frozen for good does not make it
// take longer.
func TestRunGivesUpWhatIsNotPublished(t *testing.T) {
	p := play(t, `
  - {at: 0s, drain: eu-west/recorder-1, for: 20s}
  - {at: 60s, store: no-bucket, stays: true}
  - {at: 70s, pause: eu-west/recorder-1, stays: true}
variants:
  today: {system: {store: {in: eu-west}}, verdict: pass}
`, func(*told, context.CancelCauseFunc) {})
	require.NoError(t, p.err)
	const over = 5*time.Minute + 5*time.Second // of the window, and the sweep after it
	require.Greater(t, p.ended, 2*time.Minute+over+publishLimit)
	require.Less(t, p.ended, 2*time.Minute+over+publishLimit+2*time.Minute)
	require.Contains(t, p.kinds, "fault-touched step-2", "the store is asked for nothing before the shows are over")
}

// threeFaults are in force when something goes wrong at 50 s.
const threeFaults = `
  - {at: 20s, delay: {from: eu-west/balancer-1, to: redis, delay: 10ms}}
  - {at: 30s, pause: eu-west/recorder-2}
  - {at: 40s, stall: ` + toRedis + `}
  - {at: 45s, kill: redis}
  - {at: 50s, kill: eu-west/recorder-1}
`

func TestRunHealsWhateverHappens(t *testing.T) {
	healed := []string{"start redis", "heal stall", "resume eu-west/recorder-2", "heal delay", "close"}
	interrupted := errors.New("Ctrl-C")
	for name, c := range map[string]struct {
		change func(w *told, stop context.CancelCauseFunc)
		is     error
		says   []string
		calls  []string
	}{
		"error": {
			func(w *told, _ context.CancelCauseFunc) {
				w.fails = map[string]func() error{"kill eu-west/recorder-1": func() error { return context.DeadlineExceeded }}
			},
			context.DeadlineExceeded,
			[]string{"inject kill (step-5, line 15): kill eu-west/recorder-1: context deadline exceeded"},
			healed,
		},
		"panic": {
			func(w *told, _ context.CancelCauseFunc) {
				w.fails = map[string]func() error{"kill eu-west/recorder-1": func() error { panic("no such thing") }}
			},
			nil,
			[]string{"the harness broke: no such thing", "harness_test.go"},
			healed,
		},
		"panic while healing": {
			func(w *told, _ context.CancelCauseFunc) {
				w.fails = map[string]func() error{
					"kill eu-west/recorder-1": func() error { return context.DeadlineExceeded },
					"heal stall":              func() error { return errors.New("stuck") },
				}
			},
			context.DeadlineExceeded,
			[]string{"heal step-3: the harness broke: stuck"},
			healed,
		},
		"interrupt": {
			func(w *told, stop context.CancelCauseFunc) {
				w.fails = map[string]func() error{"break stall": func() error {
					time.AfterFunc(7*time.Second, func() { stop(interrupted) })
					return nil
				}}
			},
			interrupted, nil, healed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := play(t, threeFaults, c.change)
			require.Error(t, p.err)
			if c.is != nil {
				require.ErrorIs(t, p.err, c.is)
			}
			if c.says == nil {
				require.EqualError(t, p.err, c.is.Error(), "all went well apart from that")
			}
			for _, text := range c.says {
				require.ErrorContains(t, p.err, text)
			}
			require.Equal(t, c.calls, p.calls[len(p.calls)-len(c.calls):])
			require.Empty(t, p.during)
			require.Less(t, p.ended, 65*time.Second, "the shows do not go on")
			require.Contains(t, p.kinds, "fault-ended step-1")
			require.Equal(t, "run-ended  ended early", p.kinds[len(p.kinds)-1])
		})
	}
}

func TestRunEndsSoonAfterAnInterrupt(t *testing.T) {
	var began, ended time.Duration
	p := play(t, "  - {at: 40s, stall: "+toRedis+"}\n", func(w *told, stop context.CancelCauseFunc) {
		w.fails = map[string]func() error{
			"break stall": func() error { began = w.Now(); stop(errors.New("Ctrl-C")); return nil },
			"heal stall":  func() error { ended = w.Now(); return nil },
		}
	})
	require.EqualError(t, p.err, "Ctrl-C")
	require.Equal(t, 40*time.Second, began)
	require.Less(t, ended-began, time.Second)
}

// TestIncidentBeginsWhenTheStackIsHealthy lets it take a minute: no step comes late for it.
func TestIncidentBeginsWhenTheStackIsHealthy(t *testing.T) {
	var began time.Duration
	p := play(t, "  - {at: 40s, stall: "+toRedis+"}\n", func(w *told, _ context.CancelCauseFunc) {
		w.fails = map[string]func() error{
			"start eu-west/balancer-1": func() error {
				deaf, err := w.World.Break(world.LinkFault{Kind: "refuse", From: []string{"operator"}, To: []string{"eu-west/balancer-1"}})
				if err == nil {
					time.AfterFunc(time.Minute, deaf.Heal)
				}
				return err
			},
			"break stall": func() error { began = w.Now(); return nil },
		}
	})
	require.NoError(t, p.err)
	require.Equal(t, 40*time.Second, began)
	require.NotContains(t, p.kinds, "baseline-failed")
	require.Equal(t, "run-started", p.kinds[0])
}

func TestRunThatCannotStartClosesItsWorld(t *testing.T) {
	timeline := "  - {at: 40s, stall: " + toRedis + "}\n"
	p := play(t, timeline, func(w *told, stop context.CancelCauseFunc) {
		w.fails = map[string]func() error{"start eu-west/recorder-2": func() error { return errors.New("no more memory") }}
	})
	require.ErrorContains(t, p.err, "bring the stack up: no more memory")
	require.Equal(t, "close", p.calls[len(p.calls)-1])

	p = play(t, timeline, func(w *told, stop context.CancelCauseFunc) { stop(errors.New("Ctrl-C")) })
	require.EqualError(t, p.err, "Ctrl-C")
	require.Equal(t, []string{"close"}, p.calls)

	p = play(t, timeline, func(w *told, stop context.CancelCauseFunc) {
		w.fails = map[string]func() error{"start eu-west/recorder-2": func() error {
			stop(errors.New("Ctrl-C"))
			return fmt.Errorf("start it: %w", context.Canceled)
		}}
	})
	require.EqualError(t, p.err, "Ctrl-C")

	p = play(t, timeline, func(w *told, stop context.CancelCauseFunc) {
		w.fails = map[string]func() error{"zero": func() error { stop(errors.New("Ctrl-C")); return nil }}
	})
	require.EqualError(t, p.err, "Ctrl-C")
	require.Equal(t, []string{"run-started", "run-ended  ended early"}, p.kinds, "a stack that was given no time is not ill")
}
