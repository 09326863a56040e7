package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// bars tells the bars of a lane in seconds of the run, by class.
func bars(l Lane, end time.Duration) []string {
	var all []string
	for _, b := range l.Bars {
		all = append(all, at(b.X, end).String()+" "+at(b.X+b.W, end).String()+" "+b.Class)
	}
	return all
}

func marks(l Lane, end time.Duration) []string {
	var all []string
	for _, m := range l.Marks {
		all = append(all, at(m.X, end).String()+" "+m.Class)
	}
	return all
}

// TestAShowIsColouredByRecorder, and what is on no disk is dead air.
func TestAShowIsColouredByRecorder(t *testing.T) {
	f := newFilm("rome-1", "rome-2")
	f.show("rome-1", eu1)
	f.disk("eu-west/recorder-2", "rome-1", 10*time.Second, 100*time.Second)
	f.disk("eu-west/recorder-2", "rome-1", 136*time.Second, 300*time.Second) // back on the same one
	f.disk("eu-west/recorder-3", "rome-1", 300*time.Second, 800*time.Second) // and then elsewhere; the end is lost
	f.add(history.Event{At: 100 * time.Second, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: "reset"})
	f.attempt("rome-1", eu1, 120*time.Second, time.Second, "refused")
	f.attempt("rome-1", eu2, 136*time.Second, time.Second, "accepted")
	f.show("rome-2", eu2)
	f.disk("us-east/recorder-1", "rome-2", 10*time.Second, f.plan.End)
	pg := f.page()
	end := f.plan.End
	lanes := group(t, pg.Chart, "Broadcasters of eu").Lanes
	require.Equal(t, []string{
		"10s 5m0s rec r01", "5m0s 13m20s rec r02", "1m40s 2m16s dead", "13m20s 15m0s dead",
	}, bars(lanes[0], end))
	require.Equal(t, []string{"1m40s lost", "2m0s refused"}, marks(lanes[0], end))
	require.Contains(t, lanes[0].Bars[0].Title, "rome-1 is on the disk of eu-west/recorder-2, but for the dead air drawn over it")
	require.Equal(t, "eu-west 2", lanes[0].Bars[0].Text, "colour is not all that tells them apart")
	require.Contains(t, lanes[0].Bars[2].Title, "dead air at 0:01:40.0 for 36.0 s")
	require.Equal(t, []string{"10s 15m0s rec r10"}, bars(lanes[1], end))
	require.Equal(t, []Key{{"rec r01", "eu-west/recorder-2"}, {"rec r02", "eu-west/recorder-3"}, {"rec r10", "us-east/recorder-1"}}, pg.Chart.Keys, "only those drawn")

	require.Equal(t, "2 min 16 s", pg.Facts[0].Value)
	require.Equal(t, "2 min 16 s", pg.Dead.Sum.Total)
	require.Equal(t, 1, pg.Dead.Whole)
	require.Equal(t, "rome-1", pg.Dead.Rows[0].Name)
	require.Contains(t, pg.Dead.Rows[0].Gaps[0], "0:01:40.0 for 36.0 s")
	require.InDelta(t, 136, pg.Run.DeadAirS, 0.2)
	require.InDelta(t, 100, pg.Run.RecoveryS, 0.2)
}

