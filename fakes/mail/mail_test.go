package mail_test

import (
	"context"
	"encoding/json"
	"net"
	"net/smtp"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/balancer/env/envtest"
	"deadair/fakes/disk"
	"deadair/fakes/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "10.0.5.1"

// serve runs a test in virtual time while a relay with a disk takes mails.
func serve(t *testing.T, d *disk.Disk, f func(t *testing.T, send func(text string) error)) {
	t.Helper()
	n := new(envtest.Net)
	e := n.Env("mail", host, nil)
	e.Disk = d.Mount()
	var err error
	e.Config, err = json.Marshal(mail.Config{Name: "mail.deadair.test"})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- mail.Serve(ctx, e) }()
	synctest.Wait()
	from := n.Env("recorder", "10.0.0.2", nil)
	f(t, func(text string) error { return send(t, from, text) })
	stop()
	require.NoError(t, <-ended)
}

// send hands a mail over, as any client does.
func send(t *testing.T, from env.Env, text string) error {
	t.Helper()
	conn, err := from.DialContext(t.Context(), "tcp", net.JoinHostPort(host, "25"))
	require.NoError(t, err)
	client, err := smtp.NewClient(conn, host)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Mail("notices@deadair.test"))
	require.NoError(t, client.Rcpt("anna@example.org"))
	w, err := client.Data()
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	return w.Close()
}

// texts are the mails on a disk.
func texts(t *testing.T, d *disk.Disk) (all []string) {
	t.Helper()
	mails, err := mail.Read(d.Mount())
	require.NoError(t, err)
	for _, m := range mails {
		all = append(all, m.Text)
	}
	return all
}

func newDisk(t *testing.T, capacity int64) *disk.Disk {
	t.Helper()
	d, err := disk.New(disk.Config{Capacity: capacity})
	require.NoError(t, err)
	return d
}

// TestEncodings: a mail is read as its mailbox would.
func TestEncodings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 0)
		serve(t, d, func(t *testing.T, send func(string) error) {
			require.NoError(t, send("Subject: =?UTF-8?q?Sch=C3=B6n?=\r\nMessage-ID: <a@b>\r\n\r\nplain"))
			require.NoError(t, send("Subject: =?broken\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6n"))
			require.NoError(t, send("Content-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8="))
			require.ErrorContains(t, send("Content-Transfer-Encoding: base64\r\n\r\n???"), "554")
			require.ErrorContains(t, send("no header"), "554")
		})
		all, err := mail.Read(d.Mount())
		require.NoError(t, err)
		require.Len(t, all, 3)
		require.Equal(t, []string{"Schön", "=?broken", ""}, []string{all[0].Subject, all[1].Subject, all[2].Subject})
		require.Equal(t, "a@b", all[0].ID)
		require.Equal(t, []string{"plain\r\n", "Schön\r\n", "hello"}, texts(t, d))
	})
}

// TestWhatWasTakenStays: through a mail for which there is not room enough, half a line
// and a power cut.
func TestWhatWasTakenStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 1000)
		serve(t, d, func(t *testing.T, send func(string) error) {
			require.NoError(t, send("\r\none"))
			require.ErrorContains(t, send("\r\n"+strings.Repeat("no room ", 200)), "451")
			require.NoError(t, send("\r\ntwo"))
		})
		f, err := d.Mount().OpenFile("mails.jsonl", os.O_WRONLY|os.O_APPEND)
		require.NoError(t, err)
		_, err = f.Write([]byte(`{"text":"half`))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, []string{"one\r\n", "two\r\n"}, texts(t, d), "half a line was never answered")
		serve(t, d, func(t *testing.T, send func(string) error) { require.NoError(t, send("\r\nthree")) })
		d.PowerCut()
		require.Equal(t, []string{"one\r\n", "two\r\n", "three\r\n"}, texts(t, d))
	})
}

// TestPortTaken: a server that cannot have one of its ports ends, with all that it started.
func TestPortTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(envtest.Net).Env("host", host, nil)
		e.Disk = newDisk(t, 0).Mount()
		l, err := e.Listen(t.Context(), "tcp", ":8002")
		require.NoError(t, err)
		defer l.Close()
		e.Config, err = json.Marshal(mail.Config{Name: "mail.deadair.test", Admin: ":8002"})
		require.NoError(t, err)
		require.ErrorContains(t, mail.Serve(t.Context(), e), "listen at :8002: ")
		other, err := e.Listen(t.Context(), "tcp", mail.Addr)
		require.NoError(t, err, "its other port is free again")
		require.NoError(t, other.Close())
	})
}
