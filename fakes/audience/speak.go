package audience

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"deadair/fakes/ssl3"
)

// SSL3 is how a client speaks that knows nothing later than SSL 3.0. It only says hello.
const SSL3 = "ssl3"

// versions are the ways to speak TLS, each one's own version and no other.
func versions() map[string]uint16 {
	return map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
}

// knows tells whether there is such a way to speak; "" is in the clear.
func knows(how string) bool {
	_, ok := versions()[how]
	return ok || how == "" || how == SSL3
}

// speak makes a connection one that is spoken as asked. Without an error it may return
// none: then all has been said.
func speak(ctx context.Context, conn net.Conn, how, site string) (net.Conn, Class) {
	switch how {
	case "":
		return conn, OK
	case SSL3:
		err := ssl3.Shake(conn)
		switch {
		case err == nil:
			return nil, OK
		case errors.Is(err, ssl3.ErrDeclined):
			return nil, Declined
		}
		return nil, classify(err, Reset)
	}
	version := versions()[how]
	// Whose certificate it is is not what is asked here.
	secure := tls.Client(conn, &tls.Config{ServerName: site, InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	err := secure.HandshakeContext(ctx)
	var alert tls.AlertError
	switch {
	case err == nil:
		return secure, OK
	case errors.As(err, &alert), isAlert(err):
		return nil, Declined
	}
	return nil, classify(err, Reset)
}

// isAlert tells whether the other end said why it would not go on.
func isAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}
