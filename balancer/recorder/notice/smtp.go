package notice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTP hands mails to a relay. All fields are needed.
type SMTP struct {
	Relay    string // "host:port"
	From     string // an address
	Helo     string // this host's name
	Deadline time.Duration
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	Wall     func() time.Time
}

// Send implements Sender. It is TLS where the relay offers it.
func (s SMTP) Send(ctx context.Context, m Mail) error {
	msg, err := s.message(m)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	host, port, err := net.SplitHostPort(s.Relay)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	wire := &wire{ctx: ctx, dial: s.Dial}
	defer wire.close()
	client, err := mail.NewClient(host, mail.WithPort(number), mail.WithHELO(s.Helo), mail.WithTimeout(s.Deadline),
		mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithoutNoop(), mail.WithDialContextFunc(wire.open))
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("reach the relay: %w", err)
	}
	err = client.Send(msg)
	_ = client.Close() // whether the relay hears the goodbye is no matter
	if err == nil || msg.IsDelivered() {
		return nil
	}
	var said *mail.SendError
	if errors.As(err, &said) && said.Reason == mail.ErrSMTPRcptTo && said.ErrorCode() >= 500 {
		return fmt.Errorf("send mail: %w: %w", ErrRefused, err)
	}
	return fmt.Errorf("send mail: %w", err)
}

// wire is the connection of one mail. The library neither closes one whose greeting
// failed, nor ends with the context once it is open.
type wire struct {
	ctx  context.Context //nolint:containedctx // of the one call that it belongs to
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	end  func() bool
	conn net.Conn
}

func (w *wire) open(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.conn = conn
	w.end = context.AfterFunc(w.ctx, func() { _ = conn.Close() })
	return conn, nil
}

func (w *wire) close() {
	if w.conn == nil {
		return
	}
	w.end()
	_ = w.conn.Close() // a second time, mostly
}

// message is a mail in the library's form.
func (s SMTP) message(m Mail) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(s.Wall())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: vacations are not to answer it
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	return msg, nil
}
