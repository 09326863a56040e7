package balancer_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/fleet"
)

// generations makes two of the rig's recorders old ones and two new ones.
func generations(c *balancer.Config) {
	for i := range c.Recorders {
		c.Recorders[i].Generation = []string{"old", "new"}[i%2] // the new ones are eu/recorder-2 and us/recorder-1
	}
}

// rollOut has an operator send a rollout, and returns what is answered.
func (r *rig) rollOut(body string) (int, string) {
	transport := &http.Transport{DialContext: r.net.Env("operator", "10.0.8.1", nil).DialContext, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+balancerIP+":8002/rollout", strings.NewReader(body))
	require.NoError(r.t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(said)
}

func TestChoosePrefersTheGeneration(t *testing.T) {
	view := []fleet.Status{}
	for _, r := range []fleet.Recorder{
		{Name: "eu/1", Datacenter: "eu", Generation: "old"}, {Name: "eu/2", Datacenter: "eu", Generation: "old"},
		{Name: "us/1", Datacenter: "us", Generation: "new"}, {Name: "us/2", Datacenter: "us"},
	} {
		view = append(view, fleet.Status{Recorder: r, State: fleet.Up, Capacity: 10})
	}
	first := func(c balancer.Choice) []string {
		c.Mount, c.View, c.Near = "/show", view, []string{"eu", "us"}
		var names []string
		for _, r := range balancer.Choose(c) {
			names = append(names, r.Name)
		}
		require.Len(t, names, len(view), "nobody is left out, nobody named twice")
		return names
	}
	require.Equal(t, "us/1", first(balancer.Choice{Generation: "new"})[0], "it counts more than nearness")
	require.ElementsMatch(t, []string{"eu/1", "eu/2"}, first(balancer.Choice{Generation: "old"})[:2])
	require.ElementsMatch(t, []string{"eu/1", "eu/2"}, first(balancer.Choice{})[:2], "without one nearness counts")
	require.Equal(t, []string{"eu/2", "us/1"}, first(balancer.Choice{Generation: "new", Sticky: "eu/2"})[:2], "a show that comes back stays")
}

// TestRollout leads cohorts to a generation, changes that while shows are on air, and back.
func TestRollout(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) {
		generations(c)
		c.Rollout = balancer.Rollout{OwnApps: []string{"Ours/"}, Routes: []balancer.Route{{To: "old"}}}
	}, func(t *testing.T, r *rig) {
		n := 0
		begin := func(agent string) string {
			n++
			mount := fmt.Sprintf("/show-%d", n)
			c := r.ask(strings.Replace(put(mount, "anna", "secret"), "Lavf/59", agent, 1))
			require.Equal(t, 200, c.code, c.body)
			synctest.Wait()
			return r.holding(mount).name
		}
		old := []string{"eu/recorder-1", "eu/recorder-3"}
		require.Contains(t, old, begin("Lavf/59"))
		require.Contains(t, old, begin("Ours/1.0"))

		code, said := r.rollOut(`{"routes":[{"apps":"third-party","to":"new"},{"to":"old"}]}`)
		require.Equal(t, 200, code, said)
		require.JSONEq(t, `{"own-apps":["Ours/"],"routes":[{"apps":"third-party","to":"new"},{"to":"old"}]}`, said)
		require.Equal(t, "eu/recorder-2", begin("Lavf/59"))
		require.Contains(t, old, begin("Ours/1.0"))
		require.Contains(t, old, r.holding("/show-1").name, "a show on air is not moved")
		r.ask(put("/show-1", "anna", "secret"))
		synctest.Wait()
		require.Contains(t, old, r.holding("/show-1").name, "nor one that comes back")
		_, now := r.adminGet("GET", "/rollout")
		require.Equal(t, said, now)

		require.NoError(t, r.balancer.Reload(r.balancer.Config()))
		require.Contains(t, old, begin("Lavf/59"), "the configuration counts again")
	})
}

// TestRolloutByPlan: what the account service, or the list, tells of an account leads its shows.
func TestRolloutByPlan(t *testing.T) {
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	var lines string
	for user, a := range map[string][2]string{"anna": {"secret", "pro"}, "bert": {"geheim", "free"}} {
		hash, err := account.Hash(a[0])
		require.NoError(t, err)
		lines += fmt.Sprintf("%s: {password: %q, plan: %s}\n", user, hash, a[1])
	}
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))
	play(t, func(c *balancer.Config, _ *balancer.Parts) {
		generations(c)
		c.Accounts, c.AccountsFile = nil, file
		c.Rollout.Routes = []balancer.Route{{Plan: "pro", To: "new"}, {To: "old"}}
	}, func(t *testing.T, r *rig) {
		for user, c := range map[string]struct{ password, generation string }{"anna": {"secret", "new"}, "bert": {"geheim", "old"}} {
			require.Equal(t, 200, r.ask(put("/"+user, user, c.password)).code)
			synctest.Wait()
			require.Equal(t, c.generation == "new", r.holding("/"+user).name == "eu/recorder-2", user)
		}
	})
}

// TestRolloutWithNobodyLeft: a show goes to another generation rather than nowhere.
func TestRolloutWithNobodyLeft(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) {
		generations(c)
		c.Rollout.Routes = []balancer.Route{{To: "new"}}
	}, func(t *testing.T, r *rig) {
		r.recorder("eu/recorder-2").set("full")
		_, rec := r.live("/show")
		require.Equal(t, "us/recorder-1", rec.name, "far away, of its generation")
		r.recorder("us/recorder-1").set("full")
		_, rec = r.live("/other")
		require.Contains(t, []string{"eu/recorder-1", "eu/recorder-3"}, rec.name)
	})
}

func TestRolloutIsChecked(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { generations(c) }, func(t *testing.T, r *rig) {
		for body, want := range map[string]string{
			`{"routes":[{"to":"newest"}]}`:              `no recorder is of the generation "newest"`,
			`{"routes":[{"plan":"pro"}]}`:               `no recorder is of the generation ""`,
			`{"routes":[{"apps":"theirs","to":"new"}]}`: `apps are own or third-party, not "theirs"`,
			`{"routes":[{"app":"own","to":"new"}]}`:     `unknown field "app"`,
			`{"own-apps":[""],"routes":[{"to":"new"}]}`: "every User-Agent begins with nothing",
			`{`: "",
			`{"routes":"` + strings.Repeat("x", 70_000):                 "too large",
			`{"routes":[` + strings.Repeat(`{"to":"new"},`, 101) + `]}`: "101 routes are more than 100",
		} {
			code, said := r.rollOut(body)
			require.Equal(t, 400, code, body[:min(len(body), 40)])
			require.Contains(t, said, want)
		}
		cfg := r.balancer.Config()
		cfg.Rollout.Routes = []balancer.Route{{To: "newest"}}
		require.ErrorContains(t, r.balancer.Reload(cfg), "no recorder is of the generation")
		_, now := r.adminGet("GET", "/rollout")
		require.JSONEq(t, `{"own-apps":null,"routes":null}`, now, "nothing was taken")
		time.Sleep(time.Second) // net/http's connections linger after an answer that closes them
	})
}