// TestStepsAreDrawnAsTheyWent, not as they were planned.
func TestStepsAreDrawnAsTheyWent(t *testing.T) {
	f := newFilm("rome-1")
	f.went(scenario.Step{ID: "step-1", Do: "kill", Nodes: []string{eu1}, At: 60 * time.Second, For: minute}, 63*time.Second, 140*time.Second)
	f.went(scenario.Step{ID: "step-2", Do: "drop", Who: []string{"rome-1"}, At: 200 * time.Second}, 201*time.Second, f.plan.End)
	idle := f.step(scenario.Step{ID: "step-3", Do: "stall", From: []string{eu1}, To: []string{"redis"}, At: 300 * time.Second})
	f.add(history.Event{At: 300 * time.Second, Node: "harness", Kind: history.FaultBegan, Fault: idle.ID})
	f.add(history.Event{At: f.plan.End, Node: "harness", Kind: history.FaultEnded, Fault: idle.ID})
	f.step(scenario.Step{ID: "step-4", Do: "cut", From: []string{eu1}, To: []string{"redis"}, At: 400 * time.Second})
	f.went(scenario.Step{ID: "step-5", Do: "drain", Nodes: []string{eu2}, At: 500 * time.Second, Stays: true}, 500*time.Second, 0)
	f.went(scenario.Step{ID: "step-6", Repeats: "step-2", Do: "drop", Who: []string{"rome-1"}, At: 600 * time.Second}, 601*time.Second, f.plan.End)
	pg, end := f.page(), f.plan.End
	lanes := group(t, pg.Chart, "Steps, as they began and ended").Lanes
	require.Len(t, lanes, 5)
	require.Equal(t, []string{"1m3s 2m20s fault"}, bars(lanes[0], end))
	require.Equal(t, []string{"3m21s fault", "10m1s fault"}, marks(lanes[1], end), "it is over at once, whenever it is healed, and comes again")
	require.Equal(t, []string{"5m0s 15m0s idle"}, bars(lanes[2], end), "a step that touched nothing")
	require.Equal(t, "touched nothing", lanes[2].Bars[0].Text)
	require.Equal(t, []string{"6m40s idle"}, marks(lanes[3], end))
	require.Contains(t, lanes[3].Title, "never began")
	require.Equal(t, []string{"8m20s 15m0s act"}, bars(lanes[4], end))
	require.Equal(t, []string{"1m3s 2m20s band", "5m0s 15m0s band"}, bars(Lane{Bars: pg.Chart.Bands}, end))
	require.Equal(t, []string{"3m21s over", "10m1s over"}, marks(Lane{Marks: pg.Chart.Instants}, end))

	rows := pg.Steps
	require.Equal(t, []string{"0:01:00.0", "0:01:03.0", "0:02:20.0", "touched 1 node"}, []string{rows[0].At, rows[0].Began, rows[0].Ended, rows[0].Touched})
	require.Equal(t, []string{"0:03:21.0", "", "touched 1 broadcaster"}, []string{rows[1].Began, rows[1].Ended, rows[1].Touched})
	require.Equal(t, []string{"0:05:00.0", "healed at the end", "touched nothing"}, []string{rows[2].Began, rows[2].Ended, rows[2].Touched})
	require.Equal(t, []string{"", "", "never began"}, []string{rows[3].Began, rows[3].Ended, rows[3].Touched})
	require.Equal(t, "not healed", rows[4].Ended)
	require.True(t, rows[2].Idle && rows[3].Idle)
	require.False(t, rows[0].Idle || rows[1].Idle || rows[4].Idle)
	require.Contains(t, f.html(t), `<span class="badge unclear">touched nothing</span>`)
}

func TestAStepCountsAllItTouched(t *testing.T) {
	f := newFilm("rome-1")
	s := scenario.Step{ID: "step-1", Do: "blackhole", From: []string{eu1}, To: []string{"redis"}, At: minute}
	f.went(s, minute, 2*minute)
	f.add(history.Event{At: 2 * minute, Node: "harness", Kind: history.FaultTouched, Fault: "step-1", Count: 3, Bytes: 91800})
	require.Equal(t, "touched 3 connections, 91,800 bytes", f.page().Steps[0].Touched)
}

