package fault

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	fake "deadair/fakes/redis"
	"deadair/harness/scenario"
	"deadair/harness/stack/console"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// site is a world with nothing but Redis and an operator.
type site struct {
	Site
	t     *testing.T
	world *virtual.World
}

func newSite(t *testing.T) *site {
	w, err := virtual.New(virtual.Config{
		Hosts: []world.Host{{Name: "redis", Place: "Virginia"}, {Name: "operator", Place: "Ireland"}},
		Kinds: world.Kinds{"redis": fake.Serve},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	s := &site{t: t, world: w}
	s.start()
	return s
}

func (s *site) World() world.World { return s.world }
func (s *site) RedisKind() string  { return scenario.RedisEmbedded }

func (s *site) Console(ctx context.Context) (*console.Console, error) {
	conn, err := s.world.Env("operator").DialContext(ctx, "tcp", netip.AddrPortFrom(s.world.Addr("redis"), 6379).String())
	if err != nil {
		return nil, err
	}
	return console.New(conn), nil
}

func (s *site) start() {
	require.NoError(s.t, s.world.Start(s.t.Context(), world.Node{Name: "redis", Kind: "redis", Ports: []int{6379}}))
}

func (s *site) signal(what world.Signal) {
	require.NoError(s.t, s.world.Signal(s.t.Context(), "redis", what))
}

// write tells whether a new connection can write.
func (s *site) write() error {
	c, err := s.Console(s.t.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(s.t.Context(), "SET", "key", "value")
	return err
}

func (s *site) begin(answer string) Active {
	a, err := Inject(s.t.Context(), s, scenario.Step{ID: "step-1", Do: "redis", Nodes: []string{"redis"}, Answer: answer})
	require.NoError(s.t, err)
	require.Zero(s.t, a.Touched(), "nobody has asked yet")
	return a
}

func TestRedisRefusesAndServesAgain(t *testing.T) {
	for _, answer := range scenario.RedisAnswers() {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				require.NoError(t, s.write())
				a := s.begin(answer)
				for range 3 {
					require.Error(t, s.write())
				}
				require.Equal(t, world.Touched{Conns: 3}, a.Touched())
				require.NoError(t, a.End(context.WithoutCancel(t.Context())))
				require.NoError(t, s.write())
				require.NoError(t, a.End(t.Context()), "ending twice does nothing")
				require.Equal(t, world.Touched{Conns: 3}, a.Touched())
			})
		})
	}
}

// TestRedisEndsMeanwhile: its illness ends with its process, and healing finds nothing to do.
func TestRedisEndsMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(s *site){
		"killed":    func(s *site) { s.signal(world.Kill) },
		"restarted": func(s *site) { s.signal(world.Kill); s.start() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				a := s.begin("maxclients")
				require.Error(t, s.write())
				require.Equal(t, 1, a.Touched().Conns)
				meanwhile(s)
				require.Equal(t, 1, a.Touched().Conns, "what is known is not forgotten")
				require.NoError(t, a.End(t.Context()))
				if !s.world.Running("redis") {
					s.start()
				}
				require.NoError(t, s.write())
			})
		})
	}
}

// TestRedisDoesNotAnswer: what cannot be done is an error, and in time.
func TestRedisDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		a := s.begin("oom")
		s.signal(world.Pause)
		began := time.Now()
		require.Zero(t, a.Touched())
		require.Zero(t, a.Touched())
		require.Less(t, time.Since(began), 6*time.Second)
		require.Error(t, a.End(t.Context()))
		_, err := Inject(t.Context(), s, scenario.Step{ID: "step-2", Do: "redis", Answer: "oom", Line: 7})
		require.ErrorContains(t, err, "inject redis (step-2, line 7): ask redis: ")
		require.Less(t, time.Since(began), 30*time.Second)
		s.signal(world.Kill)
		_, err = Inject(t.Context(), s, scenario.Step{ID: "step-2", Do: "redis", Answer: "oom"})
		require.Error(t, err)
	})
}
