package balancer_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

func TestSourceGoesOnAir(t *testing.T) {
	for name, c := range map[string]struct{ request, answer string }{
		"put with expect": {put("/show", "anna", "secret"), "HTTP/1.1 100\nHTTP/1.0 200\n"},
		"source":          {source("/show", "anna", "secret"), "HTTP/1.0 200\n"},
		"bare lf":         {strings.ReplaceAll(source("/show", "anna", "secret"), "\r\n", "\n"), "HTTP/1.0 200\n"},
		"ice":             {strings.Replace(source("/show", "anna", "secret"), "HTTP/1.0", "ICE/1.0", 1), "HTTP/1.0 200\n"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				client := r.ask(c.request)
				require.Equal(t, c.answer, client.all)
				io.WriteString(client, "frames")
				synctest.Wait()
				rec := r.holding("/show")
				require.NotNil(t, rec)
				show, row := rec.show("/show"), r.store.row("/show")
				require.Equal(t, "frames", show.body)
				require.Equal(t, "anna", show.account)
				require.EqualValues(t, 1, show.epoch)
				require.Equal(t, row.ID, show.id)
				require.Equal(t, rec.name, row.Recorder)
				require.Equal(t, "eu", row.Datacenter)
				require.Equal(t, "eu", rec.name[:2], "the nearest datacenter")
				require.Equal(t, 1, r.balancer.Sources())
			})
		})
	}
}

func TestRecorderGetsTheShowsFieldsAndNoForgedOnes(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		mount := "/" + strings.Repeat("m", 250)
		request := strings.Replace(put(mount, "anna", "secret"), "\r\n\r\n",
			"\r\nDeadair-Session: forged\r\nDeadair-Epoch: 99\r\nX-Other: x\r\nIce-Description: \r\n\r\n", 1)
		longest := strings.Repeat("d", icecast.MaxHead-len(request)) // with our fields it is too long for the recorder
		r.ask(strings.Replace(request, "Ice-Description: ", "Ice-Description: "+longest, 1))
		synctest.Wait()
		require.NotNil(t, r.holding(mount))
		header := r.holding(mount).show(mount).header
		require.Equal(t, []string{"1"}, header.Values("Deadair-Epoch"))
		require.Equal(t, []string{r.store.row(mount).ID}, header.Values("Deadair-Session"))
		require.Equal(t, "Night Show", header.Get("Ice-Name"))
		require.Equal(t, "audio/mpeg", header.Get("Content-Type"))
		require.Equal(t, "Lavf/59", header.Get("User-Agent"))
		require.Equal(t, mount, header.Get("Deadair-Mount"))
		require.False(t, header.Has("X-Other"))
		require.False(t, header.Has("Authorization"), "the password stays here")
	})
}

func TestBodyGluedToTheHeadIsKept(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c := r.ask(source("/show", "anna", "secret") + "glued ")
		io.WriteString(c, "and sent")
		synctest.Wait()
		require.Equal(t, "glued and sent", r.heard(r.holding("/show"), "/show"))
	})
}

func TestChunkedBodyIsStripped(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		request := strings.Replace(put("/show", "anna", "secret"), "Expect:", "Transfer-Encoding: chunked\r\nExpect:", 1)
		c := r.ask(request + "6\r\nframes\r\n")
		io.WriteString(c, "5\r\n more\r\n")
		require.Equal(t, "frames more", r.heard(r.holding("/show"), "/show"))
	})
}

func TestBodyThatIsNotChunkedEndsTheShow(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		request := strings.Replace(put("/show", "anna", "secret"), "Expect:", "Transfer-Encoding: chunked\r\nExpect:", 1)
		other, rec := r.live("/other")
		c := r.ask(request + "6\r\nframes\r\n")
		io.WriteString(c, "zzz\r\n")
		require.True(t, isReset(c.gone()))
		synctest.Wait()
		require.Nil(t, r.holding("/show"))
		_, body := r.adminGet("GET", "/metrics")
		require.Contains(t, body, `balancer_shows_ended_total{why="source-malformed"} 1`)
		io.WriteString(other, "undisturbed")
		require.Equal(t, "undisturbed", r.heard(rec, "/other"))
	})
}

