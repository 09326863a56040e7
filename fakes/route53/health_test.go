package route53_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/route53"
)

// seen collects what observers were told, with the time since the watch began.
type seen struct {
	mu       sync.Mutex
	start    time.Time
	opinions []opinionAt
	votes    []voteAt
	answers  []answerAt
}

type opinionAt struct {
	at time.Duration
	route53.Opinion
}
type voteAt struct {
	at time.Duration
	route53.Vote
}
type answerAt struct {
	at time.Duration
	route53.Answer
}

func (s *seen) observe() route53.Observe {
	locked := func(f func(at time.Duration)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f(time.Since(s.start))
	}
	return route53.Observe{
		Checker: func(o route53.Opinion) {
			locked(func(at time.Duration) { s.opinions = append(s.opinions, opinionAt{at, o}) })
		},
		Vote: func(v route53.Vote) { locked(func(at time.Duration) { s.votes = append(s.votes, voteAt{at, v}) }) },
		Answer: func(a route53.Answer) {
			locked(func(at time.Duration) { s.answers = append(s.answers, answerAt{at, a}) })
		},
	}
}

// rezero forgets what was seen; times count from now.
func (s *seen) rezero() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start, s.opinions, s.votes, s.answers = time.Now(), nil, nil, nil
}

// before counts the opinions that changed before an instant.
func (s *seen) before(at time.Duration) int {
	n := 0
	for _, o := range s.opinions {
		if o.at < at {
			n++
		}
	}
	return n
}

// inBubble serves a zone in virtual time and calls f; all must end afterwards.
func inBubble(t *testing.T, change func(*route53.Config), f func(t *testing.T, net *fabric, s *route53.Server, saw *seen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net, saw := newFabric(), &seen{start: time.Now()}
		cfg := zoneOf(net, 16)
		cfg.Observe = saw.observe()
		if change != nil {
			change(&cfg)
		}
		s, err := route53.New(cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()
		f(t, net, s, saw)
		stopped := time.Now()
		cancel()
		require.NoError(t, <-ended)
		require.Zero(t, time.Since(stopped), "stopping must not wait for a probe")
		net.wg.Wait()
	})
}

// pass lets time go by, and everybody do what is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func hostsOf(s *route53.Server, region int) []string { return s.Answers()[region].Hosts }

var bothDublin = []string{"eu-west/balancer-1", "eu-west/balancer-2"}

func TestDeadBalancerLeavesTheAnswers(t *testing.T) {
	const interval, vote, propagation = 10 * time.Second, time.Second, time.Second
	for name, test := range map[string]struct {
		behaviour behaviour
		class     route53.Class
		probe     time.Duration // how long a bad probe takes
	}{
		"refuses":             {refused, route53.ClassRefused, 0},
		"vanished":            {vanished, route53.ClassTimeout, 4 * time.Second},
		"says nothing":        {silent, route53.ClassTimeout, 2 * time.Second},
		"hangs up":            {hangup, route53.ClassReset, 0},
		"is busy":             {busy, route53.ClassStatus, 0},
		"speaks another kind": {junk, route53.ClassStatus, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for died := 31 * time.Second; died < 42*time.Second; died += 2300 * time.Millisecond {
				inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
					pass(died)
					saw.rezero()
					net.set(dublin1, test.behaviour)
					pass(2 * time.Minute)

					require.Len(t, saw.votes, 1)
					require.Equal(t, route53.Vote{Host: "eu-west/balancer-1", Healthy: saw.votes[0].Healthy, Of: 16}, saw.votes[0].Vote)
					require.Len(t, saw.answers, 1)
					require.Equal(t, route53.Answer{Region: "eu-west", Hosts: []string{"eu-west/balancer-2"}}, saw.answers[0].Answer)
					require.Len(t, saw.opinions, 16)
					for _, o := range saw.opinions {
						require.Equal(t, test.class, o.Class)
						require.GreaterOrEqual(t, o.at, 2*interval+test.probe)
						require.LessOrEqual(t, o.at, 3*(interval+test.probe))
					}
					require.Equal(t, propagation, saw.answers[0].at-saw.votes[0].at)
					require.Greater(t, saw.votes[0].at, saw.opinions[13].at, "fourteen of sixteen are needed")
					require.LessOrEqual(t, saw.votes[0].at, saw.opinions[13].at+vote)
					require.GreaterOrEqual(t, saw.answers[0].at, 2*interval)
					require.LessOrEqual(t, saw.answers[0].at, 3*(interval+test.probe)+vote+propagation)
				})
			}
		})
	}
}

