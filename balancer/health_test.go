package balancer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// health asks the ingest port as a checker does.
func (r *rig) health() (int, balancer.Report) {
	c := r.ask("GET /health HTTP/1.0\r\nHost: 10.0.0.1\r\nUser-Agent: Amazon-Route53-Health-Check-Service\r\n\r\n")
	var report balancer.Report
	require.NoError(r.t, json.Unmarshal([]byte(c.body), &report))
	require.ErrorIs(r.t, c.gone(), io.EOF)
	return c.code, report
}

// peerIP is where a scripted peer answers.
const peerIP = "10.0.0.2"

// withPeer gives the balancer a peer whose health is scripted.
func withPeer(c *balancer.Config, _ *balancer.Parts) {
	c.Peers = []fleet.Peer{{Name: "eu/balancer-2", Addr: peerIP + ":8000"}}
}

// peer is a scripted peer.
type peer struct{ redis, recorders, accounts string }

func (p *peer) start(t *testing.T, n *envtest.Net) {
	l, err := n.Env("peer", peerIP, nil).Listen(t.Context(), "tcp", ":8000")
	require.NoError(t, err)
	context.AfterFunc(t.Context(), func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := icecast.ReadHead(c); err == nil {
				body, _ := json.Marshal(map[string]any{"redis": p.redis, "recorders": p.recorders, "accounts": p.accounts, "age_ms": 0})
				icecast.Answer(c, 200, nil, body)
			}
			c.Close()
		}
	}()
}

func TestHealthIsToldOnTheIngestPort(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		code, report := r.health()
		require.Equal(t, 200, code)
		require.Equal(t, balancer.OK, report.Status)
		require.Equal(t, "ok", report.Redis)
		require.Equal(t, "ok", report.Recorders)
		require.Less(t, report.AgeMS, int64(1000))
		time.Sleep(4 * time.Second)
		probes := r.store.count("probe")
		for range 100 {
			r.health()
		}
		require.Equal(t, probes, r.store.count("probe"), "asking costs no probe")
		time.Sleep(time.Minute)
		require.InDelta(t, 12, r.store.count("probe")-probes, 1)
	})
}

func TestHealthIsFailingUntilChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: new(envtest.Net), store: newMemStore()}
		cfg := r.config()
		r.start(cfg, balancer.Parts{Store: r.store})
		defer r.end()
		require.Equal(t, balancer.Failing, r.balancer.Health().Status)
	})
}

func TestLocalFaultLeavesThePool(t *testing.T) {
	play(t, withPeer, func(t *testing.T, r *rig) {
		p := &peer{"ok", "ok", "ok"}
		p.start(t, r.net)
		r.store.set(nil, true)
		began := time.Now()
		for code := 200; code == 200; code, _ = r.health() {
			time.Sleep(10 * time.Millisecond)
		}
		require.LessOrEqual(t, time.Since(began), 5*time.Second+1500*time.Millisecond, "an interval and a deadline")
		_, report := r.health()
		require.Equal(t, balancer.Failing, report.Status)
		require.Equal(t, "failing", report.Redis)
		require.Contains(t, report.Reason, "peers reach the index")

		r.store.set(nil, false)
		began = time.Now()
		for code := 503; code == 503; code, _ = r.health() {
			time.Sleep(10 * time.Millisecond)
		}
		require.Greater(t, time.Since(began), 5*time.Second, "one good round is not enough")
		require.LessOrEqual(t, time.Since(began), 11*time.Second)
	})
}

func TestSharedFaultStaysInThePool(t *testing.T) {
	play(t, withPeer, func(t *testing.T, r *rig) {
		p := &peer{"failing", "ok", "ok"}
		p.start(t, r.net)
		r.store.set(errAway, false)
		for range 60 {
			time.Sleep(time.Second)
			code, _ := r.health()
			require.Equal(t, 200, code)
		}
		_, report := r.health()
		require.Equal(t, balancer.Degraded, report.Status)
		require.Contains(t, report.Reason, "no peer reaches it either")
		r.live("/show")
		r.store.set(nil, false)
		time.Sleep(6 * time.Second)
		_, report = r.health()
		require.Equal(t, balancer.OK, report.Status)
	})
}

