package check

import (
	"cmp"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// show is one broadcaster's evidence.
type show struct {
	plan     scenario.Broadcaster
	frame    time.Duration // length of one
	onAir    time.Duration // instant of frame 0; -1: never
	offAir   time.Duration // -1: never
	produced int64         // frames
	hash     string        // the recorder that the hash alone would choose
	own      []int         // events of the broadcaster itself, in order
	pieces   []piece       // what is on disks, by first frame
	tracks   []piece       // what is in the store, by first frame
	found    []int         // events of tracks that hold frames of it
	stored   []int         // events of tracks that appeared, whosesoever
	breaks   []*interruption
	gaveUp   int // event, -1: never

	published bool // what counts is in the store
	events    []history.Event
}

// recording is the finished recording of the show: what is in the store if there is
// one, else what is on disks.
func (s *show) recording() []piece {
	if s.published {
		return s.tracks
	}
	return s.pieces
}

// piece is a run of frames in one file.
type piece struct {
	from, to int64
	writer   writer
	file     string
	event    int
}

// writer is who wrote a piece.
type writer struct {
	recorder, session string
	epoch             int64
}

// interruption is the time from a loss to the next acceptance.
type interruption struct {
	lost     history.Event
	lostIx   int
	accepted *history.Event // nil: never again
	acceptIx int
	tries    []int // events in between: answers and attempts
	path     path  // of the connection that was lost
	first    int64 // frame of the connection that was lost
	cause    *step // nil: unexplained
	silence  *step // the earliest silent step on the path that had not ended long before; nil: none
}

// frameLength is how long one frame plays, by the show's bit rate.
func frameLength(bitrate int) time.Duration {
	if bitrate == 128_000 {
		return 24 * time.Millisecond
	}
	return 72 * time.Millisecond
}

func newShow(b scenario.Broadcaster) *show {
	return &show{plan: b, frame: frameLength(b.Bitrate), onAir: -1, offAir: -1, gaveUp: -1}
}

func (s *show) take(i int, ev history.Event) {
	switch ev.Kind {
	case history.HashChoice:
		s.hash = ev.Peer
		return
	case history.SegmentFound:
		for _, r := range ev.Ranges {
			s.pieces = append(s.pieces, piece{r.From, r.To, writer{ev.Node, ev.Session, ev.Epoch}, ev.File, i})
		}
		return
	case history.TrackFound:
		s.found = append(s.found, i)
		for _, r := range ev.Ranges {
			s.tracks = append(s.tracks, piece{r.From, r.To, writer{ev.Node, ev.Session, ev.Epoch}, ev.File, i})
		}
		return
	case history.OnAir:
		s.onAir = ev.At
	case history.OffAir:
		s.offAir, s.produced = ev.At, ev.Frame
	case history.GaveUp:
		s.gaveUp = i
	}
	s.own = append(s.own, i)
}

// finish derives what needs all events.
func (s *show) finish(e *evidence) {
	s.events = e.events
	s.published = e.plan.System.Store != nil
	sortPieces(s.pieces)
	sortPieces(s.tracks)
	var open *interruption
	var current history.Event // acceptance of the connection that is open
	for _, i := range s.own {
		ev := e.events[i]
		switch {
		case ev.Kind == history.Lost:
			way := path{s.plan.Name, ev.Peer, s.holder(current.Frame, ev.Frame-1).recorder, current.At - current.Took, current.At}
			open = &interruption{lost: ev, lostIx: i, acceptIx: -1, first: current.Frame, path: way}
			s.breaks = append(s.breaks, open)
		case ev.Kind == history.Attempt && ev.Class == "accepted":
			if open != nil {
				open.accepted, open.acceptIx = &e.events[i], i
			}
			open, current = nil, ev
		case open != nil:
			open.tries = append(open.tries, i)
		}
	}
	for _, b := range s.breaks {
		b.cause, b.silence = e.cause(s, b.path, b.lost.At), e.silence(s, b.path, b.lost.At)
	}
}

// sortPieces sorts by first frame.
func sortPieces(pieces []piece) {
	slices.SortStableFunc(pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.writer.epoch, b.writer.epoch), cmp.Compare(a.event, b.event))
	})
}

// holder is who wrote the last frame on disk of a run of them; nobody when there
// is none.
func (s *show) holder(from, to int64) writer {
	var w writer
	for _, p := range s.pieces {
		if p.from > to {
			break
		}
		if p.to >= from {
			w = p.writer
		}
	}
	return w
}

// next is who wrote the first frame that is on disk from a number on.
func (s *show) next(frame int64) (writer, bool) {
	for _, p := range s.pieces {
		if p.to >= frame {
			return p.writer, true
		}
	}
	return writer{}, false
}

// at is the instant at which a frame begins.
func (s *show) at(frame int64) time.Duration {
	return s.onAir + time.Duration(frame)*s.frame
}

// span is a run of frames.
type span struct{ from, to int64 }

// missing lists the frames that are not in the finished recording.
func (s *show) missing() []span { return missing(s.recording(), s.produced) }

// missing lists the frames of those produced that are in no piece.
func missing(pieces []piece, produced int64) []span {
	var all []span
	next := int64(0)
	for _, p := range pieces {
		if p.from > next {
			all = append(all, span{next, min(p.from, produced) - 1})
		}
		next = max(next, p.to+1)
		if next >= produced {
			break
		}
	}
	if next < produced {
		all = append(all, span{next, produced - 1})
	}
	return slices.DeleteFunc(all, func(m span) bool { return m.to < m.from })
}

// end is when an interruption was over.
func (s *show) end(b *interruption) time.Duration {
	if b.accepted != nil {
		return b.accepted.At
	}
	return s.offAir
}

// began is the earliest instant whose frames an interruption can have taken,
// apart from what was in flight: the loss, or the begin of a silence before it.
func (s *show) began(b *interruption) time.Duration {
	at := min(b.lost.At, s.at(b.lost.Frame))
	if b.silence != nil {
		at = min(at, s.hushed(b))
	}
	return at
}

// hushed is the earliest instant at which the silence before a loss can have begun: what a
// connection sends comes in order, so all before its last frame on a disk had come.
func (s *show) hushed(b *interruption) time.Duration {
	last := b.first - 1
	for _, p := range s.pieces {
		if p.from <= b.lost.Frame {
			last = max(last, min(p.to, b.lost.Frame))
		}
	}
	return max(b.silence.began, s.at(last+1))
}

// taken is the frames that an interruption can have taken: those of its connection
// and what follows. early is how much programme was in flight when it began.
func (s *show) taken(b *interruption, early time.Duration) span {
	t := span{max(b.first, int64((s.began(b)-early-s.onAir)/s.frame)-1), s.produced - 1}
	if b.accepted != nil {
		t.to = b.accepted.Frame - 1
	}
	return t
}

// overlap tells whether two runs of frames have one in common.
func (m span) overlap(o span) bool { return m.from <= o.to && o.from <= m.to }

// opening is the event of the first connection; -1 when there was none.
func (s *show) opening() int {
	for _, i := range s.own {
		if ev := s.events[i]; ev.Kind == history.Attempt && ev.Class == "accepted" {
			return i
		}
	}
	return -1
}

// start is the frames before the first connection.
func (s *show) start() span {
	if i := s.opening(); i >= 0 {
		return span{0, s.events[i].Frame - 1}
	}
	return span{0, s.produced - 1}
}
