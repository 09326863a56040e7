package balancer

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// Fields of a request to a recorder and of its answer.
const (
	fieldSession = "Deadair-Session"
	fieldEpoch   = "Deadair-Epoch"
	fieldAbove   = "Deadair-Above"
	fieldAccount = "Deadair-Account"
	fieldMount   = "Deadair-Mount"
	fieldTitle   = "Deadair-Title"
	fieldProbe   = "Deadair-Probe"
)

// offer is a recorder's answer to a source.
type offer struct {
	status  int
	epoch   int64    // the show's, or the highest seen; 0 if it told none
	session string   // "" if it told none
	conn    net.Conn // open when the status is 200, nil otherwise
}

// offer sends a request to a recorder and reads its answer within DialDeadline.
func (b *Balancer) offer(ctx context.Context, r fleet.Recorder, request []byte) (*offer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.DialDeadline)
	defer cancel()
	conn, err := b.env.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return nil, fmt.Errorf("dial recorder: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	o, err := exchange(conn, request)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil || o.status != http.StatusOK {
		conn.Close()
	}
	if err != nil {
		return nil, err
	}
	if o.status == http.StatusOK {
		o.conn = conn
	}
	return o, nil
}

func exchange(conn net.Conn, request []byte) (*offer, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, fmt.Errorf("write head to recorder: %w", err)
	}
	reply, err := icecast.ReadReply(conn)
	if err != nil {
		return nil, fmt.Errorf("read recorder's answer: %w", err)
	}
	epoch, _ := strconv.ParseInt(reply.Header.Get(fieldEpoch), 10, 64)
	return &offer{status: reply.Status, epoch: epoch, session: reply.Header.Get(fieldSession)}, nil
}

// sourceRequest is the source's head as a recorder gets it.
func (b *Balancer) sourceRequest(r fleet.Recorder, a *admission) []byte {
	h := icecast.Head{Method: "PUT", Target: (&url.URL{Path: a.mount}).EscapedPath(), Proto: "HTTP/1.1"}
	h.Header.Add("Host", "deadair")
	h.Header.Add(fieldSession, a.session.ID)
	h.Header.Add(fieldEpoch, strconv.FormatInt(a.session.Epoch, 10))
	if a.degraded && a.above > 0 {
		h.Header.Add(fieldAbove, strconv.FormatInt(a.above, 10))
	}
	h.Header.Add(fieldAccount, a.account)
	h.Header.Add(fieldMount, a.mount)
	if title := a.session.Title; title != "" && r.Name != a.session.Recorder {
		h.Header.Add(fieldTitle, url.PathEscape(title)) // the session's own recorder knows better
	}
	room := icecast.MaxHead - len(h.AppendTo(nil))
	for _, f := range a.head.Header {
		if room -= len(f.Name) + len(f.Value) + len(": \r\n"); room < 0 {
			break
		}
		if belongsToShow(f.Name) {
			h.Header.Add(f.Name, f.Value)
		}
	}
	return h.AppendTo(nil)
}

// belongsToShow tells whether a field describes the show. Others are between the
// client and us, and a client's Deadair fields are forged.
func belongsToShow(name string) bool {
	name = strings.ToLower(name)
	return name == "content-type" || name == "user-agent" || strings.HasPrefix(name, "ice-") || strings.HasPrefix(name, "icy-")
}

// probeRequest asks a recorder to go through the motions of a source and leave nothing.
func probeRequest() []byte {
	h := icecast.Head{Method: "PUT", Target: "/deadair-probe", Proto: "HTTP/1.1"}
	h.Header.Add("Host", "deadair")
	h.Header.Add(fieldProbe, "1")
	h.Header.Add(fieldMount, "/deadair-probe")
	h.Header.Add("Content-Type", "audio/mpeg")
	return h.AppendTo(nil)
}
