package balancer

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/fleet"
)

var (
	errIndex = errors.New("no answer")
	errDial  = errors.New("refused")
	start    = time.Date(2014, 10, 2, 18, 0, 0, 0, time.UTC)
)

// roundOf is a round that took a second, n intervals after the start.
func roundOf(n int, index, recorder error, peers ...fleet.PeerHealth) facts {
	began := start.Add(time.Duration(n) * 5 * time.Second)
	return facts{began: began, took: time.Second, judged: began.Add(time.Second), index: index, recorder: recorder, peers: peers}
}

func peer(redis, recorders string, age time.Duration) fleet.PeerHealth {
	return fleet.PeerHealth{Redis: redis, Recorders: recorders, Age: age}
}

func TestVerdictOfOneRound(t *testing.T) {
	fresh, old := 500*time.Millisecond, 3*time.Second
	for name, c := range map[string]struct {
		f         facts
		status    Verdict
		redis     string
		recorders string
		soon      bool
	}{
		"all well":                         {roundOf(0, nil, nil), OK, "ok", "ok", false},
		"index, no peers":                  {roundOf(0, errIndex, nil), Degraded, "failing", "ok", false},
		"index, a peer has it":             {roundOf(0, errIndex, nil, peer("failing", "ok", fresh), peer("ok", "ok", fresh)), Failing, "failing", "ok", false},
		"index, a peer had it":             {roundOf(0, errIndex, nil, peer("ok", "ok", old)), Degraded, "failing", "ok", true},
		"index, peers neither":             {roundOf(0, errIndex, nil, peer("failing", "ok", fresh), peer("unknown", "ok", old)), Degraded, "failing", "ok", false},
		"recorders, no peers":              {roundOf(0, nil, errDial), Degraded, "ok", "failing", true},
		"recorders, a peer has some":       {roundOf(0, nil, errDial, peer("ok", "ok", fresh)), Failing, "ok", "failing", false},
		"recorders, a peer has full ones":  {roundOf(0, nil, errDial, peer("ok", "full", fresh)), Failing, "ok", "failing", false},
		"recorders, peers neither":         {roundOf(0, nil, errDial, peer("ok", "failing", fresh)), Degraded, "ok", "failing", false},
		"recorders, a peer is not checked": {roundOf(0, nil, errDial, peer("ok", "unknown", fresh)), Degraded, "ok", "failing", false},
		"both, peers neither":              {roundOf(0, errIndex, errDial, peer("failing", "failing", fresh)), Degraded, "failing", "failing", false},
		"all full":                         {roundOf(0, nil, ErrFull), Degraded, "ok", "full", false},
		"full as last looked at":           {withRoom(roundOf(0, nil, nil), room{full: true, away: true}), Degraded, "ok", "full", false},
		"none at home":                     {withRoom(roundOf(0, nil, nil), room{away: true}), Degraded, "ok", "away", false},
		"index ours, recorders full":       {withRoom(roundOf(0, errIndex, nil, peer("ok", "ok", fresh)), room{full: true}), Failing, "failing", "full", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := new(deepCheck).judge(c.f)
			require.Equal(t, c.status, r.Status, r.Reason)
			require.Equal(t, c.redis, r.Redis)
			require.Equal(t, c.recorders, r.Recorders)
			require.Equal(t, c.soon, r.soon)
			require.Equal(t, c.status == OK, r.Reason == "", "a reason for all but ok")
		})
	}
}

func withRoom(f facts, r room) facts {
	f.room = r
	return f
}

