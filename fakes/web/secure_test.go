package web_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/fakes/audience"
	"deadair/fakes/web"
)

// met tells how a server with a floor meets whoever speaks in each way; raised is the
// floor that operators ask for before.
func met(t *testing.T, floor, raised string) map[string]audience.Class {
	all := map[string]audience.Class{}
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		e := n.Env("web-1", host, nil)
		s, err := web.New(web.Config{Pool: "website", Floor: floor}, e)
		require.NoError(t, err)
		if raised != "" {
			require.NoError(t, s.Raise(raised))
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Serve(ctx) }()
		synctest.Wait()
		for _, how := range []string{"ssl3", "1.0", "1.1", "1.2", "1.3"} {
			v, err := audience.NewVisitor(audience.VisitorConfig{
				Ways: audience.Ways{
					Resolve: func(context.Context, string) ([]netip.Addr, error) {
						return []netip.Addr{netip.MustParseAddr(host)}, nil
					},
					Dial: n.Env("asker", "10.0.0.2", nil).DialContext,
				},
				Asks: []audience.Ask{{Site: "www.test", Port: 443, Path: "/", How: how}}, Every: time.Minute, Duration: time.Second, Patience: time.Second,
				Observe: func(r audience.Request) { all[how] = r.Class },
			})
			require.NoError(t, err)
			v.Run(t.Context())
		}
		stop()
		require.NoError(t, <-ended)
		time.Sleep(time.Second)
	})
	return all
}

func TestFloors(t *testing.T) {
	const yes, no = audience.OK, audience.Declined
	require.Equal(t, map[string]audience.Class{"ssl3": yes, "1.0": yes, "1.1": yes, "1.2": yes, "1.3": yes}, met(t, "ssl3", ""))
	require.Equal(t, map[string]audience.Class{"ssl3": no, "1.0": yes, "1.1": yes, "1.2": yes, "1.3": yes}, met(t, "ssl3", "1.0"))
	require.Equal(t, map[string]audience.Class{"ssl3": no, "1.0": no, "1.1": no, "1.2": yes, "1.3": yes}, met(t, "1.2", ""))
}

func TestFloorsThatCannotBe(t *testing.T) {
	_, err := web.New(web.Config{Pool: "website", Floor: "2.0"}, new(envtest.Net).Env("web-1", host, nil))
	require.ErrorContains(t, err, `floor "2.0"`)
	serve(t, "website", func(t *testing.T, do func(string, string, string) (int, string)) {
		status, said := do("POST", ":8002/floor", `{"floor": "1.2"}`)
		require.Equal(t, 400, status)
		require.Contains(t, said, "a server that speaks TLS")
	})
}
