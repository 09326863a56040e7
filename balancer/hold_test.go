package balancer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/env/envtest"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

// A client that gave up and came back has two connections here: only the later one
// goes on air, or the earlier would take the show away from it.
func TestLaterConnectionEndsOneThatIsHeld(t *testing.T) {
	for name, index := range map[string]error{"with index": nil, "without": errAway} {
		t.Run(name, func(t *testing.T) {
			play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
				r.store.set(index, false)
				r.all("full")
				time.Sleep(5 * time.Second)
				first := r.connect(source("/show", "anna", "secret"))
				time.Sleep(time.Second)
				second := r.connect(source("/show", "anna", "secret"))
				other := r.connect(source("/other", "anna", "secret"))
				first.answer()
				require.Equal(t, 403, first.code)
				require.Contains(t, first.body, "newer connection")
				require.Zero(t, first.took)
				r.all("")
				second.answer()
				other.answer()
				require.Equal(t, 200, second.code)
				require.Equal(t, 200, other.code)
				io.WriteString(second, "alive")
				synctest.Wait()
				require.Equal(t, "alive", r.heard(r.holding("/show"), "/show"))
				require.Equal(t, 2, r.balancer.Sources())
			})
		})
	}
}

// Others cannot end a connection that is held by trying the same mount.
func TestHeldConnectionIsNotEndedByAnotherAccount(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
		r.all("full")
		time.Sleep(5 * time.Second)
		mine := r.connect(source("/show", "anna", "secret"))
		synctest.Wait()
		require.Equal(t, 401, r.ask(source("/show", "anna", "guess")).code)
		require.Equal(t, "Mountpoint in use", r.ask(source("/show", "bert", "geheim")).body)
		r.all("")
		mine.answer()
		require.Equal(t, 200, mine.code)
	})
}

func TestClientThatLeavesWhileHeldIsNotPutOnAir(t *testing.T) {
	for name, leave := range map[string]func(*client){
		"closed": func(c *client) { c.Close() },
		"reset":  func(c *client) { c.Conn.(*envtest.Conn).Reset() },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				r.all("full")
				time.Sleep(5 * time.Second)
				c := r.connect(source("/show", "anna", "secret"))
				time.Sleep(time.Second)
				require.Equal(t, 1, r.balancer.Sources())
				leave(c)
				synctest.Wait()
				require.Zero(t, r.balancer.Sources())
				r.all("")
				time.Sleep(30 * time.Second)
				require.Nil(t, r.holding("/show"))
				r.counted(`balancer_refusals_total{reason="client-left"} 1`)
			})
		})
	}
}

// ffmpeg -legacy_icecast waits for no answer. What it sends while it is held reaches
// the recorder, and no more of it is kept than fits a buffer.
func TestBytesSentWhileHeldAreKept(t *testing.T) {
	for name, size := range map[string]int{"few": 100, "many": 200_000} {
		t.Run(name, func(t *testing.T) {
			play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
				r.all("full")
				time.Sleep(5 * time.Second)
				c := r.connect(source("/show", "anna", "secret") + "glued ")
				time.Sleep(time.Second)
				body := strings.Repeat("x", size)
				io.WriteString(c, body)
				time.Sleep(5 * time.Second)
				r.all("")
				c.answer()
				require.Equal(t, 200, c.code)
				io.WriteString(c, " after")
				synctest.Wait()
				require.Equal(t, "glued "+body+" after", r.heard(r.holding("/show"), "/show"))
			})
		})
	}
}

// Each admission takes 0.7 s here: those of a herd take turns, so that they
// succeed one after the other instead of failing together.
func TestAdmissionsTakeTurns(t *testing.T) {
	const each = 700 * time.Millisecond
	change := func(c *balancer.Config, _ *balancer.Parts) { c.MaxAdmitting, c.ClaimDeadline = 2, each }
	play(t, change, func(t *testing.T, r *rig) {
		r.store.set(nil, true)
		began := time.Now()
		var herd []*client
		for i := range 14 {
			herd = append(herd, r.connect(put(fmt.Sprint("/show-", i), "anna", "secret")))
			synctest.Wait() // in this order
		}
		took, crowded := map[time.Duration]int{}, 0
		for _, c := range herd {
			c.answer()
			if c.code == 200 {
				took[time.Since(began)]++
				continue
			}
			require.Equal(t, 403, c.code)
			require.Equal(t, 3*time.Second, time.Since(began))
			if strings.Contains(c.body, "too many sources want to go on air") { // the others had their turn just then
				crowded++
			}
		}
		require.Equal(t, map[time.Duration]int{each: 2, 2 * each: 2, 3 * each: 2, 4 * each: 2}, took)
		require.Positive(t, crowded)
		r.counted("balancer_admitting 0")
		r.store.set(nil, false)
	})
}

