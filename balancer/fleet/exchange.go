package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"

	"deadair/balancer/icecast"
)

// maxBody is the longest answer to a look or question, in bytes. A title of 1 KiB of which
// JSON escapes every byte takes 6.
const maxBody = 16 << 10

// errNonsense is an answer that makes no sense. Whoever gives it is there.
var errNonsense = errors.New("answer makes no sense")

// getRequest is a GET as it goes over the wire.
func getRequest(target string, keep bool) []byte {
	h := icecast.Head{Method: "GET", Target: target, Proto: "HTTP/1.1"}
	h.Header.Add("Host", "deadair")
	if !keep {
		h.Header.Add("Connection", "close")
	}
	return h.AppendTo(nil)
}

// Post sends a request without a body on a connection of its own, until ctx is
// done, and returns the answer's status.
func Post(ctx context.Context, dial Dial, addr, target string) (status int, err error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	h := icecast.Head{Method: "POST", Target: target, Proto: "HTTP/1.1"}
	h.Header.Add("Host", "deadair")
	h.Header.Add("Connection", "close")
	h.Header.Add("Content-Length", "0")
	if _, err := h.WriteTo(conn); err != nil {
		return 0, err
	}
	reply, err := icecast.ReadReply(conn)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return reply.Status, nil
}

func mountQuery(path, mount string) string {
	return path + "?mount=" + url.QueryEscape(mount)
}

// exchange sends a request and reads the whole answer. keep tells whether the
// connection may carry another one.
func exchange(c net.Conn, request []byte) (status int, body []byte, keep bool, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, false, fmt.Errorf("send request: %w", err)
	}
	reply, err := icecast.ReadReply(c)
	switch {
	case errors.Is(err, icecast.ErrHeadMalformed), errors.Is(err, icecast.ErrHeadTooLarge):
		return 0, nil, false, fmt.Errorf("%w: %w", errNonsense, err)
	case err != nil:
		return 0, nil, false, fmt.Errorf("read answer: %w", err)
	}
	length, err := strconv.Atoi(reply.Header.Get("Content-Length"))
	if err != nil || length < 0 || length > maxBody {
		return 0, nil, false, fmt.Errorf("%w: Content-Length must be a number of at most %d", errNonsense, maxBody)
	}
	body = reply.Rest
	if len(body) > length {
		return 0, nil, false, fmt.Errorf("%w: more bytes than its Content-Length of %d", errNonsense, length)
	}
	if missing := length - len(body); missing > 0 {
		tail := make([]byte, missing)
		if _, err := io.ReadFull(c, tail); err != nil {
			return 0, nil, false, fmt.Errorf("read answer: %w", err)
		}
		body = append(body, tail...)
	}
	return reply.Status, body, reply.Header.Get("Connection") != "close", nil
}
