package account_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/account"
	"deadair/balancer/env/envtest"
)

const serviceIP = "10.0.4.1"

// authority is an account service in memory.
type authority struct {
	t   *testing.T
	net *envtest.Net

	mu    sync.Mutex
	says  func(http.ResponseWriter, url.Values)
	asked []url.Values
	auth  []string // Authorization fields
}

// serve runs a test in virtual time with a Service that asks an authority.
func serve(t *testing.T, change func(*account.ServiceConfig), f func(*testing.T, *authority, *account.Service)) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{t: t, net: new(envtest.Net), says: yes}
		l, err := a.net.Env("service", serviceIP, nil).Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		server := &http.Server{Handler: a}
		served := make(chan struct{})
		go func() {
			server.Serve(l)
			close(served)
		}()
		cfg := account.ServiceConfig{URL: "http://user:word@" + serviceIP + ":80/auth"}
		if change != nil {
			change(&cfg)
		}
		cfg = cfg.WithDefaults()
		require.NoError(t, cfg.Validate())
		s, err := account.NewService(cfg, a.net.Env("balancer", "10.0.0.1", nil).DialContext, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		f(t, a, s)
		s.Close()
		server.Close()
		<-served
	})
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	a.mu.Lock()
	a.asked = append(a.asked, r.PostForm)
	a.auth = append(a.auth, r.Header.Get("Authorization"))
	says := a.says
	a.mu.Unlock()
	says(w, r.PostForm)
}

func (a *authority) say(says func(http.ResponseWriter, url.Values)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.says = says
}

func (a *authority) first() url.Values {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[0]
}

func (a *authority) questions() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func yes(w http.ResponseWriter, _ url.Values) { w.Header().Set("icecast-auth-user", "1") }

// TestServiceTellsThePlan, and it counts for as long as the yes it came with.
func TestServiceTellsThePlan(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		plan := func() string {
			got, err := s.Check(t.Context(), anna)
			require.NoError(t, err)
			return got.Plan
		}
		require.Empty(t, plan(), "it told none")
		time.Sleep(2 * time.Minute)
		a.say(func(w http.ResponseWriter, v url.Values) { w.Header().Set("deadair-plan", "pro"); yes(w, v) })
		require.Equal(t, "pro", plan())
		require.Equal(t, "pro", plan(), "nor is it forgotten while the answer is fresh")
		time.Sleep(2 * time.Minute)
		a.say(status(500))
		require.Equal(t, "pro", plan(), "or while the service is out of order")
	})
}

func status(code int) func(http.ResponseWriter, url.Values) {
	return func(w http.ResponseWriter, _ url.Values) { w.WriteHeader(code) }
}

func hang(w http.ResponseWriter, _ url.Values) { time.Sleep(time.Minute) }

func hangUp(w http.ResponseWriter, _ url.Values) {
	conn, _, _ := w.(http.Hijacker).Hijack()
	conn.Close()
}

var anna = account.Request{User: "anna", Password: "secret", Mount: "/show", Client: "10.9.9.9", Agent: "BUTT"}

func TestServiceIsAskedInTheWordsOfIcecast(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		got, err := s.Check(t.Context(), anna)
		require.NoError(t, err)
		require.Equal(t, account.Grant{Account: "anna", Proof: got.Proof}, got)
		admin := anna
		admin.Admin, admin.Mount = true, "/other"
		_, err = s.Check(t.Context(), admin)
		require.NoError(t, err)
		require.Equal(t, []url.Values{
			{"action": {"stream_auth"}, "user": {"anna"}, "pass": {"secret"}, "mount": {"/show"}, "ip": {"10.9.9.9"}, "agent": {"BUTT"}},
			{"action": {"stream_auth"}, "user": {"anna"}, "pass": {"secret"}, "mount": {"/other"}, "ip": {"10.9.9.9"}, "agent": {"BUTT"}, "admin": {"1"}},
		}, a.asked)
		require.Equal(t, []string{"Basic dXNlcjp3b3Jk", "Basic dXNlcjp3b3Jk"}, a.auth)
		require.Empty(t, s.Mount("anna", 1))
	})
}

