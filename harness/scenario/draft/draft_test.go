package draft

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
)

// plans expands every variant of a draft in every world.
func plans(t require.TestingT, d Draft) []*scenario.Plan {
	f, err := scenario.Parse("draft.yaml", d.YAML())
	require.NoError(t, err, "%s", d.YAML())
	var all []*scenario.Plan
	for _, v := range f.VariantNames() {
		for _, w := range []string{"virtual", "loopback"} {
			if _, ok := f.RunsIn(v, w); !ok {
				continue
			}
			p, err := scenario.Expand(f, v, w, 1, 10)
			require.NoError(t, err, "%s", d.YAML())
			all = append(all, p)
		}
	}
	return all
}

func TestABlankDraftIsAScenario(t *testing.T) {
	ps := plans(t, Blank())
	require.Equal(t, "kill eu-west/balancer-1, for 1m30s", ps[0].Steps[0].Sentence())
	require.Len(t, ps, 5, "today and control in two worlds, the planted defect in one")
}

// TestNotes: what is recognised in notes as people write them.
func TestNotes(t *testing.T) {
	for name, c := range map[string]struct {
		note    string
		date    string
		starts  string
		step    string
		affects []string
		assumed int
	}{
		"a status post": {
			"Web tier trouble\n17 December 2014\n19:40 CET\nFrom 18:40 till 19:05 UTC one web server answered 503 to everybody. It is over.",
			"2014-12-17", "2014-12-17T18:30:00Z", "kill eu-west/recorder-1, for 25m0s", []string{"website"}, 3,
		},
		"a post-mortem": {
			"# Post-mortem: Redis in Virginia hung\n\nOn March 3, 2021 at 9:15 am EST the session store (Redis) in us-east-1 froze. It lasted about 1 hour and 20 minutes.",
			"2021-03-03", "2021-03-03T14:05:00Z", "pause redis, for 1h20m0s", []string{"recording"}, 1,
		},
		"chat": {
			"2023-07-09\n[22:05 UTC] pager: two recording servers in Oregon are down\n[22:41 UTC] all back",
			"2023-07-09", "2023-07-09T21:55:00Z", "kill us-west/recorder-1 us-west/recorder-2, for 36m0s", []string{"recording"}, 1,
		},
		"past midnight": {
			"6 May 2022: the load balancer in Dublin was unresponsive from 23:50 until 00:20 UTC",
			"2022-05-06", "2022-05-06T23:40:00Z", "pause eu-west/balancer-1, for 30m0s", []string{"recording", "dns"}, 1,
		},
		"another day in UTC": {
			"Outage of 1 June 2020, starting 00:30 CEST: the balancer died for 3 minutes",
			"2020-05-31", "2020-05-31T22:20:00Z", "kill eu-west/balancer-1, for 3m0s", []string{"recording", "dns"}, 2,
		},
		"between two places": {
			"Packet loss between Ireland and Virginia for two hours, network provider informed",
			"", "", "stall eu-west/balancer-1 eu-west/balancer-2 … eu-west/recorder-3 (5) → us-east/balancer-1 us-east/balancer-2 … us-east/recorder-3 (5), for 2h0m0s", []string{"recording"}, 2,
		},
		"clients": {
			"Broadcasters in New York were disconnected",
			"", "", "drop new-york-01 new-york-02 new-york-03", []string{"recording"}, 3,
		},
		"one sentence tells, another mentions": {
			"Note, 12 March 2019: at 09:14 UTC one of two load balancers in Frankfurt froze. DNS removed it after about a minute. At 09:31 the machine was restarted.",
			"2019-03-12", "2019-03-12T09:04:00Z", "pause eu-west/balancer-1, for 17m0s", []string{"recording", "dns"}, 1,
		},
		"nothing": {"hello", "", "", "kill eu-west/balancer-1, for 1m30s", []string{"recording", "dns"}, 6},
		"empty":   {"", "", "", "kill eu-west/balancer-1, for 1m30s", []string{"recording", "dns"}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			d := From(c.note)
			p := plans(t, d)[0]
			require.Equal(t, c.date, p.Date)
			require.Equal(t, c.starts, p.Clock[0].Wall)
			if strings.HasPrefix(c.step, "drop") {
				require.Equal(t, "drop", p.Steps[0].Do)
				require.Len(t, p.Steps[0].Who, 3)
			} else {
				s := p.Steps[0]
				s.For = p.Incident(s.At+s.For) - p.Incident(s.At) // quiet time is left out
				require.Equal(t, c.step, s.Sentence())
			}
			require.Equal(t, c.affects, p.Affects)
			require.Len(t, p.Assumed, c.assumed, "%q", p.Assumed)
		})
	}
}

