package balancer

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"deadair/balancer/icecast"
)

// Refusals of sources are 403: the one status after which every encoder that comes
// back at all comes back. 401 is for credentials that are wrong or missing.

func forbidden(reason, body string) icecast.Refusal {
	return icecast.Refusal{Status: http.StatusForbidden, Reason: reason, Body: body}
}

func refuseMount(err error) icecast.Refusal {
	text := strings.TrimPrefix(err.Error(), icecast.ErrMountInvalid.Error()+": ")
	return forbidden("mount-invalid", "Mountpoint invalid: "+text)
}

func refuseAccount() icecast.Refusal {
	return forbidden("account-invalid", "user name invalid: it must be UTF-8, not longer than 128 bytes and without spaces around it")
}

func refuseUnavailable() icecast.Refusal {
	return forbidden("unavailable", "no recording server answers at the moment, please connect again")
}

func refuseDraining() icecast.Refusal {
	return forbidden("draining", "this server is about to go, please connect again")
}

func refuseCrowded() icecast.Refusal {
	return forbidden("crowded", "too many sources want to go on air at the moment, please connect again")
}

func refuseBusy() icecast.Refusal {
	return forbidden("balancer-full", "too many sources on this server")
}

func refuseAccountFull() icecast.Refusal {
	return forbidden("account-full", "too many sources of your account")
}

// refuseCredentials is for credentials that are proven wrong. Those who send none
// get the same answer under another name: libshout asks so before each show.
func refuseCredentials() icecast.Refusal {
	r := icecast.Unauthorized()
	r.Reason = "wrong-credentials"
	return r
}

func refuseNotAllowed() icecast.Refusal {
	return forbidden("mount-not-allowed", "your account may not send to this mountpoint")
}

func refuseAccounts() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusServiceUnavailable, Reason: "accounts-unavailable", Body: "your account cannot be looked up at the moment, please connect again"}
}

func refuseSuperseded() icecast.Refusal {
	return forbidden("superseded", "a newer connection of yours has this mountpoint")
}

func refuseNotYours() icecast.Refusal {
	return forbidden("not-yours", "Mountpoint belongs to another account")
}

func refuseHeadTooLarge() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "head-too-large", Body: "request head too large"}
}

func refuseHeadMalformed() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusBadRequest, Reason: "head-malformed", Body: "not a request that a source sends"}
}

func refuseNotFound() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusNotFound, Reason: "not-found", Body: "The file you requested could not be found"}
}

func refuseNoSource() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusBadRequest, Reason: "no-source", Body: "Source does not exist"}
}

func refuseRecorder() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusServiceUnavailable, Reason: "recorder-silent", Body: "the recording server does not answer, please try again"}
}

// refusedByRecorder is the reason when a recorder has the show and says no.
const refusedByRecorder = "recorder-refused"

func refuseByRecorder() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusServiceUnavailable, Reason: refusedByRecorder, Body: "the recording server could not do it, please try again"}
}

func refuseForm() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusBadRequest, Reason: "form-malformed", Body: "the form is too long, or not as long as it says"}
}

func refuseTooManyRequests() icecast.Refusal {
	return icecast.Refusal{Status: http.StatusServiceUnavailable, Reason: "too-many-requests", Body: "too many requests at once, please try again"}
}

// refuse turns a request away. The connection is closed by its owner.
func (b *Balancer) refuse(conn net.Conn, head *icecast.Head, r icecast.Refusal) {
	b.metrics.refused(r.Reason)
	path, user := asked(head)
	b.log.Info("request refused", "reason", r.Reason, "form", head.Form().String(), "path", path, "user", user, "from", conn.RemoteAddr().String())
	conn.SetWriteDeadline(time.Now().Add(b.cfg.HeadTimeout))
	icecast.Refuse(conn, head, r)
	b.readOut(conn)
}

// asked is what a request that is turned away wanted, and as whom, for the log. A
// query is left out: it may hold a password.
func asked(head *icecast.Head) (path, user string) {
	if head == nil {
		return "", ""
	}
	user, _, _ = head.Credentials()
	path = head.Path()
	return path[:min(len(path), icecast.MaxMount)], user[:min(len(user), icecast.MaxMount)]
}

// maxReadOut is how much of what a refused client still sends is read, in bytes.
const maxReadOut = 64 << 10

// readOut ends our side and reads what a refused client has already sent. Closing
// with unread bytes would reset the connection, and the reset can overtake the answer.
// In a flood that is what happens.
func (b *Balancer) readOut(conn net.Conn) {
	select {
	case b.leaving <- struct{}{}:
		defer func() { <-b.leaving }()
	default:
		return
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	conn.SetReadDeadline(time.Now().Add(b.cfg.RefuseLinger))
	io.CopyN(io.Discard, conn, maxReadOut)
}
