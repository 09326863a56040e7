package reports

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
)

// every lists instants from one to another.
func every(step, from, to time.Duration) []time.Duration {
	var all []time.Duration
	for at := from; at <= to; at += step {
		all = append(all, at)
	}
	return all
}

const minute = time.Minute

// lieOf is what the page says of the balancer eu1.
func lieOf(f *film) *Lie {
	for _, s := range f.page().Service {
		if s.Balancer == eu1 {
			return s.Lie
		}
	}
	return nil
}

// TestTheLieToTheLetter is the night of 2014: most checkers stay green, nobody
// is served, Redis could be reached, and the client did not try.
func TestTheLieToTheLetter(t *testing.T) {
	f := newFilm("rome-1")
	f.dial(eu1, 5*time.Second) // long before
	f.attempt("rome-1", eu1, 60*time.Second, time.Second, "accepted")
	f.timeouts(eu1, every(30*time.Second, 2*minute, 12*minute+500*time.Millisecond)...)
	f.saw("checker-03", eu1, 3*minute, false)
	f.saw("checker-04", eu1, 4*minute, false)
	f.saw("checker-04", eu1, 5*minute, true)
	f.saw("checker-05", eu1, 6*minute, false)
	f.ask(eu1, 30*time.Second, "ok", 1)
	f.ask(eu1, 2*minute+30*time.Second, "ok", 4) // three of them before it began, as far as one knows
	f.ask(eu1, 3*minute+30*time.Second, "ok", 4)
	f.attempt("rome-1", eu1, 13*minute, time.Second, "accepted")
	lie := lieOf(f)
	require.NotNil(t, lie)
	require.Equal(t, "For 10 min 5 s, from 0:01:55.0 to 0:12:00.0, DNS answered with eu-west/balancer-1 and at least 14 of 16 checkers called it healthy all the time, "+
		"while it served 0 of 21 attempts. In that time its own client dialed Redis not once. From beside it, 5 of 5 writes to Redis worked, each on a fresh connection.", lie.Sentence)
	require.Equal(t, []any{14, 16, 21, 0, 5, 5}, []any{lie.Green, lie.Checkers, lie.Attempts, lie.Dials, lie.Asked, lie.Worked})
}

// TestHowLongALieWas: what it spans, and how many attempts were in it.
func TestHowLongALieWas(t *testing.T) {
	half := 30 * time.Second
	cases := map[string]struct {
		play     func(f *film)
		from, to time.Duration // of the lie; 0: there is none
		attempts int
	}{
		"minutes without an attempt are in it": {func(f *film) { f.timeouts(eu1, 3*minute, 3*minute+half, 9*minute) }, 3*minute - 5*time.Second, 9 * minute, 3},
		"not those before and after":           {func(f *film) { f.timeouts(eu1, every(half, 5*minute, 8*minute)...) }, 5*minute - 5*time.Second, 8 * minute, 7},
		"one that was served ends it": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 10*minute)...)
			f.attempt("rome-1", eu1, 6*minute+time.Second, time.Second, "accepted")
		}, 2*minute - 5*time.Second, 6 * minute, 9},
		"it begins when the last one was served": {func(f *film) {
			f.attempt("rome-1", eu1, 2*minute-3*time.Second, time.Second, "accepted")
			f.timeouts(eu1, every(half, 2*minute, 5*minute)...)
		}, 2*minute - 3*time.Second, 5 * minute, 7},
		"out of the answers": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 12*minute)...)
			f.answer("eu-west", 5*minute+time.Second, "", eu2)
		}, 2*minute - 5*time.Second, 5 * minute, 7},
		"still answered elsewhere": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 12*minute)...)
			f.answer("us-east", 3*minute, "", eu1, eu2)
			f.answer("eu-west", 5*minute+time.Second, "", eu2)
			f.answer("us-east", 8*minute+time.Second, "", us1)
		}, 2*minute - 5*time.Second, 8 * minute, 13},
		"back in the answers": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 14*minute)...)
			f.answer("eu-west", 4*minute+time.Second, "", eu2)
			f.answer("eu-west", 6*minute-2*time.Second, "", eu1, eu2)
		}, 6*minute - 2*time.Second, 14 * minute, 17},
		"voted unhealthy": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 12*minute)...)
			f.vote(eu1, 6*minute+time.Second, false, 2)
		}, 2*minute - 5*time.Second, 6 * minute, 9},
		"answered only for want of better": {func(f *film) {
			f.timeouts(eu1, every(half, 2*minute, 12*minute)...)
			f.answer("eu-west", 5*minute+time.Second, "fail-open", eu1, eu2)
		}, 2*minute - 5*time.Second, 5 * minute, 7},
		"unhealthy from the begin on": {func(f *film) { f.timeouts(eu1, every(half, minute, 8*minute)...); f.vote(eu1, 9*minute, true, 16) }, 0, 0, 0},
		"told once a minute": {func(f *film) {
			f.timeouts(eu1, 90*time.Second, 2*minute) // rome-1's first ones, each told
			f.knocks("rome-1", eu1, 12, every(minute, 3*minute, 12*minute)...)
			f.knocks("rome-2", eu1, 12, 4*minute) // of these all but one may have been before it came here
		}, 85 * time.Second, 12 * minute, 2 + 10*12 + 1},
		"a few that stand for many":     {func(f *film) { f.timeouts(eu1, 2*minute); f.knocks("rome-1", eu1, 9, 12*minute) }, 2*minute - 5*time.Second, 12 * minute, 10},
		"two attempts prove nothing":    {func(f *film) { f.timeouts(eu1, 2*minute, 12*minute) }, 0, 0, 0},
		"two minutes are allowed":       {func(f *film) { f.timeouts(eu1, 2*minute+5*time.Second, 3*minute, 4*minute) }, 0, 0, 0},
		"somebody else's attempts":      {func(f *film) { f.timeouts(eu2, every(half, 2*minute, 12*minute)...) }, 0, 0, 0},
		"served now and then":           {func(f *film) { f.timeouts(eu1, every(half, 2*minute, 12*minute)...); serve(f, 90*time.Second) }, 0, 0, 0},
		"nobody came, and all is green": {func(*film) {}, 0, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFilm("rome-1")
			c.play(f)
			lie := lieOf(f)
			if c.to == 0 {
				require.Nil(t, lie)
				return
			}
			require.NotNil(t, lie)
			require.Equal(t, stretch{c.from, c.to}, lie.stretch)
			require.Equal(t, c.attempts, lie.Attempts)
			require.Equal(t, span((c.to - c.from).Truncate(time.Second)), lie.Length)
		})
	}
}

