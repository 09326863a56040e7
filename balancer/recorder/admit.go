package recorder

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"deadair/balancer/recorder/manifest"
)

// errBusy is a source before that did not come to its end in time.
var errBusy = errors.New("the source before has not ended: try again")

// admission is a source that may go on air.
type admission struct {
	show *show
	src  *source
	tape *tape
	decision
}

// admit decides about a source and, if it is accepted, makes that durable: its
// session, its epoch, that it is here. The source before it has written its end then,
// and writes nothing any more.
func (r *Recorder) admit(ctx context.Context, q request, w *wire) (*admission, decision) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.TakeoverDeadline)
	defer cancel()
	s := r.shows.enter(q.mount)
	if s == nil {
		return nil, decision{status: http.StatusInsufficientStorage, reason: "mounts"}
	}
	defer r.shows.leave(s)
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, decision{status: http.StatusServiceUnavailable, reason: "busy"}
	}
	defer func() { <-s.turn }()

	src := newSource(q.mount, w)
	d := r.shows.claim(s, q, r.doors(), src, time.Now())
	if d.status != http.StatusOK {
		return nil, d
	}
	rec, title, err := r.prepare(ctx, s, q, d)
	if err != nil {
		r.shows.abandon(s, src, d, time.Now())
		return nil, r.unprepared(s.mount, err)
	}
	r.shows.begin(s, src, rec, title, streamOf(q.header, r.env.Wall()))
	if q.title != "" {
		_, _ = r.SetTitle(q.mount, q.title) // an error of the disk is known already
	}
	return &admission{show: s, src: src, tape: r.newTape(s, rec, q, d.epoch), decision: d}, d
}

// prepare ends the source before, which the higher epoch has outdone, and writes down that there is a new one.
func (r *Recorder) prepare(ctx context.Context, s *show, q request, d decision) (*recording, string, error) {
	if s.last != nil && d.epoch > d.before.epoch {
		s.last.stop(manifest.Takeover, r.cfg.TakeoverGrace)
		select {
		case <-s.last.done:
		case <-ctx.Done():
			return nil, "", errBusy
		}
	}
	source := manifest.Line{Type: manifest.Source, Epoch: d.epoch, Guessed: d.guessed, Header: q.header}
	if !d.fresh {
		return s.recording, r.shows.title(s), s.recording.commit(source)
	}
	session := manifest.Line{
		Type: manifest.Session, Session: q.session, Mount: q.mount, Account: q.account, Recorder: r.cfg.Name,
	}
	rec, state, err := openRecording(r.library.recording(q.session), session, source)
	if err != nil {
		return nil, "", err
	}
	if d.before.recording != nil {
		r.conclude(d.before.recording, manifest.Superseded)
	}
	return rec, state.Title, nil
}

// unprepared is the answer to a source that could not be written down.
func (r *Recorder) unprepared(mount string, err error) decision {
	switch {
	case errors.Is(err, errBusy):
		return decision{status: http.StatusServiceUnavailable, reason: "busy"}
	case errors.Is(err, errOtherShow):
		return decision{status: http.StatusLocked, reason: "session-taken"}
	case errors.Is(err, errKilled):
		return decision{status: http.StatusGone, reason: "session-killed"}
	}
	r.diskTrouble(err)
	r.log.Error("source could not be written down", "mount", mount, "err", err)
	return decision{status: http.StatusInsufficientStorage, reason: "disk"}
}

// conclude notes that a session is over. A manifest that does not take it now is put
// right when the recorder starts.
func (r *Recorder) conclude(rec *recording, cause manifest.Cause) {
	if err := rec.owe(manifest.Line{Type: manifest.Finished, Cause: cause}); err != nil {
		r.diskTrouble(err)
		r.log.Error("session could not be concluded", "session", rec.dir, "err", err)
	}
	r.library.over(rec.dir)
}

func (r *Recorder) newTape(s *show, rec *recording, q request, epoch int64) *tape {
	return &tape{
		recording: rec, epoch: epoch, syncer: r.syncer, feed: s.feed,
		limits:  limits{length: r.cfg.SegmentLength, bytes: r.cfg.SegmentBytes},
		title:   func() string { return r.shows.title(s) },
		trouble: r.diskTrouble,
		opaque: func() {
			r.metrics.opaque.Inc()
			r.log.Warn("source sends nothing known as audio: it is kept as it comes; look at its encoder's settings",
				"mount", q.mount, "account", q.account, "content-type", q.header["content-type"])
		},
		wrote: func(n int, u units) {
			r.metrics.bytes.Add(float64(n))
			r.metrics.audio.Add(u.duration.Seconds())
		},
	}
}

// doors is what keeps sources out now.
func (r *Recorder) doors() doors {
	c := r.watch.condition()
	return doors{closed: c.failing, full: c.full, draining: r.draining.Load()}
}

// buffers are the room that sources are read into, bufferSize bytes each.
type buffers struct{ pool sync.Pool }

// bufferSize holds a quarter of a second of 128 kbit/s.
const bufferSize = 4 << 10

func (b *buffers) get() []byte {
	if p, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return p[:]
	}
	return make([]byte, bufferSize)
}

func (b *buffers) put(p []byte) {
	if len(p) == bufferSize {
		b.pool.Put((*[bufferSize]byte)(p))
	}
}

// record records an admitted source until it ends.
func (r *Recorder) record(ctx context.Context, a *admission, w *wire) {
	defer close(a.src.done)
	defer context.AfterFunc(ctx, func() { a.src.stop(manifest.Stop, r.cfg.TakeoverGrace) })()
	a.tape.buf = r.buffers.get()
	log := r.log.With("mount", a.show.mount, "session", a.session, "epoch", a.epoch)
	log.Info("source connected", "remote", w.RemoteAddr().String())
	cause := a.src.copy(a.tape, pace{r.cfg.IdleTimeout, r.cfg.Batch})
	line := a.tape.end(cause)
	r.buffers.put(a.tape.buf)
	line.Until = r.env.Wall().Add(r.cfg.Window).UTC()
	if err := a.tape.recording.owe(line); err != nil {
		r.diskTrouble(err)
	}
	r.shows.ended(a.show, a.src, time.Now())
	r.metrics.ended.WithLabelValues(string(cause)).Inc()
	log.Info("source ended", "cause", cause, "torn", line.Torn, "junk", line.Junk)
}
