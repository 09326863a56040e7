package recorder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"deadair/balancer/env"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder/feed"
	"deadair/balancer/recorder/icy"
)

// sendBuffer is how much of what a listener is sent may wait in the kernel, in bytes;
// Linux takes twice as much. Without a limit it is megabytes for each one who stalls.
const sendBuffer = 64 << 10

// serveListener sends a mount's stream to a listener until one of them ends.
func (r *Recorder) serveListener(ctx context.Context, p *port, w *wire, h *icecast.Head) {
	mount, _ := h.Mount() // question has seen it
	a, ok := r.shows.onAir(mount, time.Now())
	if !ok {
		_ = r.reply(w, h, http.StatusNotFound, nil)
		return
	}
	if h.Method == http.MethodHead {
		_ = r.sendHead(w, h, a, a.feed.Type())
		w.linger(r.cfg.LingerTimeout)
		return
	}
	l, reason := r.join(a)
	if l == nil {
		r.metrics.listenRefused.WithLabelValues(reason).Inc()
		_ = r.answer(w, http.StatusServiceUnavailable, nil, "too many listeners: try again later")
		w.linger(r.cfg.LingerTimeout)
		return
	}
	p.conns.Add(-1)
	cause := r.play(ctx, w, h, a, l)
	p.conns.Add(1)
	l.Leave()
	r.listeners.Add(-1)
	r.metrics.listenEnded.WithLabelValues(cause).Inc()
	r.log.Debug("listener ended", "mount", mount, "cause", cause)
	if cause == causeOver || cause == causeChanged {
		w.linger(r.cfg.LingerTimeout)
	}
}

// join takes a listener in, or tells why not. Who was taken in has to be counted out.
func (r *Recorder) join(a audible) (l *feed.Listener, reason string) {
	if r.listeners.Add(1) > int64(r.cfg.MaxListeners) {
		r.listeners.Add(-1)
		return nil, "listeners"
	}
	l, ok := a.feed.Join(r.cfg.MaxMountListeners, a.live)
	if !ok {
		r.listeners.Add(-1)
		return nil, "mount-listeners"
	}
	r.metrics.listened.Inc()
	return l, ""
}

// Causes of a listener's end, for the metrics.
const (
	causeOver    = "over"    // the show is
	causeChanged = "changed" // the show goes on with another content type
	causeSlow    = "slow"    // too far behind, or takes nothing any more
	causeGone    = "gone"
	causeStop    = "stop" // the recorder ends
	causeDisk    = "disk"
)

// play sends all, and tells why it ended.
func (r *Recorder) play(ctx context.Context, w *wire, h *icecast.Head, a audible, l *feed.Listener) (cause string) {
	if c, ok := w.Conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // it is a wish
	}
	o := outlet{conn: w.Conn, timeout: r.cfg.ListenerTimeout}
	defer func() { r.metrics.listenBytes.Add(float64(o.sent)) }()
	err := r.sendHead(w, h, a, l.Type())
	if err == nil {
		if titled(h, l.Type()) {
			o.titles = icy.New(func() string { return r.shows.title(a.show) })
		}
		err = o.sendPast(r.env.Disk, l.Past())
	}
	for err == nil {
		var p [][]byte
		switch p, err = l.Next(ctx); {
		case err != nil:
		case len(p) == 0:
			err = w.present()
		default:
			err = o.send(p...)
		}
	}
	switch {
	case ctx.Err() != nil:
		return causeStop
	case errors.Is(err, feed.ErrOver):
		return causeOver
	case errors.Is(err, feed.ErrChanged):
		return causeChanged
	case errors.Is(err, feed.ErrSlow), errors.Is(err, os.ErrDeadlineExceeded):
		return causeSlow
	case errors.Is(err, errPast):
		r.log.Warn("listener dropped: recording not read", "mount", a.show.mount, "err", err)
		return causeDisk
	}
	return causeGone
}

// titled tells whether a listener gets titles: if he asks for them, and if the stream
// has none of its own.
func titled(h *icecast.Head, contentType string) bool {
	return h.Header.Get("Icy-MetaData") == "1" && !strings.HasSuffix(contentType, "/ogg")
}

// sendHead answers as Icecast 2.4.4 does, in HTTP/1.0: the body has no length.
func (r *Recorder) sendHead(w *wire, h *icecast.Head, a audible, contentType string) error {
	reply := icecast.Reply{Proto: "HTTP/1.0", Status: http.StatusOK, Header: icecast.Header{
		{Name: "Connection", Value: "Close"},
		{Name: "Date", Value: r.env.Wall().UTC().Format(http.TimeFormat)},
		{Name: "Content-Type", Value: contentType},
		{Name: "Cache-Control", Value: "no-cache, no-store"},
		{Name: "Expires", Value: "Mon, 26 Jul 1997 05:00:00 GMT"},
		{Name: "Pragma", Value: "no-cache"},
		{Name: "Access-Control-Allow-Origin", Value: "*"},
	}}
	for _, f := range a.stream.fields() {
		if f.Value != "" {
			reply.Header = append(reply.Header, f)
		}
	}
	if titled(h, contentType) {
		reply.Header.Add("icy-metaint", strconv.Itoa(icy.Interval))
	}
	if err := w.SetWriteDeadline(time.Now().Add(r.cfg.AnswerTimeout)); err != nil {
		return err
	}
	_, err := reply.WriteTo(w)
	return err
}

// outlet is where one listener's stream goes.
type outlet struct {
	conn    net.Conn
	timeout time.Duration
	titles  *icy.Writer // nil for none
	refresh time.Time   // when the deadline has to be set again
	pieces  [][]byte
	buffers net.Buffers
	sent    int64
}

// send sends some bytes of the stream, and titles where they are due.
func (o *outlet) send(stream ...[]byte) error {
	o.pieces = o.pieces[:0]
	for _, p := range stream {
		if o.titles == nil {
			o.pieces = append(o.pieces, p)
			continue
		}
		o.pieces = o.titles.Append(o.pieces, p)
	}
	if now := time.Now(); !now.Before(o.refresh) { // so that it is not set for each write
		o.refresh = now.Add(o.timeout / 16)
		if err := o.conn.SetWriteDeadline(o.refresh.Add(o.timeout)); err != nil {
			return err
		}
	}
	o.buffers = o.pieces
	n, err := o.buffers.WriteTo(o.conn)
	o.sent += n
	return err
}

// errPast is a recording that could not be read.
var errPast = errors.New("read recording")

// sendPast sends what was recorded before the listener came.
func (o *outlet) sendPast(disk env.Disk, past []feed.Extent) error {
	for _, e := range past {
		if err := o.sendExtent(disk, e); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) sendExtent(disk env.Disk, e feed.Extent) error {
	f, err := disk.OpenFile(e.File, os.O_RDONLY)
	if err != nil {
		return fmt.Errorf("%w: %w", errPast, err)
	}
	defer f.Close()
	buf := make([]byte, min(e.To-e.From, icy.Interval))
	for e.From < e.To {
		p := buf[:min(int64(len(buf)), e.To-e.From)]
		if n, err := f.ReadAt(p, e.From); n < len(p) {
			return fmt.Errorf("%w %s: %w", errPast, e.File, err)
		}
		if err := o.send(p); err != nil {
			return err
		}
		e.From += int64(len(p))
	}
	return nil
}