// TestAccountsThatCannotBeLookedUp: a balancer that alone cannot prove a password leaves
// the pool, for others can; when nobody can, all stay, and say so.
func TestAccountsThatCannotBeLookedUp(t *testing.T) {
	away := fmt.Errorf("%w: scripted", account.ErrUnavailable)
	for name, c := range map[string]struct {
		peers  string
		hang   bool
		code   int
		reason string
	}{
		"this balancer alone":         {"ok", false, 503, "this balancer cannot"},
		"this balancer, in silence":   {"ok", true, 503, "this balancer cannot"},
		"nobody":                      {"failing", false, 200, "no peer can look accounts up either"},
		"the peers do not tell of it": {"", false, 200, "admitting only who was proven before"},
	} {
		t.Run(name, func(t *testing.T) {
			who := new(accounts)
			play(t, func(cfg *balancer.Config, parts *balancer.Parts) {
				withPeer(cfg, parts)
				parts.Accounts = who
			}, func(t *testing.T, r *rig) {
				p := &peer{"ok", "ok", c.peers}
				p.start(t, r.net)
				who.set(away, c.hang)
				time.Sleep(5*time.Second + 1500*time.Millisecond)
				code, report := r.health()
				require.Equal(t, c.code, code, report.Reason)
				require.Equal(t, "failing", report.Accounts)
				require.Contains(t, report.Reason, c.reason)
				require.Equal(t, "ok", report.Redis)
				who.set(nil, false)
				time.Sleep(11 * time.Second)
				code, report = r.health()
				require.Equal(t, 200, code, report.Reason)
				require.Equal(t, balancer.OK, report.Status)
				require.Equal(t, "ok", report.Accounts)
			})
		})
	}
}

func TestFullFleetIsDegraded(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.all("full")
		time.Sleep(10 * time.Second)
		code, report := r.health()
		require.Equal(t, 200, code)
		require.Equal(t, balancer.Degraded, report.Status)
		require.Equal(t, "full", report.Recorders)
	})
}

// One recorder that hangs must not make the balancer look ill.
func TestProbeGoesAroundASilentRecorder(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderFall = 1000 }, func(t *testing.T, r *rig) {
		for _, rec := range r.recorders[:2] {
			rec.set("silent")
		}
		for range 60 {
			time.Sleep(500 * time.Millisecond)
			code, report := r.health()
			require.Equal(t, 200, code, report.Reason)
			require.Equal(t, balancer.OK, report.Status, report.Reason)
		}
	})
}

func TestDeadFleetIsFailing(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for _, rec := range r.recorders {
			rec.stop()
		}
		time.Sleep(10 * time.Second)
		code, report := r.health()
		require.Equal(t, 503, code)
		require.Equal(t, "failing", report.Recorders)
	})
}

// stuckCheck hangs after its first round.
type stuckCheck struct{ rounds int }

func (s *stuckCheck) Check(ctx context.Context, _ balancer.Probes) balancer.Report {
	if s.rounds++; s.rounds > 1 {
		time.Sleep(time.Hour)
	}
	return balancer.Report{Status: balancer.OK, Redis: "ok", Recorders: "ok"}
}

func TestHealthGrowsStale(t *testing.T) {
	play(t, func(_ *balancer.Config, p *balancer.Parts) { p.Health = new(stuckCheck) }, func(t *testing.T, r *rig) {
		time.Sleep(13 * time.Second)
		code, report := r.health()
		require.Equal(t, 200, code)
		require.Greater(t, report.AgeMS, int64(13000))
		time.Sleep(2 * time.Second)
		code, report = r.health()
		require.Equal(t, 503, code)
		require.Equal(t, "unknown", report.Redis, "peers must not take it for an answer")
		require.Contains(t, report.Reason, "old")
		time.Sleep(time.Hour)
	})
}