func TestBalancerComesBackAfterAsManyGoodProbes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, refused)
		pass(5 * time.Minute)
		require.Equal(t, []string{"eu-west/balancer-2"}, hostsOf(s, 0))
		saw.rezero()
		net.set(dublin1, redirect)
		pass(2 * time.Minute)
		require.Equal(t, bothDublin, hostsOf(s, 0))
		require.Len(t, saw.opinions, 16)
		require.Len(t, saw.votes, 1)
		require.Greater(t, saw.votes[0].at, saw.opinions[2].at)
		require.LessOrEqual(t, saw.votes[0].at, saw.opinions[2].at+time.Second, "the third of sixteen is over 18 %")
		require.Equal(t, saw.votes[0].Healthy, saw.before(saw.votes[0].at))
		for _, o := range saw.opinions {
			require.True(t, o.OK)
			require.Equal(t, route53.ClassOK, o.Class)
			require.GreaterOrEqual(t, o.at, 20*time.Second)
			require.LessOrEqual(t, o.at, 30*time.Second)
		}
	})
}

func TestQuorum(t *testing.T) {
	all := make([]string, 16)
	for i := range all {
		all[i] = checkerName(i)
	}
	for reached, stays := range map[int]bool{16: true, 4: true, 3: true, 2: false, 0: false} {
		inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
			net.set(dublin1, vanished)
			for _, checker := range all[:reached] {
				net.set(dublin1, healthy, checker)
			}
			pass(10 * time.Minute)
			require.Len(t, saw.opinions, 16-reached)
			require.Equal(t, stays, slices.Equal(bothDublin, hostsOf(s, 0)), "%d of 16 see it", reached)
			require.Equal(t, stays, len(saw.votes) == 0)
		})
	}
}

func TestThresholdCountsInARow(t *testing.T) {
	one := func(cfg *route53.Config) {
		cfg.Checkers = cfg.Checkers[:1]
		cfg.Regions = cfg.Regions[:1]
	}
	inBubble(t, one, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		pass(20 * time.Second) // every further ten seconds hold one probe
		for _, b := range []behaviour{refused, refused, healthy, refused, refused, healthy} {
			net.set(dublin1, b)
			pass(10 * time.Second)
		}
		require.Empty(t, saw.opinions)
		net.set(dublin1, refused)
		pass(30 * time.Second)
		require.Len(t, saw.opinions, 1)
		for _, b := range []behaviour{healthy, healthy, refused, healthy, healthy} {
			net.set(dublin1, b)
			pass(10 * time.Second)
		}
		require.Len(t, saw.opinions, 1)
		net.set(dublin1, healthy)
		pass(10 * time.Second)
		require.Len(t, saw.opinions, 2)
	})
}

func TestIntervalCountsFromTheResponse(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, silent)
		net.set(dublin2, vanished)
		pass(5 * time.Minute)
		for addr, gap := range map[string]time.Duration{
			dublin1: 12 * time.Second, dublin2: 14 * time.Second, virginia1: 10 * time.Second,
		} {
			asked := net.asked[checkerName(6)+" "+addr]
			require.Greater(t, len(asked), 20)
			for i := 1; i < len(asked); i++ {
				require.Equal(t, gap, asked[i].Sub(asked[i-1]), addr)
			}
		}
	})
}

func TestStopsInTheMiddleOfProbes(t *testing.T) {
	for stop := time.Minute; stop < 72*time.Second; stop += time.Second {
		inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
			net.set(dublin1, silent)
			net.set(dublin2, vanished)
			pass(stop) // inBubble checks that the end is immediate
		})
	}
}

func TestServeGivesBackWhatItOpened(t *testing.T) {
	cfg := zoneOf(newFabric(), 0)
	packets := &mute{done: make(chan struct{})}
	cfg.Env.ListenPacket = func(context.Context, string, string) (net.PacketConn, error) { return packets, nil }
	cfg.Env.Listen = func(context.Context, string, string) (net.Listener, error) { return nil, syscall.EADDRINUSE }
	s, err := route53.New(cfg)
	require.NoError(t, err)
	require.ErrorIs(t, s.Serve(t.Context()), syscall.EADDRINUSE)
	<-packets.done
}

func TestCheckersDoNotProbeTogether(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		pass(10 * time.Second)
		first := map[time.Time]string{}
		for who, asked := range net.asked {
			require.Len(t, asked, 1, who)
			require.NotContains(t, first, asked[0])
			first[asked[0]] = who
		}
		require.Len(t, first, 16*4)
	})
}

func TestNothingHealthyFailsOpen(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		for _, addr := range []string{virginia1, oregon1, dublin1} {
			net.set(addr, refused)
			pass(time.Minute)
		}
		for region := range 3 {
			require.Equal(t, []string{"eu-west/balancer-2"}, hostsOf(s, region), "the last one serves all")
			require.False(t, s.Answers()[region].FailOpen)
		}
		net.set(dublin2, refused)
		pass(time.Minute)
		require.Equal(t, []route53.Answer{
			{Region: "eu-west", Hosts: bothDublin, FailOpen: true},
			{Region: "us-east", Hosts: []string{"us-east/balancer-1"}, FailOpen: true},
			{Region: "us-west", Hosts: []string{"us-west/balancer-1"}, FailOpen: true},
		}, s.Answers())
		require.True(t, saw.answers[len(saw.answers)-1].FailOpen)
		net.set(oregon1, healthy)
		pass(time.Minute)
		require.Equal(t, route53.Answer{Region: "eu-west", Hosts: []string{"us-west/balancer-1"}}, s.Answers()[0])
	})
}

