package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// What excuses whom: a step counts for what it can have done, and for no longer.
func TestExcuses(t *testing.T) {
	for name, c := range map[string]struct {
		plan     string
		play     func(r *run)
		property string
		want     Result
	}{
		"new connections hang, and an old one is dropped": {`
broadcasters: [{name: rome, from: Rome, count: 2, persona: butt}]
timeline:
  - {at: 80s, stall: {from: eu-west/balancer-1, to: eu-west/recorder-*, connections: new}, for: 5m}
  - {at: 2m, drop: {broadcasters: rome}}
ends: 8m
expect: [single-writer]
`, func(r *run) {
			for _, name := range r.order {
				r.again(name, 2*time.Minute, "dropped", 1400*time.Millisecond)
			}
		}, "single-writer", Pass},
		"a wide throttle, and a hole long before a loss": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}]
timeline:
  - {at: 80s, throttle: {from: rome, to: "*/balancer-*", rate: 100k}}
  - {at: 3h, drop: {broadcasters: rome}}
ends: 4h
expect: [recording-intact]
`, func(r *run) {
			r.again("rome-01", 3*time.Hour, "dropped", 1400*time.Millisecond)
			r.hole("rome-01", 5000, 95000)
		}, "recording-intact", Fail},
		"a stall, and a hole before frames that came later by the same connection": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}]
timeline:
  - {at: 80s, stall: {from: rome, to: "*/balancer-*"}, for: 50m}
ends: 1h
expect: [recording-intact]
`, func(r *run) {
			r.again("rome-01", 40*time.Minute, "timeout", 1400*time.Millisecond)
			r.hole("rome-01", 5000, 9000)
		}, "recording-intact", Fail},
		"a delay of nothing, and a loss": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}]
timeline: [{at: 80s, delay: {from: eu-west/balancer-1, to: eu-west/recorder-2, delay: 5ms}}]
ends: 3h
expect: [no-unexplained-disconnect]
`, func(r *run) { r.again("rome-01", 2*time.Hour, "eof", 1400*time.Millisecond) }, "no-unexplained-disconnect", Fail},
		"whom none took": {untitled(crowding), func(r *run) {
			r.history()
			for i, e := range r.events {
				if e.Kind == history.Attempt && e.Node != r.order[0] {
					r.events[i].Class, r.events[i].Status = "answered", 403
				}
			}
		}, "admission-within", Fail},
		"whom none took just before the end": {untitled(crowding), func(r *run) {
			r.history()
			for i, e := range r.events {
				if e.Kind == history.Attempt && slices.Contains(r.order[1:5], e.Node) {
					r.events[i].At, r.events[i].Class, r.events[i].Status = 159*second, "answered", 403
				}
			}
			history.Sort(r.events)
		}, "admission-within", Inconclusive},
		"a fault of the store, long after a track was due": {`
system: {store: {in: us-east}, balancer: {window: 1m}, recorder: {window: 1m}}
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt, off-air: 5m}]
timeline: [{at: 2h, store: unavailable, for: 60s}]
ends: 3h
expect: [publish-delay: {within: 1m}]
`, func(r *run) { r.events = r.inStore(r.publishedAt(2*time.Hour+90*second), 0) }, "publish-delay", Fail},
		"a disk that stays slow": {`
system: {store: {in: us-east}, balancer: {window: 1m}, recorder: {window: 1m}}
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}]
timeline: [{at: 200s, disk: {of: eu-west/recorder-2, is: slow}, stays: true}]
ends: 5m
expect: [published-once]
`, func(r *run) { r.history(); r.events = r.inStore(nil, 0) }, "published-once", Fail},
		"a dead balancer that DNS names again": {`
broadcasters: [{name: york, from: New York, count: 1, persona: ffmpeg-fifo}]
timeline: [{at: 80s, kill: eu-west/balancer-1, for: 60m}]
ends: 70m
expect: [pool-converges]
`, func(r *run) {
			r.vote(105*second, b1, false)
			r.answers(107*second, "eu-west", b2)
			r.vote(180*second, b1, true)
			r.answers(182*second, "eu-west", b1, b2)
		}, "pool-converges", Fail},
		"uplinks that are broken, and a balancer that all checkers reach": {uplinks, cutUplinks, "health-honest", Inconclusive},
		"uplinks that are broken, and some checkers' as well":             {uplinks + checkersToo, cutUplinks, "health-honest", Fail},
		"a drain that was over": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}, {name: paris, from: Paris, count: 1, persona: butt}]
timeline:
  - {at: 2m, drain: eu-west/recorder-2}
  - {at: 4m, undrain: eu-west/recorder-2}
  - {at: 30m, drop: {broadcasters: rome}}
ends: 60m
expect: [sticky-reconnect]
`, func(r *run) {
			r.lose("rome-01", 30*time.Minute, "dropped")
			r.move("rome-01", "eu-west/recorder-3")
			r.back("rome-01", 30*time.Minute+1500*time.Millisecond, b1)
		}, "sticky-reconnect", Fail},
		"without redis for minutes, out of DNS for seconds":         {alone, func(r *run) { r.vote(95*second, b1, false); r.vote(125*second, b1, true) }, "fault-weighed", Fail},
		"without redis, and out of DNS already":                     {alone, func(r *run) { r.vote(40*second, b1, false) }, "fault-weighed", Pass},
		"no recorder lives, and one of them had died before":        {desolateAnd("  - {at: 30s, kill: eu-west/recorder-3, for: 10s}\n", ""), func(r *run) { ledAway(r) }, "cross-datacenter-failover", Pass},
		"no recorder lives, one had died before, and one is denied": {desolateAnd("  - {at: 30s, kill: eu-west/recorder-3, for: 10s}\n", ""), func(r *run) { ledAway(r); r.answered("new-01", 110*second, b2, 403) }, "cross-datacenter-failover", Fail},
		"who was turned away for most of the time": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}, {name: york, from: New York, count: 1, persona: butt}]
timeline: [{at: 30m, drop: {broadcasters: rome}}]
ends: 60m
expect: [untouched: {broadcasters: york}]
`, func(r *run) {
			late := r.shows["york-01"].number(50 * time.Minute)
			r.shows["york-01"].conns[0].from = late
			for i, e := range r.events {
				if e.Node == "york-01" && e.Kind == history.Attempt {
					r.events[i].At, r.events[i].Frame = 50*time.Minute, late
				}
			}
		}, "untouched", Fail},
		"silence from the end of the fault on": {untitled(frozen), func(r *run) {
			r.hears("paris-01", time.Minute, 5*time.Minute, "")
			r.hears("paris-01", 6*time.Minute+second, 8*time.Minute, "timeout")
		}, "listeners-on-air", Fail},
	} {
		t.Run(name, func(t *testing.T) {
			p := judgedAs(t, c.plan, c.play, c.property)
			require.Equal(t, c.want, p.Result, "%s: %v", p.Measured, p.Findings)
		})
	}
}
