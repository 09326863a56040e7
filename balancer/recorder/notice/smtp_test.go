package notice_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/recorder/notice"
	"deadair/fakes/mail"
)

// TestRelay sends through a relay that speaks SMTP, and that fails in each of its ways.
func TestRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := new(envtest.Net), newDisk(t)
		e := n.Env("mail", "10.0.0.9", nil)
		e.Disk = d.Mount()
		var err error
		e.Config, err = json.Marshal(mail.Config{Name: "mail.deadair.test", Admin: ":8002"})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- mail.Serve(ctx, e) }()
		synctest.Wait()

		from := n.Env("recorder", "10.0.0.2", nil)
		s := notice.SMTP{Relay: "10.0.0.9:25", From: "notices@deadair.test", Helo: "recorder-1", Deadline: 10 * time.Second, Dial: from.DialContext, Wall: time.Now}
		m := notice.Mail{ID: "s1@deadair.test", To: "anna@example.org", Subject: "Schöne Sendung", Text: "Über /rome\n.\nist s1.mp3.\n"}
		require.NoError(t, s.Send(t.Context(), m))
		taken := func() []mail.Mail {
			all, err := mail.Read(d.Mount())
			require.NoError(t, err)
			return all
		}
		require.Equal(t, []mail.Mail{{
			At: taken()[0].At, From: s.From, To: []string{m.To}, ID: m.ID, Subject: m.Subject, Text: strings.ReplaceAll(m.Text, "\n", "\r\n"),
		}}, taken())

		fault := func(f mail.Fault) {
			client := &http.Client{Transport: &http.Transport{DialContext: from.DialContext, DisableKeepAlives: true}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://10.0.0.9:8002/fault", strings.NewReader(`{"fault":"`+string(f)+`"}`))
			require.NoError(t, err)
			answer, err := client.Do(req)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, 200, answer.StatusCode)
		}
		fault(mail.Unavailable)
		err = s.Send(t.Context(), m)
		require.ErrorContains(t, err, "451")
		require.NotErrorIs(t, err, notice.ErrRefused)
		require.Len(t, taken(), 1)
		fault(mail.ReplyLost)
		require.Error(t, s.Send(t.Context(), m), "nobody said that it was taken")
		require.Len(t, taken(), 2)
		fault("")

		n.Set("10.0.0.9", envtest.Silent)
		began := time.Now()
		require.Error(t, s.Send(t.Context(), m))
		require.Equal(t, s.Deadline, time.Since(began))
		n.Set("10.0.0.9", envtest.Normal)

		gone, end := context.WithCancel(t.Context())
		n.Set("10.0.0.9", envtest.Silent)
		time.AfterFunc(time.Second, end)
		began = time.Now()
		require.Error(t, s.Send(gone, m), "whoever stops does not wait")
		require.Equal(t, time.Second, time.Since(began))
		stop()
		require.NoError(t, <-ended)
		time.Sleep(time.Second) // net/http's connections linger after an answer that closes them
	})
}
