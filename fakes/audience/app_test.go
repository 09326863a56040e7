package audience_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/fakes/audience"
)

const begun = "HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{\"ingest\":\"there:8000\"}"

// call runs part of an app's life and returns what it told.
func call(t *testing.T, s *street, f func(ctx context.Context, a *audience.App)) []audience.Request {
	t.Helper()
	ask := func(method string) audience.Ask {
		return audience.Ask{Method: method, Site: "api.deadair.test", Port: 80, Path: "/v1/shows/rome"}
	}
	a, err := audience.NewApp(audience.AppConfig{
		Ways:  audience.Ways{Resolve: s.resolve, Dial: s.net.Env("phone", visitor, nil).DialContext},
		Begin: ask(http.MethodPost), News: ask(""), End: ask(http.MethodDelete),
		Every: 10 * time.Second, Retry: 2 * time.Second, Begins: 4, Ends: 2, Patience: 10 * time.Second, Quiet: 25 * time.Second, Observe: s.observe,
	})
	require.NoError(t, err)
	f(t.Context(), a)
	return s.told
}

// apiStreet is a street on which the first server begins shows and the second is sick.
func apiStreet(t *testing.T) *street {
	s := &street{net: new(envtest.Net), hosts: []string{good}}
	s.answers(t, good, begun)
	s.answers(t, bad, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick")
	return s
}

// classes lists how requests went.
func classes(told []audience.Request) []string {
	var all []string
	for _, r := range told {
		all = append(all, fmt.Sprintf("%s %s ×%d", r.Method, r.Class, r.Count))
	}
	return all
}

func TestAppLivesThroughAShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := call(t, apiStreet(t), func(ctx context.Context, a *audience.App) {
			ingest, last := a.Begin(ctx)
			require.Equal(t, "there:8000", ingest)
			require.Equal(t, audience.OK, last.Class)
			show, stop := context.WithTimeout(ctx, 59*time.Second)
			defer stop()
			a.Run(show)
			a.End(ctx)
		})
		require.Equal(t, []string{"POST ok ×1", " ok ×4", " ok ×2", "DELETE ok ×1"}, classes(told))
	})
}

// TestAppTriesAgain as long as it has patience, and where the name leads then.
func TestAppTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := apiStreet(t)
		s.hosts = []string{bad}
		began := time.Now()
		told := call(t, s, func(ctx context.Context, a *audience.App) {
			time.AfterFunc(3*time.Second, func() { s.mu.Lock(); s.hosts = []string{good}; s.mu.Unlock() })
			ingest, _ := a.Begin(ctx)
			require.Equal(t, "there:8000", ingest)
			require.Equal(t, 4*time.Second, time.Since(began))
		})
		require.Equal(t, []string{"POST answered ×1", "POST answered ×1", "POST ok ×1"}, classes(told))
	})
}

func TestAppGivesUp(t *testing.T) {
	for name, words := range map[string]string{"sick": "", "nonsense": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := apiStreet(t)
				s.hosts = []string{bad}
				if words != "" {
					s.own(t, words)
				}
				told := call(t, s, func(ctx context.Context, a *audience.App) {
					ingest, last := a.Begin(ctx)
					require.Empty(t, ingest)
					require.NotEqual(t, audience.OK, last.Class)
					if words == "" {
						require.Equal(t, 503, last.Status)
						a.End(ctx)
					}
				})
				require.Len(t, told, map[string]int{"sick": 4 + 2, "nonsense": 4}[name])
			})
		})
	}
}

// TestAppIsInterrupted: what came of a request that its show's end cut short is not known.
func TestAppIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &street{net: new(envtest.Net), hosts: []string{good}}
		s.answers(t, good, "")
		told := call(t, s, func(ctx context.Context, a *audience.App) {
			show, stop := context.WithCancel(ctx)
			time.AfterFunc(time.Second, stop)
			ingest, _ := a.Begin(show)
			require.Empty(t, ingest)
			a.Run(show)
			a.End(show)
		})
		require.Empty(t, told)
	})
}

// TestNobodyElseTellsThatAShowEnds: its context has a deadline, and a dialer that is given
// one may say that it is over before the context does. That was no failure of the server's.
func TestNobodyElseTellsThatAShowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := apiStreet(t)
		a, err := audience.NewApp(audience.AppConfig{
			Ways: audience.Ways{Resolve: s.resolve, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				over, _ := ctx.Deadline()
				time.Sleep(time.Until(over) - time.Nanosecond)
				return nil, os.ErrDeadlineExceeded
			}},
			Every: 10 * time.Second, Retry: time.Second, Begins: 4, Ends: 2, Patience: 30 * time.Second, Observe: s.observe,
		})
		require.NoError(t, err)
		show, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		ingest, _ := a.Begin(show)
		require.Empty(t, ingest)
		again, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		a.Run(again)
		require.Empty(t, s.told)
	})
}

// TestPatienceIsForAllAddresses: what a silent one used up is not blamed on the next.
func TestPatienceIsForAllAddresses(t *testing.T) {
	told := visit(t, func(c *audience.VisitorConfig) {
		c.Duration, c.Patience = time.Minute, 20*time.Second
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}, func(_ *testing.T, s *street) { s.hosts = []string{good, bad} })
	require.NotEmpty(t, told)
	for _, r := range told {
		require.Equal(t, []string{good, string(audience.Timeout)}, []string{r.Peer.String(), string(r.Class)})
	}
}

func TestAppConfigIsChecked(t *testing.T) {
	right := func() audience.AppConfig {
		return audience.AppConfig{
			Ways:  audience.Ways{Resolve: new(street).resolve, Dial: (&net.Dialer{}).DialContext},
			Every: 1, Retry: 1, Patience: 1, Begins: 1, Ends: 1,
		}
	}
	_, err := audience.NewApp(right())
	require.NoError(t, err)
	for want, change := range map[string]func(*audience.AppConfig){
		"Resolve and Dial":     func(c *audience.AppConfig) { c.Resolve = nil },
		"must be positive":     func(c *audience.AppConfig) { c.Begins = 0 },
		"nobody knows the way": func(c *audience.AppConfig) { c.News.How = "2.0" },
		"must not be negative": func(c *audience.AppConfig) { c.Phase = -1 },
	} {
		cfg := right()
		change(&cfg)
		_, err := audience.NewApp(cfg)
		require.ErrorContains(t, err, want)
	}
}