func TestReconnectGoesBackToItsRecorder(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		owner := r.recorders[3] // not what the hash would choose: another datacenter
		for _, rec := range r.recorders[:3] {
			rec.set("full")
		}
		time.Sleep(3 * time.Second)
		c, rec := r.live("/show")
		require.Equal(t, owner, rec)
		first := rec.show("/show")
		for _, rec := range r.recorders[:3] {
			rec.set("")
		}
		time.Sleep(3 * time.Second)
		io.WriteString(c, "one ")
		c.Close()
		time.Sleep(10 * time.Second)
		c, rec = r.live("/show")
		io.WriteString(c, "two")
		require.Equal(t, "one two", r.heard(owner, "/show"))
		require.Equal(t, owner, rec)
		require.Equal(t, first.id, rec.show("/show").id)
		require.EqualValues(t, 2, rec.show("/show").epoch)
	})
}

func TestLaterConnectionTakesOver(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		ghost, rec := r.live("/show")
		io.WriteString(ghost, "ghost ")
		synctest.Wait()
		c, same := r.live("/show")
		require.Equal(t, rec, same)
		require.True(t, isReset(ghost.gone()))
		io.WriteString(c, "alive")
		require.Equal(t, "ghost alive", r.heard(rec, "/show"))
		synctest.Wait()
		require.Equal(t, 1, r.balancer.Sources())
	})
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		code    int
		body    string
	}{
		"poke":                 {"SOURCE /show HTTP/1.0\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", 401, "You need to authenticate"},
		"put without password": {"PUT /show HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", 401, "You need to authenticate"},
		"wrong password":       {put("/show", "anna", "geheim"), 401, "You need to authenticate"},
		"nobody":               {put("/show", "nobody", ""), 401, "You need to authenticate"},
		"empty password":       {put("/show", "anna", ""), 401, "You need to authenticate"},
		"broken basic":         {"SOURCE /show HTTP/1.0\r\nAuthorization: Basic !!!\r\n\r\n", 401, "You need to authenticate"},
		"other scheme":         {"SOURCE /show HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n", 401, "You need to authenticate"},
		"root":                 {source("/", "anna", "secret"), 403, "Mountpoint invalid: "},
		"dots":                 {source("/../../etc/passwd", "anna", "secret"), 403, "Mountpoint invalid: "},
		"encoded dots":         {source("/%2e%2e/x", "anna", "secret"), 403, "Mountpoint invalid: "},
		"control character":    {source("/a%00b", "anna", "secret"), 403, "Mountpoint invalid: "},
		"line end":             {source("/a%0d%0aDeadair-Epoch:%209", "anna", "secret"), 403, "Mountpoint invalid: "},
		"not utf-8":            {source("/%ff", "anna", "secret"), 403, "Mountpoint invalid: "},
		"long":                 {source("/"+strings.Repeat("x", 300), "anna", "secret"), 403, "Mountpoint invalid: "},
		"no slash":             {source("show", "anna", "secret"), 403, "Mountpoint invalid: "},
		"spaces around":        {source("/show%20", "anna", "secret"), 403, "Mountpoint invalid: "},
		"garbage":              {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "not a request"},
		"words":                {"hello there\r\n\r\n", 400, "not a request"},
		"shoutcast password":   {"secret\r\nicy-name: x\r\n\r\n", 400, "not a request"},
		"oversized":            {"PUT /show HTTP/1.1\r\nX: " + strings.Repeat("x", 9000), 431, "too large"},
		"libshout poke":        {"GET /admin/!POKE HTTP/1.1\r\n\r\n", 400, "unknown request"},
		"delete":               {"DELETE /show HTTP/1.1\r\n\r\n", 400, "unknown request"},
		"listener":             {"GET /show HTTP/1.1\r\n\r\n", 404, "could not be found"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				client := r.ask(c.request)
				require.Equal(t, c.code, client.code)
				require.Contains(t, client.body, c.body)
				require.Zero(t, client.took, "nothing to wait for")
				client.Close()
				synctest.Wait()
				require.Zero(t, r.store.count("claim"), "it costs nothing")
				require.Zero(t, r.balancer.Sources())
				for _, rec := range r.recorders {
					require.Zero(t, rec.offered("/show"))
				}
			})
		})
	}
}

func TestOptionsIsClosedWithoutAByte(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c := r.connect("OPTIONS * HTTP/1.1\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n\r\n")
		require.ErrorIs(t, c.gone(), io.EOF)
	})
}