// TestServiceIsProbed: any answer shows that passwords can be proven, a no as well.
func TestServiceIsProbed(t *testing.T) {
	for name, c := range map[string]struct {
		says  func(http.ResponseWriter, url.Values)
		fails bool
	}{
		"no":           {status(401), false},
		"not here":     {status(403), false},
		"yes":          {yes, false},
		"nonsense":     {status(200), true},
		"out of order": {status(500), true},
		"hangs":        {hang, true},
		"hangs up":     {hangUp, true},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
				a.say(c.says)
				began := time.Now()
				err := s.Probe(t.Context())
				require.LessOrEqual(t, time.Since(began), time.Second)
				require.Equal(t, c.fails, err != nil)
				if c.fails {
					require.ErrorIs(t, err, account.ErrUnavailable)
				}
				require.Empty(t, a.first().Get("pass"))
				a.say(yes)
				time.Sleep(time.Minute)
				require.NoError(t, s.Probe(t.Context()))
			})
		})
	}
}

func TestServiceSaysNo(t *testing.T) {
	for name, c := range map[string]struct {
		says func(http.ResponseWriter, url.Values)
		want error
	}{
		"401":            {status(401), account.ErrWrong},
		"403":            {status(403), account.ErrMount},
		"field":          {func(w http.ResponseWriter, _ url.Values) { w.Header().Set("Icecast-Auth-User", "0") }, account.ErrWrong},
		"401 with field": {func(w http.ResponseWriter, v url.Values) { w.Header().Set("Icecast-Auth-User", "0"); challenge(w, v) }, account.ErrWrong},
	} {
		t.Run(name, func(t *testing.T) {
			serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
				_, err := s.Check(t.Context(), anna)
				require.NoError(t, err)
				time.Sleep(2 * time.Minute)
				a.say(c.says)
				_, err = s.Check(t.Context(), anna)
				require.ErrorIs(t, err, c.want, "a yes of before does not outweigh a no")
				a.say(hangUp)
				_, err = s.Check(t.Context(), anna)
				require.ErrorIs(t, err, account.ErrUnavailable, "and is forgotten")
			})
		})
	}
}

// challenge is how a service refuses who asks it.
func challenge(w http.ResponseWriter, _ url.Values) {
	w.Header().Set("WWW-Authenticate", `Basic realm="accounts"`)
	w.WriteHeader(http.StatusUnauthorized)
}

// outages are all the ways in which a service fails to say anything.
func outages() map[string]func(http.ResponseWriter, url.Values) {
	all := map[string]func(http.ResponseWriter, url.Values){"silent": hang, "hangs up": hangUp, "refuses who asks": challenge}
	for _, code := range []int{200, 204, 302, 400, 404, 429, 500, 502, 503} {
		all[fmt.Sprint(code)] = status(code)
	}
	return all
}

// An outage is never proof of anything: those who were known go on, others wait, and
// nobody's password is called wrong.
func TestOutageProvesNothing(t *testing.T) {
	for name, outage := range outages() {
		t.Run(name, func(t *testing.T) {
			serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
				proven, err := s.Check(t.Context(), anna)
				require.NoError(t, err)
				require.NotEmpty(t, proven.Proof)
				a.say(outage)
				time.Sleep(2 * time.Minute)
				bert := anna
				bert.User = "bert"
				for range 3 {
					began := time.Now()
					got, err := s.Check(t.Context(), anna)
					require.NoError(t, err)
					require.Equal(t, account.Grant{Account: "anna", Stale: true, Proof: proven.Proof}, got)
					_, err = s.Check(t.Context(), bert)
					require.ErrorIs(t, err, account.ErrUnavailable)
					require.NotErrorIs(t, err, account.ErrWrong)
					require.LessOrEqual(t, time.Since(began), time.Second, "one deadline, and then it is left alone")
				}
				guess := anna
				guess.Password = "guess"
				_, err = s.Check(t.Context(), guess)
				require.ErrorIs(t, err, account.ErrUnavailable, "another password was not proven")
				a.say(yes)
				time.Sleep(2 * time.Minute) // hangs of before have ended
				got, err := s.Check(t.Context(), anna)
				require.NoError(t, err)
				require.False(t, got.Stale)
				a.say(hangUp)
				time.Sleep(25 * time.Hour)
				_, err = s.Check(t.Context(), anna)
				require.ErrorIs(t, err, account.ErrUnavailable, "nothing is kept for ever")
				time.Sleep(time.Minute)
			})
		})
	}
}