func TestNodesThatWereDown(t *testing.T) {
	f := newFilm("rome-1")
	end := f.plan.End
	node := func(kind history.Kind, n string, at time.Duration, class string) {
		f.add(history.Event{At: at, Node: "world", Kind: kind, Subject: n, Class: class})
	}
	node(history.NodeReady, eu1, 0, "")
	node(history.NodeEnded, eu1, 100*time.Second, "killed")
	node(history.NodeReady, eu1, 160*time.Second, "")
	node(history.NodeEnded, eu1, 400*time.Second, "killed")
	node(history.NodeReady, eu1, 400*time.Second, "") // a restart
	node(history.NodeEnded, "redis", 500*time.Second, "crashed")
	node(history.NodeEnded, "redis", 510*time.Second, "killed")
	node(history.NodeEnded, eu2, end+time.Second, "stopped") // the stack is taken down
	lanes := group(t, f.page().Chart, "Nodes that were down").Lanes
	require.Len(t, lanes, 2)
	require.Equal(t, []string{"1m40s 2m40s down"}, bars(lanes[0], end))
	require.Equal(t, []string{"6m40s gone"}, marks(lanes[0], end))
	require.Contains(t, lanes[0].Marks[0].Title, "was killed, back after 0 s")
	require.Equal(t, []string{"8m20s 15m0s down"}, bars(lanes[1], end))
	require.Contains(t, lanes[1].Bars[0].Title, "redis was crashed")
}

func TestVotesAndAnswers(t *testing.T) {
	f := newFilm("rome-1")
	end := f.plan.End
	f.vote(eu1, 100*time.Second, false, 2)
	f.vote(eu1, 200*time.Second, true, 15)
	f.vote(us1, 300*time.Second, true, 16) // so it was not healthy before
	f.answer("eu-west", 0, "", eu1, eu2)
	f.answer("eu-west", 102*time.Second, "", eu2)
	f.answer("eu-west", 150*time.Second, "", us1)
	f.answer("eu-west", 160*time.Second, "fail-open", eu1, eu2)
	f.answer("eu-west", 170*time.Second, "")
	f.answer("eu-west", 202*time.Second, "", eu1, eu2)
	c := f.page().Chart
	votes := group(t, c, "Health by the checkers' vote").Lanes
	require.Equal(t, []string{"0s 1m40s healthy", "1m40s 3m20s unhealthy", "3m20s 15m0s healthy"}, bars(votes[0], end))
	require.Equal(t, []string{"0s 5m0s unhealthy", "5m0s 15m0s healthy"}, bars(votes[1], end))
	answers := group(t, c, "DNS answers near").Lanes
	require.Equal(t, []string{
		"0s 1m42s answer", "1m42s 2m30s answer-part", "2m30s 2m40s answer-far", "2m40s 2m50s answer-open", "2m50s 3m22s answer-none", "3m22s 15m0s answer",
	}, bars(answers[0], end))
	require.Equal(t, []string{"0s 15m0s answer"}, bars(answers[1], end))
}

// TestWhatWasSaidOverWhatWasDone: the lanes of the balancer that lied.
func TestWhatWasSaidOverWhatWasDone(t *testing.T) {
	f := newFilm("rome-1")
	end := f.plan.End
	f.attempt("rome-1", eu1, 50*time.Second, time.Second, "accepted")
	f.timeouts(eu1, 2*minute, 4*minute, 6*minute)
	f.saw("checker-01", eu1, 3*minute, false)
	f.dial(eu1, 20*time.Second)
	f.ask(eu1, minute, "ok", 1)
	f.ask(eu1, 5*minute, "timeout", 4)
	lanes := group(t, f.page().Chart, "What was said of eu-west/balancer-1, and what it did").Lanes
	require.Equal(t, []string{"0s 3m0s healthy", "3m0s 15m0s healthy"}, bars(lanes[0], end))
	require.Equal(t, []string{"16 of 16", "15 of 16"}, []string{lanes[0].Bars[0].Text, lanes[0].Bars[1].Text})
	require.Equal(t, []string{"50s served"}, marks(lanes[1], end))
	require.Equal(t, []string{"2m0s refused", "4m0s refused", "6m0s refused"}, marks(lanes[2], end))
	require.Equal(t, []string{"20s dial"}, marks(lanes[3], end))
	require.Equal(t, []string{"1m0s answered", "5m0s unanswered"}, marks(lanes[4], end))
}
