package accounts_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/account"
	"deadair/balancer/env/envtest"
	"deadair/fakes/accounts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "10.0.4.1"

// serve runs a test in virtual time while the service answers.
func serve(t *testing.T, f func(t *testing.T, n *envtest.Net)) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		e := n.Env("accounts", host, nil)
		var err error
		e.Config, err = json.Marshal(accounts.Config{Passwords: map[string]string{"anna": "secret", "carl": "hush"}, Plans: map[string]string{"anna": "pro", "bert": "pro"}, Admin: ":8002"})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- accounts.Serve(ctx, e) }()
		synctest.Wait()
		f(t, n)
		stop()
		require.NoError(t, <-ended)
		time.Sleep(time.Second) // net/http's connections linger after an answer that closes them
	})
}

func TestBalancersUnderstandIt(t *testing.T) {
	serve(t, func(t *testing.T, n *envtest.Net) {
		cfg := account.ServiceConfig{URL: "http://" + host + accounts.Addr + accounts.Path}.WithDefaults()
		s, err := account.NewService(cfg, n.Env("balancer", "10.0.0.1", nil).DialContext, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer s.Close()
		got, err := s.Check(t.Context(), account.Request{User: "anna", Password: "secret", Mount: "/show"})
		require.NoError(t, err)
		require.Equal(t, "anna", got.Account)
		require.Equal(t, "pro", got.Plan)
		got, err = s.Check(t.Context(), account.Request{User: "carl", Password: "hush", Mount: "/show"})
		require.NoError(t, err)
		require.Empty(t, got.Plan)
		for _, wrong := range []account.Request{{User: "anna", Password: "guess"}, {User: "bert", Password: "secret"}, {User: "bert"}} {
			_, err = s.Check(t.Context(), wrong)
			require.ErrorIs(t, err, account.ErrWrong)
		}
	})
}

// What is no question proves nothing.
func TestOddQuestions(t *testing.T) {
	serve(t, func(t *testing.T, n *envtest.Net) {
		client := &http.Client{Transport: &http.Transport{DialContext: n.Env("asker", "10.0.0.2", nil).DialContext, DisableKeepAlives: true}}
		ask := func(url, form string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(form))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			answer, err := client.Do(r)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			return answer
		}
		for _, form := range []string{"", "user=anna&pass=secret", "action=listener_add&user=anna&pass=secret", "%zz", "action=stream_auth&user=" + strings.Repeat("x", 20<<10)} {
			answer := ask("http://"+host+accounts.Addr+accounts.Path, form)
			require.Equal(t, http.StatusBadRequest, answer.StatusCode)
			require.Empty(t, answer.Header.Values("Icecast-Auth-User"))
		}
		right := url.Values{"action": {"stream_auth"}, "user": {"anna"}, "pass": {"secret"}}.Encode()
		require.Equal(t, http.StatusNotFound, ask("http://"+host+accounts.Addr+"/other", right).StatusCode)
		health, err := client.Get("http://" + host + ":8002/health")
		require.NoError(t, err)
		require.NoError(t, health.Body.Close())
		require.Equal(t, http.StatusOK, health.StatusCode)
	})
}

func TestConfigMustBeOne(t *testing.T) {
	e := new(envtest.Net).Env("accounts", host, nil)
	e.Config = []byte("{")
	require.ErrorContains(t, accounts.Serve(t.Context(), e), "configure account service")
}