func TestSourcesThatWaitForAPlaceAreBounded(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxSources, c.MaxWaiting = 1, 2 }, func(t *testing.T, r *rig) {
		on, _ := r.live("/one")
		var held []*client
		for i := range 2 {
			held = append(held, r.connect(source(fmt.Sprint("/held-", i), "anna", "secret")))
			synctest.Wait() // no more credentials are proven at once than sources have a place
		}
		over := r.ask(source("/over", "anna", "secret"))
		require.Equal(t, 403, over.code)
		require.Equal(t, "too many sources on this server", over.body)
		require.Zero(t, over.took, "it does not wait")
		again := r.connect(source("/held-0", "anna", "secret")) // in place of the one before
		held[0].answer()
		require.Contains(t, held[0].body, "newer connection")
		held[0] = again
		on.Close()
		time.Sleep(time.Second)
		require.Equal(t, 1, r.balancer.Sources())
		for _, c := range held {
			c.Close()
		}
		time.Sleep(time.Second)
		require.Zero(t, r.balancer.Sources())
		r.counted("balancer_waiting 0")
	})
}

// While nobody's credentials can be proven, strangers wait as long as others do: no
// more of them than there are places, by whichever protocol.
func TestStrangersThatWaitAreBounded(t *testing.T) {
	who := new(accounts)
	play(t, func(c *balancer.Config, p *balancer.Parts) { c.MaxSources, p.Accounts = 2, who }, func(t *testing.T, r *rig) {
		for _, hang := range []bool{false, true} {
			who.set(account.ErrUnavailable, hang)
			held := []*client{r.connect(source("/held", "anna", "secret")), r.connectTo(balancerIP+":8001", "secret\r\n")}
			time.Sleep(time.Second)
			r.counted("balancer_proving 2")
			over := r.ask(source("/over", "bert", "geheim"))
			require.Equal(t, 403, over.code)
			require.Contains(t, over.body, "too many sources want to go on air")
			require.Zero(t, over.took, "it does not wait")
			held[1].Close()
			time.Sleep(3 * time.Second)
			r.counted("balancer_proving 1")
			who.set(nil, false)
			if held[0].answer(); !hang { // one that hangs does so until the budget is spent
				require.Equal(t, 200, held[0].code)
			}
			held[0].Close()
			time.Sleep(20 * time.Second)
			r.counted("balancer_proving 0")
			require.Zero(t, r.balancer.Sources())
		}
	})
}

// accounts is an account.Checker that can fail.
type accounts struct {
	mu     sync.Mutex
	err    error
	hang   bool
	asked  []account.Request
	closed bool
}

func (a *accounts) set(err error, hang bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err, a.hang = err, hang
}

func (a *accounts) Check(ctx context.Context, r account.Request) (account.Grant, error) {
	a.mu.Lock()
	a.asked = append(a.asked, r)
	err, hang := a.err, a.hang
	a.mu.Unlock()
	if hang {
		<-ctx.Done()
		return account.Grant{}, fmt.Errorf("%w: %w", account.ErrUnavailable, ctx.Err())
	}
	return account.Grant{Account: "account of " + r.User}, err
}

func (a *accounts) Recall(context.Context, account.Request, string) (account.Grant, error) {
	return account.Grant{}, account.ErrUnavailable
}

func (a *accounts) Probe(ctx context.Context) error {
	a.mu.Lock()
	err, hang := a.err, a.hang
	a.mu.Unlock()
	if hang {
		<-ctx.Done()
		return account.ErrUnavailable
	}
	if errors.Is(err, account.ErrUnavailable) {
		return err
	}
	return nil
}

func (a *accounts) Mount(string, int) string { return "" }

func (a *accounts) Close() { a.closed = true }

