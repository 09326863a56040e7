package scenario

import (
	"fmt"
	"strings"
	"time"
)

// Lateness and writes that no configuration names.
const (
	harnessSlack = 150 * time.Millisecond  // of the world's clock, in worlds in real time
	clientWrite  = 1008 * time.Millisecond // one write of a client that sends 8 kbit/s
	voteEvery    = time.Second
	authDeadline = time.Second     // of a question to the account service
	checkTimeout = 6 * time.Second // Route 53: 4 s to connect, 2 s to answer
	syncEvery    = time.Second     // the recorder's group sync
)

// timing computes what bounds are made of. Waits stay what they are in incident
// time; a deadline is not scaled by the world, so it lasts speed times as long.
func (b *builder) timing(sys System) Timing {
	set := func(key string, d time.Duration) time.Duration { return b.setting(b.spec.Balancer, key, d) }
	deadline := func(d time.Duration) time.Duration { return time.Duration(float64(d) * b.speed) }
	t := Timing{
		CheckTimeout:  deadline(checkTimeout),
		VoteEvery:     voteEvery,
		ProbeEvery:    set("probe-interval", 5*time.Second),
		ProbeDeadline: deadline(set("probe-deadline", 1500*time.Millisecond)),
		ClaimDeadline: deadline(set("claim-deadline", 500*time.Millisecond)),
		DialDeadline:  deadline(set("dial-deadline", time.Second)),
		AskDeadline:   deadline(set("ask-deadline", 500*time.Millisecond)),
		HoldPut:       deadline(set("hold-put", 3*time.Second)),
		HoldSource:    deadline(set("hold-source", 20*time.Second)),
		RecorderPoll:  set("recorder-poll", 2*time.Second),
		RecorderFall:  2,
		Window:        set("window", 5*time.Minute),
		Flush:         deadline(set("batch", 200*time.Millisecond)) + clientWrite,
		Sync:          b.setting(b.spec.Recorder, "sync-interval", syncEvery),
	}
	if sys.Store != nil {
		t.Over = b.setting(b.spec.Recorder, "window", 5*time.Minute) + b.setting(b.spec.Recorder, "sweep-interval", 5*time.Second)
	}
	if sys.Accounts != "" {
		t.AuthDeadline = deadline(authDeadline)
	}
	t.Stall = deadline(set("stall-timeout", 10*time.Second))
	t.PollDeadline = deadline(set("recorder-poll-deadline", time.Second))
	if fall, ok := b.spec.Balancer.find("recorder-fall"); ok {
		if n, ok := fall.Value.(float64); ok && n >= 1 {
			t.RecorderFall = int(n)
		}
	}
	if b.world == "virtual" {
		t.Trip = b.longestTrip(sys)
	} else {
		t.Slack = deadline(harnessSlack)
	}
	return t
}

// find is a server's setting by its key, however the words are joined.
func (s Settings) find(key string) (Setting, bool) {
	plain := func(k string) string { return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(k)) }
	for k, v := range s {
		if plain(k) == plain(key) {
			return v, true
		}
	}
	return Setting{}, false
}

// setting reads a duration out of a server's settings.
func (b *builder) setting(s Settings, key string, d time.Duration) time.Duration {
	given, ok := s.find(key)
	if !ok {
		return d
	}
	word, ok := given.Value.(string)
	if !ok {
		word = fmt.Sprint(given.Value)
	}
	got, err := span(word)
	if err != nil {
		b.add(given.Pos, "%s: %v", key, err)
		return d
	}
	return got
}

// longestTrip is the longest round trip between any two places of the plan.
func (b *builder) longestTrip(sys System) time.Duration {
	var places []string
	for _, dc := range sys.Datacenters {
		places = append(places, dc.Place)
	}
	for _, g := range b.file.Broadcasters {
		places = append(places, g.From.Value)
	}
	var longest time.Duration
	for _, from := range places[:len(sys.Datacenters)] {
		for _, to := range places {
			longest = max(longest, RoundTrip(from, to))
		}
	}
	return longest
}