// shallowCheck is what was wrong in 2014.
type shallowCheck struct{}

func (shallowCheck) Check(context.Context, balancer.Probes) balancer.Report {
	return balancer.Report{Status: balancer.OK, Redis: "ok", Recorders: "ok"}
}

func TestHealthCheckCanBeReplaced(t *testing.T) {
	play(t, func(_ *balancer.Config, p *balancer.Parts) { p.Health = shallowCheck{} }, func(t *testing.T, r *rig) {
		r.store.set(errAway, false)
		r.all("garbage")
		time.Sleep(time.Minute)
		code, report := r.health()
		require.Equal(t, 200, code)
		require.Equal(t, balancer.OK, report.Status)
	})
}

func TestDrain(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		require.Equal(t, 200, r.operate("POST", "/drain"))
		code, report := r.health()
		require.Equal(t, 503, code, "DNS sends sources elsewhere at once")
		require.True(t, report.Draining)

		refused := r.ask(put("/new", "anna", "secret"))
		require.Equal(t, 403, refused.code)
		require.Contains(t, refused.body, "about to go")
		require.Equal(t, 3*time.Second, refused.took, "held first")
		require.Zero(t, r.store.row("/new").Epoch, "no claim")

		time.Sleep(time.Hour)
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"), "shows end by themselves")
		idle := make(chan error, 1)
		go func() { idle <- r.balancer.WaitIdle(t.Context()) }()
		synctest.Wait()
		require.Empty(t, idle)
		c.Close()
		require.NoError(t, <-idle)

		held := r.connect(source("/new", "anna", "secret"))
		time.Sleep(time.Second)
		require.Equal(t, 200, r.operate("POST", "/undrain"))
		held.answer()
		require.Equal(t, 200, held.code)
		code, _ = r.health()
		require.Equal(t, 200, code)
	})
}

// operate sends a request to the admin port.
func (r *rig) operate(method, path string) int {
	code, _ := r.adminGet(method, path)
	return code
}

func (r *rig) adminGet(method, path string) (int, string) {
	transport := &http.Transport{DialContext: r.net.Env("operator", "10.0.8.1", nil).DialContext, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+balancerIP+":8002"+path, nil)
	require.NoError(r.t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(body)
}

func TestAdminPort(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.live("/show")
		r.ask(put("/show", "anna", "wrong"))
		code, body := r.adminGet("GET", "/health")
		require.Equal(t, 200, code)
		require.Contains(t, body, `"status":"ok"`)
		code, body = r.adminGet("GET", "/recorders")
		require.Equal(t, 200, code)
		require.Contains(t, body, `"name":"eu/recorder-1"`)
		require.Contains(t, body, `"state":"up"`)
		code, body = r.adminGet("GET", "/metrics")
		require.Equal(t, 200, code)
		require.Contains(t, body, "balancer_sources 1\n")
		require.Contains(t, body, `balancer_refusals_total{reason="wrong-credentials"} 1`)
		require.Contains(t, body, `balancer_index_calls_total{call="claim",result="ok"} 1`)
		require.Contains(t, body, "balancer_healthy 1\n")
		require.Equal(t, 405, r.operate("GET", "/drain"))
		require.Equal(t, 404, r.operate("GET", "/"))
	})
}

// Who asks and does not read is given up: nobody waits for him for ever.
func TestOperatorWhoDoesNotRead(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.HeadTimeout = 5 * time.Second }, func(t *testing.T, r *rig) {
		conn, err := r.net.Env("operator", "10.0.8.1", nil).DialContext(t.Context(), "tcp", balancerIP+":8002")
		require.NoError(t, err)
		defer conn.Close()
		const asked = 200
		_, err = io.WriteString(conn, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", asked))
		require.NoError(t, err)
		time.Sleep(11 * time.Second)
		got, _ := io.ReadAll(conn)
		require.Less(t, strings.Count(string(got), "HTTP/1.1 200 OK"), asked)
	})
}