func TestVerdictOverRounds(t *testing.T) {
	fresh := 500 * time.Millisecond
	local := func(n int) facts { return roundOf(n, errIndex, nil, peer("ok", "ok", fresh)) }
	everybodys := func(n int) facts { return roundOf(n, errIndex, nil, peer("failing", "ok", fresh)) }
	unsure := func(n int) facts { return roundOf(n, errIndex, nil, peer("ok", "ok", time.Hour)) }
	well := func(n int) facts { return roundOf(n, nil, nil) }
	for name, c := range map[string]struct {
		rounds []func(int) facts
		want   []Verdict
	}{
		"back after two good rounds": {
			[]func(int) facts{well, local, local, well, well, well},
			[]Verdict{OK, Failing, Failing, Failing, OK, OK}},
		"a flap starts the count again": {
			[]func(int) facts{local, well, local, well, well},
			[]Verdict{Failing, Failing, Failing, Failing, OK}},
		"a shared fault is over at once": {
			[]func(int) facts{everybodys, everybodys, well},
			[]Verdict{Degraded, Degraded, OK}},
		"a local fault that becomes everybody's": {
			[]func(int) facts{local, everybodys, well},
			[]Verdict{Failing, Degraded, OK}},
		"an unsure round does not bring it back": {
			[]func(int) facts{local, well, unsure, well, well},
			[]Verdict{Failing, Failing, Failing, Failing, OK}},
		"unsure, then sure": {
			[]func(int) facts{unsure, local},
			[]Verdict{Degraded, Failing}},
	} {
		t.Run(name, func(t *testing.T) {
			var d deepCheck
			for i, round := range c.rounds {
				r := d.judge(round(i))
				require.Equal(t, c.want[i], r.Status, "round %d: %s", i, r.Reason)
			}
		})
	}
}

// A peer's success from before the fault began says nothing about whose it is.
func TestVerdictWeighsOnlyFreshPeers(t *testing.T) {
	var d deepCheck
	r := d.judge(roundOf(0, errIndex, nil, peer("ok", "ok", 4*time.Second)))
	require.Equal(t, Degraded, r.Status)
	require.True(t, r.soon)
	r = d.judge(roundOf(1, errIndex, nil, peer("ok", "ok", 4*time.Second))) // 6 s after it began
	require.Equal(t, Failing, r.Status)
}

func TestNoRecorderAndNoPeersIsFailingFromTheSecondRound(t *testing.T) {
	var d deepCheck
	require.Equal(t, Degraded, d.judge(roundOf(0, nil, errDial)).Status)
	require.Equal(t, Failing, d.judge(roundOf(1, nil, errDial)).Status)
	require.Equal(t, Failing, d.judge(roundOf(2, nil, nil)).Status)
	require.Equal(t, OK, d.judge(roundOf(3, nil, nil)).Status)
}

func TestRoomOf(t *testing.T) {
	of := func(dc string, s fleet.State) fleet.Status {
		return fleet.Status{Recorder: fleet.Recorder{Datacenter: dc}, State: s}
	}
	for name, c := range map[string]struct {
		view []fleet.Status
		want room
	}{
		"room":             {[]fleet.Status{of("eu", fleet.Up), of("us", fleet.Full)}, room{}},
		"not looked yet":   {[]fleet.Status{of("eu", fleet.Unknown)}, room{}},
		"abroad only":      {[]fleet.Status{of("eu", fleet.Full), of("us", fleet.Up)}, room{away: true}},
		"full":             {[]fleet.Status{of("eu", fleet.Full), of("us", fleet.Down)}, room{full: true, away: true}},
		"dead is not full": {[]fleet.Status{of("eu", fleet.Down), of("us", fleet.Down)}, room{away: true}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, roomOf(c.view, "eu")) })
	}
}

func TestSpreadGoesFromDatacenterToDatacenter(t *testing.T) {
	var in []fleet.Recorder
	for _, name := range []string{"eu-1", "eu-2", "us-1", "us-2", "us-3", "ap-1"} {
		in = append(in, fleet.Recorder{Name: name, Datacenter: name[:2]})
	}
	var got []string
	for _, r := range spread(in) {
		got = append(got, r.Name)
	}
	require.Equal(t, []string{"eu-1", "us-1", "ap-1", "eu-2", "us-2", "us-3"}, got)
}
