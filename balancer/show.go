package balancer

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// show is a source on air through this balancer.
type show struct {
	mount, account string
	proof          string // of the account's credentials
	session        string
	recorder       fleet.Recorder
	epoch          int64 // as the recorder knows it
	guessed        bool  // the recorder chose the epoch, for the index was away
	client         net.Conn
	upstream       net.Conn // to the recorder
	body           body
	haste          chan struct{} // of one: the next rest of its pump is left out

	// The goroutine that tends the show owns these.
	indexed   int64     // its epoch in the index; 0 when the index does not have it
	unsettled bool      // the index does not know the recorder
	unplaced  int64     // epoch of a claim on the mount that no recorder had when it was seen
	due       time.Time // when the index is told of it again
	asked     time.Time // when the recorder was last asked for it

	stop func() bool // of its end with the balancer's

	sourceDone atomic.Bool // the source has ended its body; the recorder takes the rest
	once       sync.Once
	ended      chan struct{} // closed by cut
	why        ending        // set before ended is closed
}

// ending is why a show left the air; a log key and metric.
type ending string

const (
	endSource       ending = "source-ended"
	endSourceLost   ending = "source-lost"
	endSourceBad    ending = "source-malformed" // its body is not chunked as it says
	endRecorder     ending = "recorder-ended"
	endRecorderGone ending = "recorder-silent"
	endStalled      ending = "recorder-stalled"
	endSuperseded   ending = "superseded"
	endNotHeld      ending = "recorder-lost-it"
	endStopped      ending = "stopped"
)

// cut closes both connections, the first time it is called. A source that did not
// end by itself is reset, so that it notices at once and comes back.
func (s *show) cut(why ending) {
	s.once.Do(func() {
		s.why = why
		close(s.ended)
		if !s.sourceDone.Load() {
			abort(s.client)
		}
		s.client.Close()
		s.upstream.Close()
	})
}

// hurry has what the source has sent handed on now instead of at the end of a batch.
func (s *show) hurry() {
	select {
	case s.haste <- struct{}{}:
	default:
	}
}

// newerThan tells whether s is a later connection of the same mount than o, taking
// those that cannot be compared to have come in this order.
func (s *show) newerThan(o *show) bool {
	comparable := s.recorder.Name == o.recorder.Name || !s.guessed && !o.guessed
	return !comparable || s.epoch >= o.epoch
}

// answer tells the client that it is on air.
func (b *Balancer) answer(s *show, a *admission) bool {
	a.client.SetWriteDeadline(time.Now().Add(b.cfg.HeadTimeout))
	if err := icecast.Accept(a.client, a.head); err != nil {
		s.cut(endSourceLost)
		b.log.Info("source left before its answer", "mount", s.mount, "err", err)
		return false
	}
	a.client.SetWriteDeadline(time.Time{})
	b.metrics.accepted(time.Since(a.began))
	b.log.Info("source on air", "mount", s.mount, "session", s.session, "epoch", s.epoch, "recorder", s.recorder.Name, "index", s.indexed > 0)
	return true
}

// begin takes an answered show in, and returns what carries it to its end: on two
// goroutines, whose stacks stay small because what is deep is done here, at the end or
// aside.
func (b *Balancer) begin(ctx context.Context, s *show) (carry func()) {
	s.stop = context.AfterFunc(ctx, func() { s.cut(endStopped) })
	if older := b.table.add(s); older != nil {
		older.cut(endSuperseded) // it may be s itself
	}
	s.asked = time.Now()
	s.due = s.asked.Add(b.cfg.RestoreInterval)
	if s.inIndex() {
		s.due = s.asked.Add(b.env.Phase("renew "+s.mount, b.cfg.RenewInterval))
	}
	return func() {
		var relaying sync.WaitGroup
		relaying.Go(func() { s.cut(b.relay(s)) })
		b.tend(ctx, s)
		relaying.Wait()
		b.end(s)
	}
}

// end lets go of a show that is over.
func (b *Balancer) end(s *show) {
	s.stop()
	b.table.remove(s)
	b.table.leave(s.account, s.mount)
	b.metrics.ended(s.why)
	b.log.Info("source off air", "mount", s.mount, "session", s.session, "epoch", s.epoch, "why", string(s.why))
}

// tend reads what the recorder sends, which is nothing, to see its end at once, and
// between keeps the show in the index.
func (b *Balancer) tend(ctx context.Context, s *show) {
	var scrap [64]byte
	for {
		s.upstream.SetReadDeadline(s.due)
		_, err := s.upstream.Read(scrap[:])
		switch {
		case err == nil:
			continue
		case !isTimeout(err):
			s.cut(s.recorderEnding())
			return
		}
		var why ending
		over := false
		aside(func() { why, over = b.keep(ctx, s) })
		if over {
			s.cut(why)
			return
		}
		s.due = time.Now().Add(b.cfg.RestoreInterval)
		if s.inIndex() {
			s.due = time.Now().Add(b.cfg.RenewInterval)
		}
	}
}

// aside runs f on another stack, and waits. A call to the index makes a stack grow,
// which a show would then hold for as long as it lasts.
func aside(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// recorderEnding is what the recorder's end of the connection means.
func (s *show) recorderEnding() ending {
	if s.sourceDone.Load() {
		return endSource
	}
	return endRecorder
}

// inIndex tells whether the index knows the show and where it is.
func (s *show) inIndex() bool { return s.indexed > 0 && !s.unsettled }

// keep renews the show in the index, or brings it back into it, and as often as it is
// renewed asks the recorder whether it still hears the source. It tells whether the
// show is over.
func (b *Balancer) keep(ctx context.Context, s *show) (why ending, over bool) {
	renews := s.inIndex()
	if renews {
		why, over = b.renew(ctx, s)
	} else {
		why, over = b.restore(ctx, s)
	}
	if over || !renews && time.Since(s.asked) < b.cfg.RenewInterval {
		return why, over
	}
	s.asked = time.Now()
	return b.verify(ctx, s)
}

// verify asks the recorder for the show. A connection can die without a word, its
// bytes going nowhere; the recorder then knows that the source is gone.
func (b *Balancer) verify(ctx context.Context, s *show) (ending, bool) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AskDeadline)
	defer cancel()
	h, err := fleet.AskOne(ctx, b.env.DialContext, s.recorder, s.mount)
	if errors.Is(err, fleet.ErrNotHeld) || err == nil && (!h.Live || h.Epoch > s.epoch) {
		return endNotHeld, true
	}
	return "", false
}