// A service that stumbles over one user is asked about the others.
func TestServiceThatStumblesOverOneUser(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		a.say(func(w http.ResponseWriter, form url.Values) {
			if form.Get("user") == "stranger" {
				status(500)(w, form)
				return
			}
			yes(w, form)
		})
		for range 3 {
			stranger := anna
			stranger.User = "stranger"
			_, err := s.Check(t.Context(), stranger)
			require.ErrorIs(t, err, account.ErrUnavailable)
			_, err = s.Check(t.Context(), anna)
			require.NoError(t, err)
			require.NoError(t, s.Probe(t.Context()))
			time.Sleep(time.Hour)
		}
	})
}

// What one process proved another one knows again, and neither calls anything wrong.
func TestProofIsGoodElsewhere(t *testing.T) {
	var proof string
	serve(t, nil, func(t *testing.T, _ *authority, s *account.Service) {
		got, err := s.Check(t.Context(), anna)
		require.NoError(t, err)
		proof = got.Proof
	})
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		a.say(hangUp)
		_, err := s.Check(t.Context(), anna)
		require.ErrorIs(t, err, account.ErrUnavailable)
		guess := anna
		guess.Password = "guess"
		for name, bad := range map[string]struct {
			account.Request
			proof string
		}{"another password": {guess, proof}, "no proof": {anna, ""}, "garbage": {anna, "$pbkdf2-sha256$x"}} {
			_, err := s.Recall(t.Context(), bad.Request, bad.proof)
			require.ErrorIs(t, err, account.ErrUnavailable, name)
			require.NotErrorIs(t, err, account.ErrWrong, name)
		}
		title := anna
		title.Admin = true
		for _, r := range []account.Request{title, anna} {
			got, err := s.Recall(t.Context(), r, proof)
			require.NoError(t, err)
			require.Equal(t, account.Grant{Account: "anna", Stale: true, Proof: proof}, got)
		}
		got, err := s.Check(t.Context(), anna)
		require.NoError(t, err, "it is known from now on")
		require.True(t, got.Stale)
		a.say(status(401))
		time.Sleep(time.Minute)
		_, err = s.Check(t.Context(), anna)
		require.ErrorIs(t, err, account.ErrWrong, "and asked about as soon as that can be")
	})
}

func TestServiceIsAskedOnlyWhenNeeded(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		for range 100 {
			_, err := s.Check(t.Context(), anna)
			require.NoError(t, err)
		}
		require.Equal(t, 1, a.questions())
		title := anna
		title.Admin = true
		_, err := s.Check(t.Context(), title)
		require.NoError(t, err)
		require.Equal(t, 1, a.questions(), "who is on air may tell its titles")
		time.Sleep(time.Minute)
		_, err = s.Check(t.Context(), anna)
		require.NoError(t, err)
		require.Equal(t, 2, a.questions())
		a.say(hangUp)
		time.Sleep(time.Minute)
		before := a.questions()
		for range 100 {
			_, err = s.Check(t.Context(), anna)
			require.NoError(t, err)
		}
		require.Equal(t, before+1, a.questions(), "it is left alone for a while")
	})
}

func TestCacheIsBounded(t *testing.T) {
	serve(t, func(c *account.ServiceConfig) { c.Cache = 10 }, func(t *testing.T, a *authority, s *account.Service) {
		check := func(i int) error {
			r := anna
			r.User = fmt.Sprint("user-", i)
			_, err := s.Check(t.Context(), r)
			return err
		}
		for i := range 50 {
			require.NoError(t, check(i))
			require.NoError(t, check(0), "it is in use")
		}
		a.say(hangUp)
		time.Sleep(2 * time.Minute)
		require.NoError(t, check(0))
		require.NoError(t, check(49))
		require.ErrorIs(t, check(39), account.ErrUnavailable)
	})
}

