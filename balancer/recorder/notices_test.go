package recorder_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/recorder"
	"deadair/fakes/mail"
)

const mailIP = "10.0.0.9"

// withRelay gives a rig's recorder a store on its disk and a relay, and returns what the
// relay took and how to end it.
func (g *rig) withRelay() (taken func() []mail.Mail, end func()) {
	g.t.Helper()
	e := g.net.Env("mail", mailIP, nil)
	e.Disk = g.disk.Mount() // the recorder's: their files have other names
	r, err := mail.New(mail.Config{Name: "mail.deadair.test"}, e)
	require.NoError(g.t, err)
	ctx, stop := context.WithCancel(g.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx) }()
	g.cfg.Store, g.cfg.Window = "tracks", time.Second
	g.cfg.Mail, g.cfg.MailDomain = mailIP+":25", "deadair.test"
	taken = func() []mail.Mail {
		all, err := mail.Read(e.Disk)
		require.NoError(g.t, err)
		return all
	}
	return taken, func() { stop(); require.NoError(g.t, <-ended) }
}

// TestBroadcasterIsTold when the show is published; and a template that says nothing is
// held back, which operators are told.
func TestBroadcasterIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		taken, end := g.withRelay()
		g.start()
		play := func(session, account string) {
			l := g.onAir(ask{mount: "/" + session, session: session, account: account, epoch: 1})
			l.send(30)
			l.hangUp()
			time.Sleep(time.Minute)
		}
		play("s1", "anna")
		require.Len(t, taken(), 1)
		require.Equal(t, []string{"anna@deadair.test"}, taken()[0].To)
		require.Contains(t, taken()[0].Text, "/s1")
		require.Contains(t, taken()[0].Text, "s1.mp3, 2s long")

		status, said := g.template(http.MethodPost, `{"text": "Subject: x\n\n"}`)
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"text": "Subject: x\n\n", "written": 0}`, said)
		play("s3", "bert")
		require.Len(t, taken(), 1)
		_, h := g.get("/health")
		require.EqualValues(t, 1, h["notices"])
		require.EqualValues(t, 1, h["held"])
		_, metrics := g.admin("GET", "/metrics")
		require.Contains(t, metrics, "deadair_recorder_notices_held 1")

		status, said = g.template(http.MethodPost, `{"text": "{{"}`)
		require.Equal(t, 400, status)
		require.Contains(t, said, "template")
		_, said = g.template(http.MethodGet, "")
		require.Contains(t, said, `"written":1`)
		g.template(http.MethodPost, `{}`)
		synctest.Wait()
		require.Len(t, taken(), 2)
		require.Equal(t, []string{"bert@deadair.test"}, taken()[1].To)
		g.stop()
		require.Contains(t, g.log.String(), "notice held back")
		end()
	})
}

func (g *rig) template(method, body string) (int, string) {
	g.t.Helper()
	transport := &http.Transport{DialContext: g.net.Env("operator", clientIP, nil).DialContext}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+ip+":8001/template", strings.NewReader(body))
	require.NoError(g.t, err)
	answer, err := transport.RoundTrip(q)
	require.NoError(g.t, err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	require.NoError(g.t, err)
	return answer.StatusCode, string(said)
}

func TestTemplateWithoutMail(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		status, said := g.template(http.MethodGet, "")
		require.Equal(t, 404, status)
		require.Contains(t, said, "give it a relay")
	})
}

func TestMailThatCannotBe(t *testing.T) {
	good := recorder.Config{Store: "tracks", Mail: "127.0.0.1:25", MailDomain: "deadair.test"}
	for want, change := range map[string]func(*recorder.Config){
		"no relay":          func(c *recorder.Config) { c.Mail = "mail" },
		"mail-domain":       func(c *recorder.Config) { c.MailDomain = "" },
		"nothing to tell":   func(c *recorder.Config) { c.Store = "" },
		"template":          func(c *recorder.Config) { c.NoticeTemplate = "{{" },
		"mail-backoff":      func(c *recorder.Config) { c.MailBackoff = -1 },
		"mail-give-up":      func(c *recorder.Config) { c.MailGiveUp = -1 },
		"mail-backoff-most": func(c *recorder.Config) { c.MailBackoffMost = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := recorder.New(cfg, new(envtest.Net).Env("r", ip, nil), recorder.Parts{})
		require.ErrorContains(t, err, want)
	}
	_, err := recorder.New(good, new(envtest.Net).Env("r", ip, nil), recorder.Parts{})
	require.NoError(t, err)
}