// An outage of what knows the accounts is no proof: nobody is told 401, all are held,
// and who is still there when it is over goes on air.
func TestOutageOfAccountsIsNever401(t *testing.T) {
	away := fmt.Errorf("%w: scripted", account.ErrUnavailable)
	for name, hang := range map[string]bool{"fails": false, "hangs": true} {
		for form, hold := range map[string]time.Duration{"PUT": 3 * time.Second, "SOURCE": 20 * time.Second} {
			request := source("/show", "anna", "secret")
			if form == "PUT" {
				request = put("/show", "anna", "secret")
			}
			t.Run(name+"/"+form, func(t *testing.T) {
				who := new(accounts)
				play(t, func(_ *balancer.Config, p *balancer.Parts) { p.Accounts = who }, func(t *testing.T, r *rig) {
					who.set(away, hang)
					c := r.ask(request)
					require.Equal(t, 403, c.code)
					require.Contains(t, c.body, "cannot be looked up")
					require.Equal(t, hold, c.took)
					require.Zero(t, r.store.count("claim"))
					require.Equal(t, 401, r.ask("SOURCE /show HTTP/1.0\r\n\r\n").code, "who gives none is asked for some")

					title := r.ask(get("/admin/metadata?mount=/show&song=x", "anna", "secret"))
					require.Equal(t, 503, title.code)
					icy := r.login("anna:secret\r\n")
					require.Contains(t, icy.heard(), "cannot be looked up")

					if hang {
						return // a question under way is not asked again
					}
					late := r.connect(request)
					time.Sleep(hold / 2)
					who.set(nil, false)
					late.answer()
					require.Equal(t, 200, late.code)
					synctest.Wait()
					require.Equal(t, "account of anna", r.holding("/show").show("/show").account)
					require.Equal(t, account.Request{User: "anna", Password: "secret", Mount: "/show", Client: clientIP, Agent: late.agent(request)}, who.asked[len(who.asked)-1])
				})
				require.True(t, who.closed)
			})
		}
	}
}

// agent is the User-Agent of a request.
func (c *client) agent(request string) string {
	head, err := icecast.ReadHead(strings.NewReader(request))
	require.NoError(c.t, err)
	return head.Header.Get("User-Agent")
}

func TestMountOfOthersIsRefusedAtOnce(t *testing.T) {
	who := &accounts{err: account.ErrMount}
	play(t, func(_ *balancer.Config, p *balancer.Parts) { p.Accounts = who }, func(t *testing.T, r *rig) {
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 403, c.code)
		require.Contains(t, c.body, "may not send to this mountpoint")
		require.Zero(t, c.took)
		who.set(account.ErrWrong, false)
		require.Equal(t, 401, r.ask(put("/show", "anna", "secret")).code)
	})
}

// The accounts come from a service over the network like any other, and its outage
// in the middle of reconnects keeps nobody off the air who was on it.
func TestAccountServiceThatDies(t *testing.T) {
	change := func(c *balancer.Config, _ *balancer.Parts) {
		c.Accounts, c.Auth.URL = nil, "http://10.0.4.1:80/auth"
	}
	play(t, change, func(t *testing.T, r *rig) {
		require.Equal(t, 403, r.ask(put("/show", "anna", "secret")).code, "there is none yet")
		l, err := r.net.Env("service", "10.0.4.1", nil).Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			right := map[bool]string{true: "1", false: "0"}[q.PostFormValue("pass") == "secret"]
			w.Header().Set("icecast-auth-user", right)
		})}
		served := make(chan struct{})
		go func() {
			server.Serve(l)
			close(served)
		}()
		time.Sleep(2 * time.Second)
		c, _ := r.live("/show")
		require.Equal(t, 401, r.ask(put("/show", "anna", "guess")).code)
		server.Close()
		<-served
		time.Sleep(time.Hour)
		c.Close()
		c, _ = r.live("/show")
		require.Equal(t, 403, r.ask(put("/show", "anna", "guess")).code, "not proven wrong")
		c.Close()
		time.Sleep(time.Hour)
		_, err = r.store.Lookup(t.Context(), "/show")
		require.ErrorIs(t, err, session.ErrNotFound, "the index proves nothing any more")
		cfg := r.balancer.Config()
		cfg.Auth.Cache = 7
		require.NoError(t, r.balancer.Reload(cfg))
		c, _ = r.live("/show") // proven before the reload
		c.Close()
		time.Sleep(time.Hour)
		cfg.Auth.URL = "http://10.0.4.2:80/auth"
		require.NoError(t, r.balancer.Reload(cfg))
		require.Equal(t, 403, r.ask(put("/show", "anna", "secret")).code, "another service may know better")
	})
}