func TestSlowHeadIsGivenUp(t *testing.T) {
	for name, drip := range map[string]string{"nothing": "", "half a head": "PUT /show HT", "a drip": "P"} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				c := r.connect(drip)
				began := time.Now()
				go func() {
					for drip == "P" {
						if _, err := io.WriteString(c, "P"); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				require.Error(t, c.gone())
				require.Equal(t, 15*time.Second, time.Since(began))
				c.Close()
				time.Sleep(2 * time.Second)
			})
		})
	}
}

// TestRefusalsAreLogged: who looks for a source that does not get on air finds why.
func TestRefusalsAreLogged(t *testing.T) {
	for request, want := range map[string]string{
		put("/../x", "anna", "secret"):                      "reason=mount-invalid form=put path=/../x user=anna from=10.0.9.9:",
		source("/show", "anna", "nonsense"):                 "reason=wrong-credentials form=source path=/show user=anna from=",
		source("/"+strings.Repeat("x", 4096), "", "secret"): "reason=mount-invalid form=source path=/" + strings.Repeat("x", 254) + " user=source from=",
		"GET /admin/metadata?pass=secret HTTP/1.0\r\n\r\n":  `reason=unauthorized form=admin path=/admin/metadata user="" from=`,
		"\x16\x03\x01": `reason=head-malformed form=other path="" user="" from=`,
	} {
		play(t, nil, func(t *testing.T, r *rig) {
			r.ask(request)
			require.Contains(t, r.log.String(), `msg="request refused" balancer=eu/balancer-1 `+want)
			require.NotContains(t, r.log.String(), "secret")
		})
	}
}

func TestFloodOfSlowHeadsPushesItselfOut(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxPending = 10 }, func(t *testing.T, r *rig) {
		var flood []*client
		for range 50 {
			flood = append(flood, r.connect("PUT"))
			synctest.Wait()
		}
		require.True(t, isReset(flood[0].gone()), "the oldest go first")
		_, rec := r.live("/show")
		require.NotNil(t, rec)
		for _, c := range flood {
			c.Close()
		}
	})
}

func TestTakenMountIsRefusedToOthers(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		mine, rec := r.live("/show")
		c := r.ask(source("/show", "bert", "geheim"))
		require.Equal(t, 403, c.code)
		require.Equal(t, "Mountpoint in use", c.body)
		require.Zero(t, c.took, "waiting would not help")
		io.WriteString(mine, "undisturbed")
		require.Equal(t, "undisturbed", r.heard(rec, "/show"))
	})
}

// A source that no recorder could take leaves no claim behind.
func TestMountOfARefusedSourceIsFree(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
		r.all("full")
		time.Sleep(5 * time.Second)
		require.Equal(t, 403, r.ask(put("/show", "anna", "secret")).code)
		r.all("")
		time.Sleep(5 * time.Second)
		require.Equal(t, 200, r.ask(put("/show", "bert", "geheim")).code)
	})
}

// Recorders are told an account in a header field, and take no other than these.
func TestAccountsThatRecordersCannotBeTold(t *testing.T) {
	for name, account := range map[string]string{"latin-1": "j\xfcrgen", "long": strings.Repeat("x", 129), "space": "anna "} {
		t.Run(name, func(t *testing.T) {
			play(t, func(c *balancer.Config, _ *balancer.Parts) { c.Accounts[account] = "secret" }, func(t *testing.T, r *rig) {
				client := r.ask(source("/show", account, "secret"))
				require.Equal(t, 403, client.code)
				require.Contains(t, client.body, "user name invalid")
				require.Zero(t, client.took)
				require.Zero(t, r.store.count("claim"))
			})
		})
	}
}

func TestTakenMountIsRefusedByTheIndexAlone(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		_, err := r.store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "bert", NewID: "x", Window: time.Minute})
		require.NoError(t, err)
		c := r.ask(source("/show", "anna", "secret"))
		require.Equal(t, "Mountpoint in use", c.body)
		for _, rec := range r.recorders {
			require.Zero(t, rec.offered("/show"))
		}
	})
}

func TestTakenMountIsRefusedByTheRecorderToo(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for _, rec := range r.recorders {
			rec.hold("/show", fakeShow{id: "s", account: "bert", until: time.Now().Add(time.Minute)})
		}
		c := r.ask(source("/show", "anna", "secret"))
		require.Equal(t, 403, c.code)
		require.Equal(t, "Mountpoint in use", c.body)
	})
}