// TestMomentsOfANote become what is documented, beside the events of the run that they are.
func TestMomentsOfANote(t *testing.T) {
	d := From("2023-07-09\n22:05 UTC recorders in Oregon die\n22:15 UTC we look into it\n22:41 UTC all restored")
	p := plans(t, d)[0]
	var told []string
	for _, m := range p.Documented {
		seen := "-"
		if m.Seen != nil {
			seen = m.Seen.Kind
		}
		told = append(told, fmt.Sprint(*m.At, " ", seen, " ", m.Says))
	}
	require.Equal(t, []string{
		"10m0s fault-began 22:05 UTC recorders in Oregon die", "20m0s - 22:15 UTC we look into it", "46m0s fault-ended 22:41 UTC all restored",
	}, told)
}

func TestClockTimes(t *testing.T) {
	for s, want := range map[string]string{
		"at 18:40": "18:40 guessed", "at 18:40 UTC": "18:40", "18h40 CET": "17:40", "6:40 pm UTC": "18:40", "6 p.m. GMT": "18:00", "12:05 am UTC": "00:05", "12pm UTC": "12:00",
		"02:33 CET": "01:33", "00:10 CET": "23:10", "2014-12-17T18:40:05Z": "18:40:05", "(18:40 +05:30)": "13:10", "18:40-08:00": "02:40", "at 9:15 am PDT": "16:15",
		"ratio 16:9": "", "v2.12.0": "", "port 127.0.0.1:8000": "", "3 of 16": "", "25:10": "", "at 24:00": "",
	} {
		var got []string
		for _, c := range clocksOf([]string{s}) {
			word := spell(c.at)
			if c.guessed {
				word += " guessed"
			}
			got = append(got, word)
		}
		require.Equal(t, want, strings.Join(got, " "), s)
	}
}

func TestLengths(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"for 25 minutes": 25 * time.Minute, "lasted 2h30m": 150 * time.Minute, "for half an hour": 30 * time.Minute, "took 1 hour and 5 min": 65 * time.Minute, "down for about 90 s": 90 * time.Second,
		"for two days": 48 * time.Hour, "within a few minutes": 3 * time.Minute, "over the last 2 hours": 0, "after 91 days of uptime": 0, "every 10 s": 0, "TTL of 60s": 0, "for 3 balancers": 0,
	} {
		got, ok := lengthOf([]string{s})
		require.Equal(t, want, got, s)
		require.Equal(t, want > 0, ok, s)
	}
}

func TestDays(t *testing.T) {
	for s, want := range map[string]string{
		"2014-12-17": "2014-12-17", "17 December 2014": "2014-12-17", "on the 2nd of October, 2014": "2014-10-02", "Oct 2, 2014": "2014-10-02", "March 3rd 2021": "2021-03-03",
		"17/12/2014": "2014-12-17", "12/17/2014": "2014-12-17", "1.6.2020": "2020-06-01", "31 February 2020": "0001-01-01", "build 2014-99-99": "0001-01-01", "tomorrow": "0001-01-01",
	} {
		var d Draft
		d.day(s)
		require.Equal(t, want, d.Date.Format(time.DateOnly), s)
	}
}

// TestEveryFaultOfADraftIsKnown tries each component in each condition.
func TestEveryFaultOfADraftIsKnown(t *testing.T) {
	for _, p := range parts() {
		for _, i := range ills() {
			for _, where := range [][]string{{"eu-west"}, {"us-east", "us-west"}, {"us-west"}} {
				d := Draft{Title: "x", Begin: usualBegin, Length: usualLength}
				d.Fault = d.fault(p.name, i.name, where, "some of them")
				plans(t, d)
			}
		}
	}
}

func FuzzFrom(f *testing.F) {
	for _, s := range []string{
		"", "From 18:40 till 19:05 UTC on 17 December 2014 one server failed", "---\n- a: b\n...\n", "story: |\n  x\n\ttab", "\x00\x1b[31m\u2028", "{{.}} <script>", "99:99 25h 0:00 pm",
		"1 January 1900 00:00 +14:00 for 99999 days", "\"quoted\" 'and' # comment: [x]", strings.Repeat("a", 5000), strings.Repeat("at 10:00 UTC it failed. ", 400), "31/12/2999 23:59 -12:00 until 23:59",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, note string) {
		d := From(note)
		plans(t, d)
		require.Equal(t, d, From(note))
	})
}
