package balancer_test

import (
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/account"
)

const (
	shoutcast = balancerIP + ":8001"
	welcome   = "OK2\r\nicy-caps:11\r\n\r\n"
	stream    = "icy-name:Night Show\r\nicy-br:128\r\ncontent-type:audio/mpeg\r\n\r\n"
)

// login opens a connection to the port for SHOUTcast and sends a first text.
func (r *rig) login(text string) *client { return r.connectTo(shoutcast, text) }

// heard reads what the balancer says first, which is all that it says in a moment.
func (c *client) heard() string {
	var buf [256]byte
	n, err := c.r.Read(buf[:])
	if err != nil {
		return err.Error()
	}
	return string(buf[:n])
}

func TestShoutcastSourceGoesOnAir(t *testing.T) {
	for name, c := range map[string]struct{ login, mount, account string }{
		"password and user": {"anna:secret", "/anna", "anna"},
		"second stream":     {"anna:secret:#2", "/anna/2", "anna"},
		"mount":             {"anna:secret:/show", "/show", "anna"},
		"password alone":    {"hackme", "/source", "source"},
		"stream of many":    {"hackme:#3", "/source/3", "source"},
	} {
		t.Run(name, func(t *testing.T) {
			change := func(c *balancer.Config, _ *balancer.Parts) { c.Accounts["source"] = "hackme" }
			play(t, change, func(t *testing.T, r *rig) {
				client := r.login(c.login + "\r\n")
				require.Equal(t, welcome, client.heard())
				require.Zero(t, r.store.count("claim"), "nothing is claimed yet")
				io.WriteString(client, stream+"fra")
				io.WriteString(client, "mes")
				synctest.Wait()
				rec := r.holding(c.mount)
				require.NotNil(t, rec)
				show := rec.show(c.mount)
				require.Equal(t, "frames", show.body)
				require.Equal(t, c.account, show.account)
				require.Equal(t, "audio/mpeg", show.header.Get("Content-Type"))
				require.Equal(t, "Night Show", show.header.Get("Icy-Name"))
				require.Equal(t, c.mount, show.header.Get("Deadair-Mount"))
			})
		})
	}
}

// BUTT sends all at once and waits for nothing.
func TestShoutcastSourceInOnePiece(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c := r.login("anna:secret\r\n" + stream + "frames")
		require.Equal(t, welcome, c.heard())
		synctest.Wait()
		require.Equal(t, "frames", r.heard(r.holding("/anna"), "/anna"))
		again := r.login("anna:secret\n" + stream) // bare LF, and it takes over
		require.Equal(t, welcome, again.heard())
		require.True(t, isReset(c.gone()))
	})
}

func TestShoutcastBySecureConnection(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		c := secure(t, r.dial(shoutcast), tls.VersionTLS13)
		io.WriteString(c, "anna:secret\r\n")
		require.Equal(t, welcome, c.heard())
		io.WriteString(c, stream+"frames")
		synctest.Wait()
		require.Equal(t, "frames", r.heard(r.holding("/anna"), "/anna"))
	})
}

func TestShoutcastMountsOfAnAccount(t *testing.T) {
	hash, err := account.Hash("secret")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	require.NoError(t, os.WriteFile(file, []byte("anna: {password: '"+hash+"', mounts: [/first, /second]}"), 0o600))
	change := func(c *balancer.Config, _ *balancer.Parts) { c.Accounts, c.AccountsFile = nil, file }
	for login, mount := range map[string]string{"anna:secret": "/first", "anna:secret:#2": "/second", "anna:secret:/second": "/second"} {
		play(t, change, func(t *testing.T, r *rig) {
			require.Equal(t, welcome, r.login(login+"\r\n"+stream).heard())
			synctest.Wait()
			require.NotNil(t, r.holding(mount), login)
		})
	}
	play(t, change, func(t *testing.T, r *rig) {
		require.Contains(t, r.login("anna:secret:/third\r\n"+stream).heard(), "may not send")
	})
}

func TestShoutcastRefusals(t *testing.T) {
	for name, c := range map[string]struct{ login, says string }{
		"wrong":          {"anna:geheim\r\n", "invalid password\r\n"},
		"nobody":         {"hackme\r\n", "invalid password\r\n"},
		"libshout pokes": {"!POKE\nicy-name:libshout server poke request\n\n", "invalid password\r\n"},
		"bad mount":      {"anna:secret:/../x\r\n", "Mountpoint invalid"},
		"space":          {"anna:secret:/x \r\n", "Mountpoint invalid"},
		"empty":          {"\r\n", "not a request"},
		"endless":        {strings.Repeat("x", 600), "too large"},
		"garbage":        {"a\x00b\r\n", "not a request"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				client := r.login(c.login)
				began := time.Now()
				says := client.heard()
				require.Contains(t, says, c.says)
				require.True(t, strings.HasSuffix(says, "\r\n"))
				require.ErrorIs(t, client.gone(), io.EOF)
				require.Zero(t, time.Since(began))
				client.Close()
				synctest.Wait()
				require.Zero(t, r.store.count("claim"))
				require.Zero(t, r.balancer.Sources())
				require.Contains(t, r.log.String(), `msg="request refused"`)
				require.NotContains(t, r.log.String(), "geheim")
			})
		})
	}
}

