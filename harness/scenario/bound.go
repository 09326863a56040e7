package scenario

import (
	"strings"
	"time"
)

// trips is how many round trips an admission takes when nothing is wrong: the
// lookup, the client's connection and head, the claim on a new connection, the
// recorder's connection and answer, the settling.
const trips = 8

// questionTrips is how many each question takes that a client asks before: the
// lookup, the connection, the answer.
const questionTrips = 3

// Part is one leg of a bound.
type Part struct {
	Name     string        `json:"name"`
	Min, Max time.Duration `json:",omitempty"`
}

// Bound is how long something takes at least and at most, leg by leg, from the
// plan's own settings. It is arithmetic, not measurement.
type Bound []Part

// Min is the shortest time that is possible.
func (b Bound) Min() time.Duration {
	var sum time.Duration
	for _, p := range b {
		sum += p.Min
	}
	return sum
}

// Max is the longest time that is unavoidable.
func (b Bound) Max() time.Duration {
	var sum time.Duration
	for _, p := range b {
		sum += p.Max
	}
	return sum
}

// String spells the sum and its legs.
func (b Bound) String() string {
	var legs []string
	for _, p := range b {
		if p.Max > 0 {
			legs = append(legs, p.Name+" "+short(p.Max))
		}
	}
	return short(b.Max()) + " = " + strings.Join(legs, " + ")
}

// OutOfAnswers bounds the time from a balancer's end to answers without it. A
// silent one has to be waited for by every check; another one refuses.
func (p *Plan) OutOfAnswers(silent bool) Bound {
	d, n := p.System.DNS, time.Duration(p.System.DNS.Threshold)
	each := d.Interval + 2*p.Timing.Trip
	if silent {
		each = d.Interval + p.Timing.CheckTimeout
	}
	return Bound{
		{"checks", (n - 1) * d.Interval, n * each},
		{"vote", 0, p.Timing.VoteEvery},
		{"propagation", d.Propagation, d.Propagation},
	}
}

// BackInAnswers bounds the time from the instant at which a balancer works again
// to answers with it.
func (p *Plan) BackInAnswers(silent bool) Bound {
	d, n := p.System.DNS, time.Duration(p.System.DNS.Threshold)
	late := time.Duration(0)
	if silent {
		late = p.Timing.CheckTimeout // of a check that began before
	}
	return Bound{
		{"own probe", 0, p.Timing.ProbeEvery + p.Timing.ProbeDeadline},
		{"checks", (n - 1) * d.Interval, n*(d.Interval+2*p.Timing.Trip) + late},
		{"vote", 0, p.Timing.VoteEvery},
		{"propagation", d.Propagation, d.Propagation},
	}
}

// Admission bounds the time from a client's dial to a recorder's acceptance; in
// real time the processes on the way have to be scheduled as well, for each of its
// connections. slow means that something on the way does not answer and a deadline must pass.
func (p *Plan) Admission(b Broadcaster, slow bool) Part {
	t := p.Timing
	questions := time.Duration(b.Retry.Questions)
	part := Part{Name: "admission", Max: (trips+questionTrips*questions)*t.Trip + (1+questions)*t.Slack}
	if slow {
		hold := t.HoldPut
		if b.Retry.Form == "source" {
			hold = t.HoldSource
		}
		part.Max += min(hold, t.AuthDeadline+t.ClaimDeadline+t.AskDeadline+t.DialDeadline)
	}
	return part
}

// Begin bounds the time from on air to a recorder's acceptance: an app asks the API
// where to broadcast before.
func (p *Plan) Begin(b Broadcaster) Part {
	part := p.Admission(b, false)
	if b.API != "" {
		part.Max += questionTrips*p.Timing.Trip + p.Timing.Slack
	}
	return part
}

// InFlight is how much programme can be on its way, or not sent yet, when a
// connection ends.
func (p *Plan) InFlight() time.Duration { return p.Timing.Flush + p.Timing.Trip }

// lost is the programme that goes with a connection: what was in flight, and
// what is sent before the client notices, which takes it two frames.
func (p *Plan) lost() Bound {
	const frames = 2 * 72 * time.Millisecond
	return Bound{{"in flight", -p.Timing.Flush, p.InFlight()}, {"notice", 0, frames + p.Timing.Trip}}
}

// Reconnect bounds the programme lost by a client that loses its connection and
// finds a live balancer at its first attempt.
func (p *Plan) Reconnect(b Broadcaster, slow bool) Bound {
	return append(p.lost(), Part{"first retry", b.Retry.FirstMin, b.Retry.First}, p.Admission(b, slow))
}

// Failover bounds the programme lost by a client whose every known balancer is
// gone: DNS has to notice, and the client's resolver to forget.
func (p *Plan) Failover(b Broadcaster, silent bool) Bound {
	attempt := 2 * p.Timing.Trip
	if silent {
		attempt = p.silentAttempt(b)
	}
	bound := append(p.lost()[:1], p.OutOfAnswers(silent)...)
	return append(bound,
		Part{"ttl", 0, p.keeps(b)},
		Part{"retry", 0, b.Retry.Again + attempt},
		p.Admission(b, false))
}

// silentAttempt is how long one attempt of a client takes when nobody answers it, at
// any of the addresses that it tries in turn.
func (p *Plan) silentAttempt(b Broadcaster) time.Duration {
	addresses := 1
	for _, dc := range p.System.Datacenters {
		if b.Retry.NextAddr && dc.Name == b.Nearest {
			addresses = max(1, dc.Balancers)
		}
	}
	return time.Duration(addresses) * b.Retry.patience()
}

// patience is how long one attempt at a silent address takes.
func (r Retry) patience() time.Duration { return max(r.Connect, r.Reply) }

// keeps is how long a broadcaster's resolver may keep an answer. A resolver that
// never forgets is not granted its habit: what it costs is avoidable.
func (p *Plan) keeps(b Broadcaster) time.Duration {
	ttl := p.System.DNS.TTL
	if length, ok := strings.CutPrefix(b.Resolver, "clamp:"); ok {
		if d, err := time.ParseDuration(length); err == nil {
			return max(ttl, d)
		}
	}
	return ttl
}

// Relayed bounds the programme lost when a recorder falls silent: its balancer
// has to notice, then the client comes back.
func (p *Plan) Relayed(b Broadcaster) Bound {
	t := p.Timing
	notice := time.Duration(t.RecorderFall) * (t.RecorderPoll + t.PollDeadline)
	return append(Bound{{"recorder looked at", 0, notice}}, p.Reconnect(b, true)...)
}

// Keeps is how long a broadcaster's resolver keeps an answer, whether it should or not.
func (p *Plan) Keeps(b Broadcaster) time.Duration {
	if b.Resolver == "pinned" || b.Resolver == "stale" {
		return p.End
	}
	return p.keeps(b)
}

// short spells a duration to a tenth of a second at most.
func short(d time.Duration) string {
	if d >= 10*time.Second || d <= -10*time.Second {
		return d.Round(time.Second).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