func TestAnswerIsHeldWhileRecordersAreAway(t *testing.T) {
	for name, c := range map[string]struct {
		mode, body string
	}{
		"full":     {"full", "too many sources connected"},
		"draining": {"draining", "no recording server answers"},
		"garbage":  {"garbage", "no recording server answers"},
		"silent":   {"silent", "no recording server answers"},
		"failing":  {"failing", "no recording server answers"},
	} {
		for form, hold := range map[string]time.Duration{"PUT": 3 * time.Second, "SOURCE": 20 * time.Second} {
			request := source("/show", "anna", "secret")
			if form == "PUT" {
				request = put("/show", "anna", "secret")
			}
			t.Run(name+"/"+form+"/refused", func(t *testing.T) {
				play(t, nil, func(t *testing.T, r *rig) {
					r.all(c.mode)
					time.Sleep(5 * time.Second)
					client := r.ask(request)
					require.Equal(t, 403, client.code)
					require.Contains(t, client.body, c.body)
					require.Equal(t, hold, client.took, "held for the form's whole budget")
				})
			})
			t.Run(name+"/"+form+"/back in time", func(t *testing.T) {
				play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
					r.all(c.mode)
					time.Sleep(5 * time.Second)
					client := r.connect(request)
					time.Sleep(hold / 3)
					r.all("")
					client.answer()
					require.Equal(t, 200, client.code)
					synctest.Wait()
					require.NotNil(t, r.holding("/show"))
				})
			})
		}
	}
}

// all sets the mode of all recorders.
func (r *rig) all(mode string) {
	for _, rec := range r.recorders {
		rec.set(mode)
	}
}

// first is the recorder that the hash alone chooses for a mount now.
func (r *rig) first(mount string) *fakeRecorder {
	var view []fleet.Status
	for _, rec := range r.recorders {
		view = append(view, fleet.Status{Recorder: rec.recorder(), State: fleet.Up, Capacity: 20, Sources: rec.liveShows()})
	}
	return r.recorder(fleet.Choose(view, []string{"eu", "us"}, mount)[0].Name)
}

func TestNextRecorderIsTriedAtOnce(t *testing.T) {
	for mode, within := range map[string]time.Duration{"full": 0, "draining": 0, "garbage": 0, "silent": time.Second} {
		t.Run(mode, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				first := r.first("/show")
				first.set(mode) // the balancer has not looked yet
				c := r.ask(put("/show", "anna", "secret"))
				require.Equal(t, 200, c.code)
				require.LessOrEqual(t, c.took, within)
				synctest.Wait()
				require.NotEqual(t, first, r.holding("/show"))
				require.Equal(t, 1, first.offered("/show"))
				require.Equal(t, "eu", r.holding("/show").name[:2])
			})
		})
	}
	t.Run("dead", func(t *testing.T) {
		play(t, nil, func(t *testing.T, r *rig) {
			first := r.first("/show")
			first.stop()
			synctest.Wait()
			c := r.ask(put("/show", "anna", "secret"))
			require.Equal(t, 200, c.code)
			require.Zero(t, c.took)
		})
	})
}

// A recorder that is starting again refuses for a moment: the show waits for it
// rather than move.
func TestShowWaitsForItsRecorderToStartAgain(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderFall = 5 }, func(t *testing.T, r *rig) {
		c, owner := r.live("/show")
		owner.stop()
		require.True(t, isReset(c.gone()))
		again := r.connect(put("/show", "anna", "secret"))
		time.Sleep(400 * time.Millisecond)
		owner.start(t, r.net)
		again.answer()
		require.Equal(t, 200, again.code)
		synctest.Wait()
		require.Equal(t, owner, r.holding("/show"))
	})
}

func TestShowMovesWhenItsRecorderIsDead(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, owner := r.live("/show")
		session := owner.show("/show").id
		began := time.Now()
		owner.stop()
		require.True(t, isReset(c.gone()), "the client hears of it by a reset")
		require.Zero(t, time.Since(began), "at once")
		again := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 200, again.code)
		require.Less(t, again.took, time.Second)
		synctest.Wait()
		heir := r.holding("/show")
		require.NotEqual(t, owner, heir)
		require.Equal(t, session, heir.show("/show").id, "one session")
		require.EqualValues(t, 2, heir.show("/show").epoch)
		require.Equal(t, heir.name, r.store.row("/show").Recorder)
	})
}

