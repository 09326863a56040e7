package route53

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Class is how a probe ended.
type Class string

// Classes of probes.
const (
	ClassOK      Class = "ok"      // 2xx or 3xx, or of a check by TCP a connection
	ClassStatus  Class = "status"  // another status, or something that is not HTTP
	ClassRefused Class = "refused" // nobody listens, or no way there
	ClassTimeout Class = "timeout" // no connection or no status in time
	ClassReset   Class = "reset"   // the connection ended before the status
)

// statusLen is how much of an answer must be there to know its status:
// "HTTP/1.1 200".
const statusLen = 12

// prober is one checker's look at one record.
type prober struct {
	s       *Server
	checker int
	record  int
	target  string
	shallow bool
	request []byte
	buf     [1024]byte

	healthy bool // this checker's opinion
	against int  // probes in a row that say otherwise
}

func newProber(s *Server, checker, rec int) *prober {
	r := s.records[rec]
	path := r.HealthPath
	if path == "" {
		path = "/health"
	}
	return &prober{
		s: s, checker: checker, record: rec,
		target:  netip.AddrPortFrom(r.Addr, uint16(r.HealthPort)).String(),
		shallow: r.Shallow,
		request: []byte("GET " + path + " HTTP/1.0\r\nUser-Agent: Amazon-Route53-Health-Check-Service\r\n\r\n"),
		healthy: !s.cfg.StartUnhealthy,
	}
}

// run probes until ctx is done. The interval counts from a probe's end.
func (p *prober) run(ctx context.Context) {
	checker := p.s.cfg.Checkers[p.checker]
	loop := "route53 " + checker.Name + " " + p.s.records[p.record].Host
	timer := time.NewTimer(checker.Env.Phase(loop, p.s.cfg.Interval))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		class := p.probe(ctx)
		if ctx.Err() != nil {
			return
		}
		p.judge(class)
		timer.Reset(p.s.cfg.Interval)
	}
}

// judge changes the opinion after enough probes in a row that say otherwise.
func (p *prober) judge(class Class) {
	ok := class == ClassOK
	if ok == p.healthy {
		p.against = 0
		return
	}
	p.against++
	if p.against < p.s.cfg.Threshold {
		return
	}
	p.healthy, p.against = ok, 0
	if p.s.cfg.Observe.Checker != nil {
		p.s.cfg.Observe.Checker(Opinion{
			Checker: p.s.cfg.Checkers[p.checker].Name,
			Host:    p.s.records[p.record].Host,
			OK:      ok,
			Class:   class,
		})
	}
	p.s.tally.set(p.checker, p.record, ok)
}

// probe asks once.
func (p *prober) probe(ctx context.Context) Class {
	p.s.probes.Add(1)
	conn, err := p.connect(ctx)
	if err != nil {
		return classOf(err, ClassRefused)
	}
	defer conn.Close()
	if p.shallow {
		return ClassOK
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	// A deadline that cannot be set shows as a failed write.
	_ = conn.SetDeadline(time.Now().Add(p.s.cfg.AnswerTimeout))
	if _, err := conn.Write(p.request); err != nil {
		return classOf(err, ClassReset)
	}
	return p.readStatus(conn)
}

// shallowTimeout is how long a check by TCP waits, of Amazon's.
const shallowTimeout = 10 * time.Second

func (p *prober) connect(ctx context.Context) (net.Conn, error) {
	timeout := p.s.cfg.ConnectTimeout
	if p.shallow {
		timeout = shallowTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return p.s.cfg.Checkers[p.checker].Env.DialContext(ctx, "tcp", p.target)
}

// readStatus reads until the status is known. Most answers come in one piece;
// reading it whole lets the connection end without a reset.
func (p *prober) readStatus(conn net.Conn) Class {
	n := 0
	for n < statusLen {
		m, err := conn.Read(p.buf[n:])
		n += m
		if err != nil && n < statusLen {
			return classOf(err, ClassReset)
		}
	}
	if code := statusOf(p.buf[:n]); code >= 200 && code < 400 {
		return ClassOK
	}
	return ClassStatus
}

// statusOf reads the status code of an HTTP/1 answer, 0 when it is none.
func statusOf(answer []byte) int {
	if len(answer) < statusLen || !bytes.HasPrefix(answer, []byte("HTTP/1.")) || answer[8] != ' ' {
		return 0
	}
	code := 0
	for _, c := range answer[9:statusLen] {
		if c < '0' || c > '9' {
			return 0
		}
		code = code*10 + int(c-'0')
	}
	if len(answer) > statusLen && answer[statusLen] >= '0' && answer[statusLen] <= '9' {
		return 0 // a fourth digit
	}
	return code
}

// classOf classifies an error of dialling or of a connection; other is for
// those that are none of the known kinds.
func classOf(err error, other Class) Class {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ClassTimeout
	case errors.As(err, &timeout) && timeout.Timeout():
		return ClassTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ClassReset
	}
	return other
}