// serve accepts one attempt every so often.
func serve(f *film, often time.Duration) {
	for _, at := range every(often, minute, 14*minute) {
		f.attempt("rome-1", eu1, at+time.Second, time.Second, "accepted")
	}
}

// TestTheScenarioSaysHowLongIsTooLong: what health-honest allows is no lie.
func TestTheScenarioSaysHowLongIsTooLong(t *testing.T) {
	for within, lies := range map[time.Duration]bool{3 * minute: true, 6*minute + 5*time.Second: false} {
		f := newFilm("rome-1")
		f.timeouts(eu1, every(30*time.Second, 2*minute, 8*minute)...)
		f.plan.Expect = []scenario.Expectation{{Property: "health-honest", Within: within}}
		require.Equal(t, lies, lieOf(f) != nil, "%v", within)
	}
}

func TestWhatTheLieCannotSayItDoesNot(t *testing.T) {
	f := newFilm("rome-1")
	f.timeouts(eu1, every(30*time.Second, 2*minute, 8*minute)...)
	lie := lieOf(f)
	require.NotContains(t, lie.Sentence, "Redis", "its way there was not watched, and no witness asked")
	require.Contains(t, lie.Sentence, "all 16 checkers")
	f.plan.Clock = []scenario.Stretch{{}, {Run: 5 * minute, Incident: 50 * minute}}
	lie = lieOf(f)
	require.Contains(t, lie.Sentence, "For 6 min 5 s, from 0:01:55.0 to 0:53:00.0")
	require.Contains(t, lie.Sentence, "Quiet time in between was left out, and is not counted.")
}

// TestADyingClientIsCounted: dials and writes that failed are told as they were.
func TestADyingClientIsCounted(t *testing.T) {
	f := newFilm("rome-1")
	f.timeouts(eu1, every(30*time.Second, 2*minute, 8*minute)...)
	f.dial(eu1, 3*minute)
	f.dial(eu1, 4*minute)
	f.dial(eu1, 9*minute)
	f.ask(eu1, 2*minute, "ok", 3)
	f.ask(eu1, 3*minute, "timeout", 4) // three more that worked, then one that did not
	f.ask(eu1, 4*minute, "timeout", 4)
	f.ask(eu1, 9*minute, "ok", 20)
	lie := lieOf(f)
	require.Contains(t, lie.Sentence, "its own client dialed Redis 2 times. From beside it, 4 of 9 writes to Redis worked")
}

// TestTheLongestLieComesFirst, and the page's figures are its.
func TestTheLongestLieComesFirst(t *testing.T) {
	f := newFilm("rome-1")
	f.timeouts(eu1, every(30*time.Second, 2*minute, 5*minute)...)
	f.timeouts(us1, every(30*time.Second, 2*minute, 9*minute)...)
	pg := f.page()
	require.Len(t, pg.Lies, 2)
	require.Equal(t, []string{us1, eu1}, []string{pg.Lies[0].Balancer, pg.Lies[1].Balancer})
	require.Equal(t, us1, pg.Service[0].Balancer)
	text := f.html(t)
	require.Contains(t, text, "<dd>16 of 16</dd>")
	require.Contains(t, text, fmt.Sprintf("<dd>0 of %d</dd>", pg.Lies[0].Attempts))
	require.Contains(t, text, "<dd>7 min 5 s</dd>")
}