// TestServiceInheritsWhatFits of what another one remembers, the latest; the password at
// the URL may be another one.
func TestServiceInheritsWhatFits(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, before *account.Service) {
		ask := func(s *account.Service, user string) error {
			r := anna
			r.User = user
			_, err := s.Check(t.Context(), r)
			return err
		}
		require.NoError(t, ask(before, "first"))
		require.NoError(t, ask(before, "last"))
		a.say(hangUp)
		time.Sleep(2 * time.Minute)
		cfg := account.ServiceConfig{URL: "http://user:changed@" + serviceIP + ":80/auth", Cache: 1}.WithDefaults()
		s, err := account.NewService(cfg, a.net.Env("balancer", "10.0.0.1", nil).DialContext, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		s.Inherit(before)
		require.NoError(t, ask(s, "last"))
		require.ErrorIs(t, ask(s, "first"), account.ErrUnavailable)
		s.Close()
	})
}

func TestQuestionsAtOnceAreBounded(t *testing.T) {
	serve(t, func(c *account.ServiceConfig) { c.Calls = 2 }, func(t *testing.T, a *authority, s *account.Service) {
		a.say(func(w http.ResponseWriter, _ url.Values) { time.Sleep(900 * time.Millisecond); yes(w, nil) })
		results := make(chan error, 6)
		for i := range 6 {
			r := anna
			r.User = fmt.Sprint("user-", i)
			go func() {
				_, err := s.Check(t.Context(), r)
				results <- err
			}()
		}
		bad := 0
		for range 6 {
			if err := <-results; err != nil {
				require.ErrorContains(t, err, "too many questions")
				require.ErrorIs(t, err, account.ErrUnavailable)
				bad++
			}
		}
		require.Equal(t, 2, bad, "the others had their turn within the deadline")
		_, err := s.Check(t.Context(), anna)
		require.NoError(t, err, "to be busy is no fault of the service")
	})
}

// A client that gives up says nothing about the service.
func TestHasteIsNotTheServicesFault(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		a.say(hang)
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := s.Check(hasty, anna)
		require.ErrorIs(t, err, account.ErrUnavailable)
		a.say(yes)
		_, err = s.Check(t.Context(), anna)
		require.NoError(t, err, "it was not left alone")
		time.Sleep(time.Minute)
	})
}

// Who waits for as long as the service may take, and not longer, has given it its time:
// the balancer's own probe does.
func TestPatienceOfOneDeadlineIsEnough(t *testing.T) {
	for range 20 { // the two deadlines pass at one instant: which of them is seen first is luck
		serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
			a.say(hang)
			patient, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, s.Probe(patient), account.ErrUnavailable)
			asked := a.questions()
			_, err := s.Check(t.Context(), anna)
			require.ErrorIs(t, err, account.ErrUnavailable)
			require.Equal(t, asked, a.questions(), "the service is left alone")
			time.Sleep(time.Minute)
		})
	}
}

// A connection that died without a word costs one deadline, not one for each that
// was kept.
func TestDeadConnectionsAreNotUsedAgain(t *testing.T) {
	serve(t, nil, func(t *testing.T, a *authority, s *account.Service) {
		var both sync.WaitGroup
		a.say(func(w http.ResponseWriter, _ url.Values) { time.Sleep(100 * time.Millisecond); yes(w, nil) })
		for i := range 8 {
			both.Go(func() {
				r := anna
				r.User = fmt.Sprint("user-", i)
				s.Check(t.Context(), r)
			})
		}
		both.Wait()
		a.net.Mute("10.0.0.1", serviceIP)
		_, err := s.Check(t.Context(), anna)
		require.ErrorIs(t, err, account.ErrUnavailable)
		time.Sleep(time.Second)
		_, err = s.Check(t.Context(), anna)
		require.NoError(t, err)
	})
}

func TestServiceConfigThatMakesNoSense(t *testing.T) {
	for says, c := range map[string]account.ServiceConfig{
		"auth: url must be":        {URL: "ftp://x"},
		"auth: url must be like":   {URL: "10.0.0.1:80"},
		"auth: deadline is negati": {URL: "http://x", Deadline: -1},
	} {
		require.ErrorContains(t, c.Validate(), says)
	}
	require.NoError(t, account.ServiceConfig{}.WithDefaults().Validate())
	_, err := account.NewService(account.ServiceConfig{URL: "http://x\x00"}, func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }, nil)
	require.Error(t, err)
}