func TestDatacenterWithoutRecordersSendsShowsAbroad(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for _, rec := range r.recorders[:3] {
			rec.stop()
		}
		time.Sleep(5 * time.Second)
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 200, c.code)
		require.Zero(t, c.took)
		synctest.Wait()
		require.Equal(t, "us/recorder-1", r.holding("/show").name)
		time.Sleep(5 * time.Second)
		require.Equal(t, balancer.Degraded, r.balancer.Health().Status)
		require.Equal(t, "away", r.balancer.Health().Recorders)
	})
}

func TestLimits(t *testing.T) {
	t.Run("sources", func(t *testing.T) {
		play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxSources = 2 }, func(t *testing.T, r *rig) {
			first, _ := r.live("/one")
			r.live("/two")
			c := r.ask(put("/three", "anna", "secret"))
			require.Equal(t, 403, c.code)
			require.Equal(t, "too many sources on this server", c.body)
			require.Equal(t, 3*time.Second, c.took)
			held := r.connect(put("/three", "anna", "secret"))
			time.Sleep(time.Second)
			first.Close()
			held.answer()
			require.Equal(t, 200, held.code, "a place became free")
		})
	})
	t.Run("account", func(t *testing.T) {
		play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxPerAccount = 1 }, func(t *testing.T, r *rig) {
			r.live("/one")
			c := r.ask(put("/two", "anna", "secret"))
			require.Equal(t, 403, c.code)
			require.Equal(t, "too many sources of your account", c.body)
			r.live("/one") // its own ghost does not count
			require.Equal(t, 200, r.ask(put("/three", "bert", "geheim")).code)
		})
	})
}

// The reason told is the last that is known, not that time was up.
func TestRefusalTellsTheReasonAndNotTheHaste(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.store.set(nil, true)
		r.all("full")
		c := r.ask(source("/show", "anna", "secret"))
		require.Equal(t, "too many sources connected", c.body)
		require.Equal(t, 20*time.Second, c.took)
	})
}

func TestShowDoesNotWaitForItsRecorderForEver(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, owner := r.live("/show")
		c.Close()
		owner.set("busy")
		again := r.ask(source("/show", "anna", "secret"))
		require.Equal(t, 200, again.code)
		require.Equal(t, 750*time.Millisecond, again.took, "three short waits, in case it is soon done with the connection before")
		synctest.Wait()
		require.NotEqual(t, owner, r.holding("/show"))
		_, view := r.adminGet("GET", "/recorders")
		require.NotContains(t, view, "draining", "others are not told that of it")
	})
}

func TestBudgetThatEndsIsNotTheRecordersFault(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) {
		c.HoldPut, c.RecorderFall, c.RecorderPoll = 500*time.Millisecond, 1, time.Hour
	}, func(t *testing.T, r *rig) {
		r.all("silent")
		c := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 403, c.code)
		require.Equal(t, 500*time.Millisecond, c.took)
		_, view := r.adminGet("GET", "/recorders")
		require.NotContains(t, view, "down")
		require.NotEmpty(t, r.store.row("/show").ID, "one may have taken it: the show is theirs")
	})
}

// The old connection's recorder takes no new one, so the show moves; the old
// connection must not stay behind there.
func TestOlderConnectionIsCutWhenTheShowMoves(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		ghost, owner := r.live("/show")
		r.net.Set(owner.ip, envtest.Refuse)
		_, heir := r.moved("/show", owner)
		require.NotEqual(t, owner, heir)
		began := time.Now()
		require.True(t, isReset(ghost.gone()))
		require.Zero(t, time.Since(began))
	})
}

// moved puts a mount on air again and expects it elsewhere.
func (r *rig) moved(mount string, from *fakeRecorder) (*client, *fakeRecorder) {
	c := r.ask(put(mount, "anna", "secret"))
	require.Equal(r.t, 200, c.code, c.body)
	synctest.Wait()
	for _, rec := range r.recorders {
		if rec != from && rec.show(mount).live {
			return c, rec
		}
	}
	r.t.Fatal("it did not move")
	return nil, nil
}