// What is known before the password is answered is told by text that makes nobody
// give up, and held like any answer.
func TestShoutcastIsHeldBeforeItIsWelcome(t *testing.T) {
	for mode, says := range map[string]string{"full": "too many sources", "draining": "no recording server", "failing": "no recording server"} {
		t.Run(mode, func(t *testing.T) {
			play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll, c.RecorderRise = 500*time.Millisecond, 1 }, func(t *testing.T, r *rig) {
				r.all(mode)
				time.Sleep(5 * time.Second)
				c := r.login("anna:secret\r\n")
				began := time.Now()
				require.Contains(t, c.heard(), says)
				require.Equal(t, 3*time.Second, time.Since(began))

				late := r.login("anna:secret\r\n" + stream)
				time.Sleep(time.Second)
				r.all("")
				require.Equal(t, welcome, late.heard())
				synctest.Wait()
				require.NotNil(t, r.holding("/anna"))
			})
		})
	}
	play(t, nil, func(t *testing.T, r *rig) {
		r.balancer.Drain()
		require.Contains(t, r.login("anna:secret\r\n").heard(), "about to go")
	})
}

// What a client sends before it is welcome is kept, also what is more than a head may be.
func TestShoutcastThatSendsEarlyLosesNothing(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		r.balancer.Drain()
		early := strings.Repeat("early audio ", 1200)
		c := r.login("anna:secret\r\n" + stream + early)
		time.Sleep(time.Second)
		r.balancer.Undrain()
		require.Equal(t, welcome, c.heard())
		io.WriteString(c, "END")
		synctest.Wait()
		require.Equal(t, early+"END", r.heard(r.holding("/anna"), "/anna"))
	})
}

func TestShoutcastThatCannotBePlacedIsReset(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		_, rec := r.live("/show")
		require.NotNil(t, rec)
		c := r.login("bert:geheim:/show\r\n")
		require.Equal(t, welcome, c.heard())
		io.WriteString(c, stream)
		require.Contains(t, c.heard(), "Mountpoint in use", "too late to be understood, but for people")
		require.Error(t, c.gone())
		synctest.Wait()
		require.Equal(t, 1, r.balancer.Sources())
	})
}

func TestShoutcastThatTellsNothingIsGivenUp(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for _, text := range []string{"", "anna:sec", "anna:secret\r\n", "anna:secret\r\nicy-name:x"} {
			c := r.login(text)
			began := time.Now()
			if strings.Contains(text, "\n") {
				require.Equal(t, welcome, c.heard())
			}
			require.Error(t, c.gone())
			require.Equal(t, 15*time.Second, time.Since(began))
			c.Close()
		}
		require.Zero(t, r.balancer.Sources())
	})
}

func TestShoutcastTitles(t *testing.T) {
	for name, c := range map[string]struct{ target, mount string }{
		"password":      {"/admin.cgi?pass=anna:secret&mode=updinfo&song=Song", "/anna"},
		"stream":        {"/admin.cgi?mode=updinfo&pass=anna%3Asecret&sid=2&song=Song&url=", "/anna/2"},
		"in password":   {"/admin.cgi?pass=anna:secret:%232&mode=updinfo&song=Song", "/anna/2"},
		"mount":         {"/admin.cgi?pass=anna:secret&mode=updinfo&mount=/show&song=Song", "/show"},
		"in password 2": {"/admin.cgi?pass=anna:secret:/show&mode=updinfo&song=Song", "/show"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				require.Equal(t, welcome, r.login("anna:secret:"+c.mount+"\r\n"+stream).heard())
				synctest.Wait()
				rec := r.holding(c.mount)
				answer := r.ask("GET " + c.target + " HTTP/1.0\r\nUser-Agent: x (Mozilla compatible)\r\n\r\n")
				require.Equal(t, 200, answer.code, answer.body)
				require.Len(t, rec.requests(), 1)
				require.Contains(t, rec.requests()[0], "song=Song")
				basic := r.ask(get("/admin.cgi?mode=kicksrc&mount="+c.mount, "anna", "secret"))
				require.Equal(t, 200, basic.code, basic.body)
				require.Contains(t, rec.requests()[1], "POST /kill?")
				require.Equal(t, 401, r.ask("GET "+strings.Replace(c.target, "secret", "x", 1)+" HTTP/1.0\r\n\r\n").code)
				require.Equal(t, 401, r.ask("GET /admin.cgi?mode=updinfo HTTP/1.0\r\n\r\n").code)
			})
		})
	}
}

func TestNoShoutcastPort(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.Shoutcast = "none" }, func(t *testing.T, r *rig) {
		_, err := r.net.Env("client", clientIP, nil).DialContext(t.Context(), "tcp", shoutcast)
		require.Error(t, err)
		r.live("/show")
	})
}

func TestAudiocastSource(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c := r.connect("SOURCE anna:secret /show\nx-audiocast-name: Night Show\nx-audiocast-bitrate: 128\n\n")
		require.Equal(t, "OK\r\n", c.heard())
		io.WriteString(c, "frames")
		synctest.Wait()
		rec := r.holding("/show")
		require.Equal(t, "frames", r.heard(rec, "/show"))
		require.Equal(t, "Night Show", rec.show("/show").header.Get("Ice-Name"))
		require.False(t, rec.show("/show").header.Has("Authorization"))
		require.Equal(t, "invalid password\r\n", r.connect("SOURCE anna:x /show\n\n").heard())
	})
}