func TestUnhealthyRegionIsSkippedForTheNextBest(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(virginia1, busy)
		pass(time.Minute)
		require.Equal(t, []string{"us-west/balancer-1"}, hostsOf(s, 1))
		require.Equal(t, []string{"us-west/balancer-1"}, hostsOf(s, 2))
		require.Equal(t, bothDublin, hostsOf(s, 0))
		require.Len(t, saw.answers, 1)
	})
}

func TestNewCheckIsHealthyUntilThereIsEnoughData(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, refused)
		require.Equal(t, bothDublin, hostsOf(s, 0))
		pass(20 * time.Second)
		require.Equal(t, bothDublin, hostsOf(s, 0))
		require.Empty(t, saw.answers, "the first answers are no change")
	})
}

func TestStartUnhealthy(t *testing.T) {
	change := func(cfg *route53.Config) { cfg.StartUnhealthy = true }
	inBubble(t, change, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, refused)
		require.True(t, s.Answers()[0].FailOpen)
		pass(time.Minute)
		require.Equal(t, route53.Answer{Region: "eu-west", Hosts: []string{"eu-west/balancer-2"}}, s.Answers()[0])
		require.Len(t, saw.votes, 3)
	})
}

func TestUncheckedRecordsAreHealthy(t *testing.T) {
	unchecked := func(cfg *route53.Config) { cfg.Regions[0].Records[0].HealthPort = 0 }
	inBubble(t, unchecked, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, refused)
		net.set(dublin2, refused)
		pass(5 * time.Minute)
		require.Equal(t, []string{"eu-west/balancer-1"}, hostsOf(s, 0))
	})
	nobody := func(cfg *route53.Config) { cfg.Checkers, cfg.StartUnhealthy = nil, true }
	inBubble(t, nobody, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		pass(time.Minute)
		require.Equal(t, route53.Answer{Region: "eu-west", Hosts: bothDublin}, s.Answers()[0])
	})
}

func TestACheckByTCPDoesNotLookAtTheAnswer(t *testing.T) {
	shallow := func(cfg *route53.Config) { cfg.Regions[0].Records[0].Shallow = true }
	for _, blind := range []behaviour{busy, silent, hangup, junk} {
		inBubble(t, shallow, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
			net.set(dublin1, blind)
			pass(2 * time.Minute)
			require.Empty(t, saw.opinions)
			require.Equal(t, bothDublin, hostsOf(s, 0))
		})
	}
	for gone, class := range map[behaviour]route53.Class{refused: route53.ClassRefused, vanished: route53.ClassTimeout} {
		inBubble(t, shallow, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
			net.set(dublin1, gone)
			pass(2 * time.Minute)
			require.Equal(t, class, saw.opinions[0].Class)
			require.Equal(t, bothDublin[1:], hostsOf(s, 0))
		})
	}
}

func TestVotesKeepTheirOrderThroughALongPropagation(t *testing.T) {
	change := func(cfg *route53.Config) { cfg.Propagation, cfg.VoteEvery = time.Minute, 5*time.Second }
	inBubble(t, change, func(t *testing.T, net *fabric, s *route53.Server, saw *seen) {
		net.set(dublin1, refused)
		pass(31 * time.Second)
		net.set(dublin1, healthy)
		net.set(dublin2, refused)
		pass(3 * time.Minute)
		require.Len(t, saw.votes, 3) // 1 out, 1 back, 2 out; the last two may share an instant
		require.NotEmpty(t, saw.answers)
		require.Equal(t, []string{"eu-west/balancer-2"}, saw.answers[0].Hosts)
		require.Equal(t, []string{"eu-west/balancer-1"}, saw.answers[len(saw.answers)-1].Hosts)
		for _, a := range saw.answers {
			require.True(t, slices.ContainsFunc(saw.votes, func(v voteAt) bool { return v.at+time.Minute == a.at }))
		}
		for _, v := range saw.votes {
			require.Equal(t, saw.votes[0].at%(5*time.Second), v.at%(5*time.Second), "votes keep a grid")
		}
	})
}

func BenchmarkProbe(b *testing.B) {
	const probesPerSecond = 16 * 4 / 10.0
	b.ReportAllocs()
	synctest.Test(new(testing.T), func(*testing.T) {
		net := newFabric()
		s, err := route53.New(zoneOf(net, 16))
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()
		time.Sleep(time.Duration(float64(b.N) / probesPerSecond * float64(time.Second)))
		cancel()
		<-ended
		net.wg.Wait()
	})
}
