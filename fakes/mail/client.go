package mail

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// client is one connection.
type client struct {
	relay *Relay
	conn  net.Conn
	from  string
	to    []string
}

var _ smtp.Session = (*client)(nil)

// Reset implements smtp.Session.
func (c *client) Reset() { c.from, c.to = "", nil }

// Logout implements smtp.Session.
func (*client) Logout() error { return nil }

// Mail implements smtp.Session.
func (c *client) Mail(from string, _ *smtp.MailOptions) error {
	if c.relay.sick.has(Unavailable) {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Too busy, try again later"}
	}
	c.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (c *client) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = append(c.to, to)
	return nil
}

// Data implements smtp.Session.
func (c *client) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := parse(string(data))
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "This is no mail"}
	}
	m.From, m.To = c.from, c.to
	if err := c.relay.keep(m); err != nil {
		c.relay.env.Log.Error("mail not kept", "err", err)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "No room for it now"}
	}
	if c.relay.sick.has(ReplyLost) {
		return c.conn.Close()
	}
	return nil
}

// parse reads a mail of one part.
func parse(data string) (Mail, error) {
	msg, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		return Mail{}, fmt.Errorf("read mail: %w", err)
	}
	body := msg.Body
	switch strings.ToLower(msg.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return Mail{}, fmt.Errorf("read mail: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		subject = msg.Header.Get("Subject")
	}
	return Mail{ID: strings.Trim(msg.Header.Get("Message-Id"), "<>"), Subject: subject, Text: string(text)}, nil
}

// tracked is a listener that knows the connections that it gave, so as to end them.
type tracked struct {
	net.Listener

	mu    sync.Mutex // guards what follows; not held during I/O
	ended bool
	conns map[net.Conn]bool
}

// Accept implements net.Listener.
func (t *tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &trackedConn{Conn: c, of: t}
	t.mu.Lock()
	late := t.ended
	t.conns[one] = true
	t.mu.Unlock()
	if late {
		_ = one.Close()
	}
	return one, nil
}

// end closes the listener and all connections.
func (t *tracked) end() {
	_ = t.Listener.Close()
	t.mu.Lock()
	t.ended = true
	var open []net.Conn
	for c := range t.conns {
		open = append(open, c)
	}
	t.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

type trackedConn struct {
	net.Conn
	of *tracked
}

// Close implements net.Conn.
func (c *trackedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
