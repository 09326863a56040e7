package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
)

func holds(session string, epoch int, live, guessed bool) string {
	return answer(200, fmt.Sprintf(`{"mount":"/a show","session":%q,"account":"anna","epoch":%d,"live":%t,"guessed":%t,"until":"2000-01-01T00:05:00Z"}`,
		session, epoch, live, guessed))
}

var nothing = answer(404, "")

// ask starts a recorder for each answer and asks them all. An answer of "silent"
// is a host that does not answer, "refuse" one that is not there.
func ask(t *testing.T, answers ...string) (best fleet.Holder, ok bool, took time.Duration) {
	n := new(envtest.Net)
	var recorders []fleet.Recorder
	for i, text := range answers {
		ip := fmt.Sprintf("10.0.1.%d", i+1)
		recorders = append(recorders, fleet.Recorder{Name: fmt.Sprintf("recorder-%d", i+1), Addr: ip + ":8000"})
		switch text {
		case "silent":
			n.Set(ip, envtest.Silent)
		case "refuse":
		default:
			r := &responder{answer: func(target string) string {
				require.Equal(t, "/sessions?mount=%2Fa+show", target)
				return text
			}}
			r.serve(t, n, ip)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	best, ok = fleet.Ask(ctx, n.Env("balancer", balancerIP, nil).DialContext, recorders, "/a show")
	return best, ok, time.Since(start)
}

func TestAskFindsTheBestHolder(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		best    string // session
	}{
		"nobody":                      {[]string{nothing, nothing}, ""},
		"none there":                  {[]string{"refuse", "silent"}, ""},
		"one":                         {[]string{nothing, holds("s2", 7, false, false), nothing}, "s2"},
		"live before higher epoch":    {[]string{holds("s1", 9, false, false), holds("s2", 1, true, false)}, "s2"},
		"live guess before old known": {[]string{holds("s1", 9, false, false), holds("s2", 1, true, true)}, "s2"},
		"known before guess":          {[]string{holds("s1", 9, true, true), holds("s2", 2, true, false)}, "s2"},
		"higher epoch":                {[]string{holds("s1", 2, false, false), holds("s2", 3, false, false)}, "s2"},
		"nearest of equals":           {[]string{nothing, holds("s2", 3, false, false), holds("s3", 3, false, false)}, "s2"},
		"nonsense does not count":     {[]string{answer(200, "{}"), answer(500, ""), "HTTP/9\r\n\r\n", holds("s4", 1, false, true)}, "s4"},
		"another mount":               {[]string{answer(200, `{"mount":"/b","session":"s1"}`)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				best, ok, took := ask(t, c.answers...)
				require.LessOrEqual(t, took, 500*time.Millisecond)
				require.Equal(t, c.best != "", ok)
				require.Equal(t, c.best, best.Session)
				if ok {
					require.Equal(t, "anna", best.Account)
					require.Equal(t, "recorder-"+c.best[1:], best.Recorder.Name)
				}
			})
		})
	}
}

// The clocks of a balancer and of a recorder may be minutes apart.
func TestAHolderTellsHowLongItWaitsAndNotUntilWhen(t *testing.T) {
	now := time.Date(2014, 10, 2, 10, 0, 0, 0, time.UTC)
	left := func(ms int64) *int64 { return &ms }
	for name, c := range map[string]struct {
		h    fleet.Holder
		open bool
	}{
		"live":                       {fleet.Holder{Live: true, LeftMS: left(0), Until: now.Add(-time.Hour)}, true},
		"waits, its clock is behind": {fleet.Holder{LeftMS: left(30_000), Until: now.Add(-time.Minute)}, true},
		"over, its clock is ahead":   {fleet.Holder{LeftMS: left(0), Until: now.Add(time.Minute)}, false},
		"of an older version, waits": {fleet.Holder{Until: now.Add(time.Second)}, true},
		"of an older version, over":  {fleet.Holder{Until: now.Add(-time.Second)}, false},
	} {
		require.Equal(t, c.open, c.h.Open(now), name)
	}
	h, ok, _ := ask(t, answer(200, `{"mount":"/a show","session":"s","account":"anna","epoch":1,"live":false,"until":"2000-01-01T00:05:00Z","left_ms":1500}`))
	require.True(t, ok)
	require.EqualValues(t, 1500, *h.LeftMS)
}

func TestATitleThatJSONMakesLongIsStillAnAnswer(t *testing.T) {
	text, err := json.Marshal(fleet.Holder{Mount: "/a show", Session: "s", Account: "anna", Epoch: 1, Live: true, Title: strings.Repeat("<", 1<<10)})
	require.NoError(t, err)
	h, ok, _ := ask(t, answer(200, string(text)))
	require.True(t, ok)
	require.Len(t, h.Title, 1<<10)
}

func TestAskDoesNotWaitWhenSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		best, ok, took := ask(t, "silent", holds("s2", 7, true, false), "silent")
		require.True(t, ok)
		require.Equal(t, "s2", best.Session)
		require.Zero(t, took)
	})
}

func TestAskPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		var peers []fleet.Peer
		for i, text := range []string{
			answer(200, `{"status":"ok","redis":"ok","recorders":"ok","age_ms":1500}`),
			answer(503, `{"status":"failing","redis":"timeout","recorders":"full","age_ms":2}`),
			answer(200, "OK"),
			"",
		} {
			ip := fmt.Sprintf("10.0.2.%d", i+1)
			peers = append(peers, fleet.Peer{Name: fmt.Sprint(i), Addr: ip + ":8000"})
			r := &responder{answer: func(string) string { return text }}
			r.serve(t, n, ip)
		}
		peers = append(peers, fleet.Peer{Name: "absent", Addr: "10.0.2.99:8000"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := fleet.AskPeers(ctx, n.Env("balancer", balancerIP, nil).DialContext, peers)
		require.Equal(t, []fleet.PeerHealth{
			{Peer: peers[0], Redis: "ok", Recorders: "ok", Age: 1500 * time.Millisecond},
			{Peer: peers[1], Redis: "timeout", Recorders: "full", Age: 2 * time.Millisecond},
		}, got)
	})
}