// While the service is away, a session that another balancer let in goes on here: with
// the password of before. Any other one is not proven, neither right nor wrong.
func TestProofOfAnotherBalancer(t *testing.T) {
	change := func(c *balancer.Config, _ *balancer.Parts) {
		c.Accounts, c.Auth.URL = nil, "http://10.0.4.1:80/auth"
	}
	proof, err := account.Hash("secret")
	require.NoError(t, err)
	play(t, change, func(t *testing.T, r *rig) {
		_, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "anna", NewID: "there", Window: time.Minute, Proof: proof})
		require.NoError(t, err)
		require.Equal(t, 403, r.ask(put("/other", "anna", "secret")).code, "of no session")
		require.Equal(t, 403, r.ask(put("/show", "bert", "secret")).code)
		require.Equal(t, 403, r.ask(put("/show", "anna", "guess")).code)
		c, rec := r.live("/show")
		require.Equal(t, "there", r.store.row("/show").ID)
		require.Equal(t, proof, r.store.row("/show").Proof, "for the next one")
		require.Equal(t, 200, r.ask(get("/admin/metadata?mount=/show&song=x", "anna", "secret")).code)
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"))
		r.store.set(errAway, false)
		c.Close()
		again, _ := r.live("/show")
		again.Close()
	})
}

func TestAccountsAreReadAgain(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		cfg := r.balancer.Config()
		cfg.Accounts = map[string]string{"anna": "changed"}
		require.NoError(t, r.balancer.Reload(cfg))
		require.Equal(t, 401, r.ask(put("/show", "anna", "secret")).code)
		io.WriteString(c, "undisturbed")
		require.Equal(t, "undisturbed", r.heard(rec, "/show"))
		require.Equal(t, 200, r.ask(put("/show", "anna", "changed")).code)

		cfg.AccountsFile = "/nowhere/accounts.yaml"
		require.ErrorContains(t, r.balancer.Reload(cfg), "read accounts")
		cfg.Auth.URL = "http://10.0.4.1"
		require.ErrorContains(t, r.balancer.Reload(cfg), "remove accounts")
		require.Equal(t, 200, r.ask(put("/show", "anna", "changed")).code)
	})
}

// A flood of refused clients is bounded, too: those over the limit are reset instead
// of waited for.
func TestRefusedClientsThatStayAreBounded(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxLeaving = 5 }, func(t *testing.T, r *rig) {
		var all []*client
		for range 50 {
			all = append(all, r.connect("garbage\r\n"))
		}
		synctest.Wait()
		r.counted("balancer_leaving 5")
		waitedFor := 0
		for _, c := range all {
			if _, err := io.WriteString(c, "more"); err == nil {
				waitedFor++
			}
		}
		require.Equal(t, 5, waitedFor)
		time.Sleep(time.Second)
		r.counted("balancer_leaving 0")
		for _, c := range all {
			c.Close()
		}
	})
}

// However many come, each gets time to be heard: those who come later wait outside.
func TestNobodyIsPushedOutAtOnce(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxPending = 3 }, func(t *testing.T, r *rig) {
		late := r.connect("PUT /show HTTP/1.1\r\n") // its rest is on the way
		var flood []*client
		for range 8 {
			flood = append(flood, r.connect(""))
		}
		time.Sleep(200 * time.Millisecond)
		r.counted("balancer_pending 3")
		_, rest, _ := strings.Cut(put("/show", "anna", "secret"), "\r\n")
		io.WriteString(late, rest)
		late.answer()
		require.Equal(t, 200, late.code)
		time.Sleep(time.Second)
		honest, _ := r.live("/other")
		for _, c := range append(flood, late, honest) {
			c.Close()
		}
	})
}

// Ten thousand clients that each send half a head cost what as many do as the limit
// allows.
func TestManyPendingHeadsCostBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens 10,000 connections")
	}
	const clients, limit = 10_000, 1024
	play(t, nil, func(t *testing.T, r *rig) {
		goroutines, memory := runtime.NumGoroutine(), inUse()
		pending := make([]net.Conn, clients)
		for i := range pending {
			pending[i] = r.dial(ingest)
			io.WriteString(pending[i], "PUT /show HTTP/1.1\r\nX-Slow: ")
		}
		synctest.Wait()
		r.counted(fmt.Sprintf("balancer_pending %d", limit))
		require.Less(t, runtime.NumGoroutine(), goroutines+limit+50)
		// A head's buffer and its goroutine, and what the network in memory keeps of all.
		require.Less(t, inUse()-memory, int64(limit*(icecast.MaxHead+12<<10)+clients<<10))
		c, _ := r.live("/show")
		c.Close()
		for _, c := range pending {
			c.Close()
		}
	})
}

// inUse is the memory of heap and stacks in use, in bytes.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
