package balancer

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"deadair/balancer/icecast"
)

// handler serves one connection from its first byte to its end, or until a source is
// admitted: then it returns what carries the show. The connection has a place among
// the pending ones, which the handler leaves.
type handler func(ctx context.Context, conn net.Conn, place *list.Element) (carry func())

// accept serves connections until ctx is done and returns when all have ended.
func (b *Balancer) accept(ctx context.Context, l net.Listener, handle handler) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		b.pending.room(ctx)
		conn, err := l.Accept()
		switch {
		case err == nil:
			place := b.pending.enter(conn) // here, so that they stand in the order they came
			conns.Go(func() {
				if carry := handle(ctx, conn, place); carry != nil {
					conns.Go(carry) // admission has grown this stack for a moment; shows last for hours
				}
			})
			continue
		case ctx.Err() != nil:
			return
		}
		b.log.Error("cannot accept connections", "err", err) // out of descriptors, mostly
		if !sleep(ctx, b.cfg.HoldRetry) {
			return
		}
	}
}

// handle is the handler of the port for all but SHOUTcast.
func (b *Balancer) handle(ctx context.Context, tcp net.Conn, place *list.Element) (carry func()) {
	stop := closeOnDone(ctx, tcp)
	var head *icecast.Head
	conn, err := b.read(tcp, place, func(conn net.Conn) (err error) {
		head, err = icecast.ReadHead(conn)
		return err
	})
	end := func() {
		stop()
		conn.Close()
	}
	if err != nil {
		b.refuseHead(conn, nil, err)
		end()
		return nil
	}
	switch head.Form() {
	case icecast.FormPut, icecast.FormSource:
		if s := b.takeSource(ctx, conn, head); s != nil {
			stop() // the show looks after itself
			return b.begin(ctx, s)
		}
	case icecast.FormAdmin:
		b.takeRequest(ctx, conn, head)
	case icecast.FormGet:
		b.takeGet(conn, head)
	case icecast.FormOptions: // libshout asks for TLS; Icecast 2.4.4 closes without a byte
	default:
		b.refuse(conn, head, icecast.UnknownRequest())
	}
	end()
	return nil
}

// read reads from a connection within HeadTimeout, and leaves its place. Until then
// the connection may be closed to make room for a newer one. It returns another
// connection if TLS began.
func (b *Balancer) read(conn net.Conn, place *list.Element, from func(net.Conn) error) (net.Conn, error) {
	defer b.pending.leave(place)
	conn.SetDeadline(time.Now().Add(b.cfg.HeadTimeout))
	err := from(conn)
	var hello *icecast.TLSHello
	if errors.As(err, &hello) && b.tlsOn() {
		secure := b.secure(conn, hello.Begun)
		conn = secure
		if err = secure.HandshakeContext(context.Background()); err != nil { // conn has the deadline
			return conn, fmt.Errorf("%w: %w", errHandshake, err)
		}
		if err = from(conn); isAlert(err) {
			return conn, fmt.Errorf("%w: %w", errHandshake, err)
		}
	}
	if err != nil {
		return conn, err
	}
	conn.SetDeadline(time.Time{})
	return conn, nil
}

// isAlert tells whether a client has said goodbye for a fault: with TLS 1.3 one that
// does not like the certificate says so after the handshake.
func isAlert(err error) bool {
	var alert *net.OpError
	return errors.As(err, &alert) && alert.Op == "remote error"
}

var errHandshake = errors.New("TLS handshake failed")

// refuseHead says what was wrong with a head, if somebody may still be listening.
// head is what is known of it, or nil.
func (b *Balancer) refuseHead(conn net.Conn, head *icecast.Head, err error) {
	switch {
	case errors.Is(err, errHandshake):
		b.metrics.refused("tls-failed")
		b.log.Info("TLS handshake failed", "from", conn.RemoteAddr().String(), "err", err)
	case errors.Is(err, icecast.ErrHeadTooLarge):
		b.refuse(conn, head, refuseHeadTooLarge())
	case errors.Is(err, icecast.ErrHeadMalformed):
		b.refuse(conn, head, refuseHeadMalformed())
	case errors.Is(err, io.EOF):
		b.dismiss(conn, "head-empty")
	default:
		b.dismiss(conn, "head-incomplete")
	}
}

// dismiss takes note of a connection that is closed without an answer.
func (b *Balancer) dismiss(conn net.Conn, reason string) {
	b.metrics.refused(reason)
	b.log.Debug("connection closed without an answer", "reason", reason, "from", conn.RemoteAddr().String())
}

// takeGet answers a checker.
func (b *Balancer) takeGet(conn net.Conn, head *icecast.Head) {
	if head.Path() != "/health" {
		b.refuse(conn, head, refuseNotFound())
		return
	}
	status, body := b.healthAnswer()
	header := icecast.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Connection", Value: "close"}}
	conn.SetWriteDeadline(time.Now().Add(b.cfg.HeadTimeout))
	icecast.Answer(conn, status, header, body)
}

// pending are the connections whose head is not complete. When there are too many
// the oldest is closed: honest heads come at once, so a flood of slow ones pushes
// itself out.
type pending struct {
	max   int
	freed chan struct{} // of one: somebody has left
	mu    sync.Mutex
	conns list.List // of arrived, oldest first
}

// arrived is a connection and since when it is here.
type arrived struct {
	net.Conn
	at time.Time
}

func newPending(most int) *pending { return &pending{max: most, freed: make(chan struct{}, 1)} }

// patience is how long a connection may stay however many come: a head that was sent
// at once may be read late on a busy machine.
const patience = 250 * time.Millisecond

// room waits while there are too many, and even the oldest came just now. Those who
// are not accepted yet wait where the system keeps them.
func (p *pending) room(ctx context.Context) {
	for {
		p.mu.Lock()
		var wait time.Duration
		if p.conns.Len() >= p.max {
			wait = patience - time.Since(p.conns.Front().Value.(arrived).at)
		}
		p.mu.Unlock()
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-p.freed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

func (p *pending) enter(conn net.Conn) *list.Element {
	p.mu.Lock()
	var oldest net.Conn
	if p.conns.Len() >= p.max {
		oldest = p.conns.Remove(p.conns.Front()).(arrived).Conn
	}
	place := p.conns.PushBack(arrived{conn, time.Now()})
	p.mu.Unlock()
	if oldest != nil {
		abort(oldest)
	}
	return place
}

// leave forgets a connection. Removing one that made room is harmless.
func (p *pending) leave(place *list.Element) {
	p.mu.Lock()
	p.conns.Remove(place)
	p.mu.Unlock()
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

func (p *pending) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns.Len()
}
