package broadcaster

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// outcome is what came of a try to connect.
type outcome struct {
	verdict Verdict
	conn    *conn         // on which the stream is to be sent, accepted or not
	pause   time.Duration // how much longer than usual the client rests
}

// connect makes one try of the client, through its forms.
func (b *Broadcaster) connect(show context.Context) outcome {
	var o outcome
	for _, form := range b.cfg.Persona.Forms {
		o = b.attempt(show, form)
		if o.verdict != NextForm || !b.rest(show, o.pause) {
			break
		}
	}
	return o
}

// attempt tries one form.
func (b *Broadcaster) attempt(show context.Context, form Form) outcome {
	d, ok := b.reach(show, b.cfg.Port+form.Port)
	if !ok {
		return outcome{verdict: Again}
	}
	reply := b.ask(show, d, form)
	verdict := form.Judge(reply)
	if show.Err() != nil {
		d.Close()
		return outcome{verdict: Again}
	}
	e := Event{Kind: Attempt, Peer: d.peer, Class: reply.Class, Status: reply.Status, Took: time.Since(d.began)}
	switch {
	case reply == (Reply{}):
		return outcome{conn: b.newConn(d, form)}
	case verdict == Accept:
		o := outcome{verdict: Accept, conn: b.newConn(d, form)}
		b.accepted(o.conn)
		return o
	case verdict == Again && b.cfg.Persona.SendsOn && b.tries.wasOn && reply.Class == Answered:
		b.fail(e)
		return outcome{verdict: Again, conn: b.newConn(d, form)}
	}
	d.Close()
	if verdict != NextForm || !form.Question {
		b.fail(e)
	}
	if verdict == NextForm && (form.Question || reply.Class != Answered) {
		return outcome{verdict: verdict}
	}
	return outcome{verdict: verdict, pause: b.cfg.Persona.Waits.AfterReply}
}

// accepted takes note that a server takes the stream.
func (b *Broadcaster) accepted(c *conn) {
	c.accepted = true
	b.setLive(c)
	b.reporter.report(Event{Kind: Attempt, Peer: c.peer, Class: Accepted, Frame: c.first, Took: time.Since(c.began)})
}

// reach looks the name up and connects.
func (b *Broadcaster) reach(show context.Context, port int) (dialed, bool) {
	began := time.Now()
	hosts, err := b.cfg.Resolve(show, b.cfg.Ingest)
	if show.Err() != nil {
		return dialed{}, false
	}
	if err != nil || len(hosts) == 0 {
		class := Unresolved
		if err != nil && isTimeout(err) {
			class = Timeout
		}
		b.reporter.report(Event{Kind: Resolved, Class: class, Took: time.Since(began)})
		b.fail(Event{Kind: Attempt, Class: Unresolved, Took: time.Since(began)})
		return dialed{}, false
	}
	hosts = hosts[:min(len(hosts), maxAddresses)]
	b.reporter.report(Event{Kind: Resolved, Hosts: hosts, Took: time.Since(began)})
	switch b.cfg.Persona.Addresses {
	case FirstAddress:
		hosts = hosts[:1]
	case LastAddress:
		hosts = hosts[len(hosts)-1:]
	}
	return b.dialAny(show, hosts, port)
}

// dialed is the outcome of connecting to one address.
type dialed struct {
	net.Conn
	peer  netip.Addr
	began time.Time
	err   error
}

// dialAny connects to the first address that lets it, and reports those that did
// not. Addresses wait for the one before to fail, or for Deadlines.NextAddress.
func (b *Broadcaster) dialAny(show context.Context, hosts []netip.Addr, port int) (dialed, bool) {
	ctx, cancel := context.WithCancel(show)
	done := make(chan dialed)
	begun, running := 0, 0
	defer func() {
		cancel()
		for ; running > 0; running-- {
			if d := <-done; d.err == nil {
				d.Close()
			}
		}
	}()
	for {
		if begun < len(hosts) {
			go func(host netip.Addr) { done <- b.dial(ctx, host, port) }(hosts[begun])
			begun++
			running++
		}
		select {
		case d := <-done:
			running--
			if d.err == nil {
				return d, true
			}
			if show.Err() != nil {
				return dialed{}, false
			}
			b.fail(Event{Kind: Attempt, Peer: d.peer, Class: classifyDial(d.err), Took: time.Since(d.began)})
			if running == 0 && begun == len(hosts) {
				return dialed{}, false
			}
		case <-b.patience():
		}
	}
}

// patience ends when it is time to try the next address too.
func (b *Broadcaster) patience() <-chan time.Time {
	d := b.cfg.Persona.Deadlines.NextAddress
	if d == 0 {
		return nil
	}
	b.timer.Reset(d)
	return b.timer.C
}

func (b *Broadcaster) dial(ctx context.Context, host netip.Addr, port int) dialed {
	if limit := b.cfg.Persona.Deadlines.Connect; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	d := dialed{peer: host, began: time.Now()}
	addr := net.JoinHostPort(host.String(), strconv.Itoa(port))
	d.Conn, d.err = b.cfg.Dial(ctx, "tcp", addr)
	return d
}
