package audio

import (
	"fmt"
	"time"
)

// Sink takes the tracks that a [Joiner] makes, one after another.
type Sink interface {
	// Track begins a track: what is written from now on belongs to it.
	Track(f Format) error
	// Write takes bytes of the track: whole frames, pages or blocks.
	Write(p []byte) (int, error)
}

// Joiner makes tracks of streams that are given to it one after another, each as a
// sequence of bytes. Streams go on in one track as long as they may:
//
//   - MP3 of one version, sample rate and number of channels. Frames that lean on bytes
//     of frames that are not there any more are made silent, and stay in their place, for
//     the frames behind them lean on theirs. Tags and Xing, Info and VBRI frames are left
//     out: [Track.Head] makes a fresh one.
//   - ADTS of one profile, sample rate and number of channels.
//   - Opus and Vorbis with equal headers, as one logical stream: what else comes in Ogg
//     pages is a track for each stream.
//   - What is opaque is a track for each stream.
//
// Frames that a stream repeats from the end of the one before are left out.
//
// It holds less than 1 MiB, however long the streams are.
type Joiner struct {
	sink   Sink
	tracks []Track
	stream *stream
	tail   tail // of the frames of the last track
	ogg    oggTrack
}

// Track is what a track holds.
type Track struct {
	Format   Format
	Frames   int64         // frames or pages; 0 when opaque
	Bytes    int64         // without Head
	Duration time.Duration // of the audio; 0 when unknown

	mp3 mp3Track
}

// Piece is what became of one stream. Its units lie in the tracks From to To one after
// another; a stream that changes within itself is in more than one.
type Piece struct {
	From, To int           // indices of tracks; To < From when nothing is left of it
	Start    time.Duration // where it begins in the track From
	At       int64         // the same in bytes, without the track's Head
	Bytes    int64         // of the track From that are its own
	Frames   int64         // kept
	Duration time.Duration // kept
	Repeated int64         // frames left out that the track had already
	Silenced int64         // frames made silent
}

// NewJoiner joins into a sink.
func NewJoiner(sink Sink) *Joiner { return &Joiner{sink: sink} }

// Tracks are the tracks so far.
func (j *Joiner) Tracks() []Track { return j.tracks }

// stream is the stream that is being joined.
type stream struct {
	split Splitter
	held  []byte // not decided yet
	join  bool   // nothing of it is in a track yet, and it does not go on from the one before
	piece Piece
	flow  int // bytes of MP3 frames, since its beginning, that later frames may lean on
	match overlap

	length time.Duration // of the page that is being taken
}

// Begin begins a stream of a format. Continues tells that it goes on where the one
// before ended, byte by byte, as the next file of one recording.
func (j *Joiner) Begin(f Format, continues bool) {
	s := &stream{split: Splitter{Format: f}, join: true, piece: Piece{From: len(j.tracks), To: len(j.tracks) - 1}}
	if continues && j.stream != nil && j.stream.split.Format == f {
		s.join, s.flow = false, j.stream.flow
		s.split = j.stream.split
		s.split.offset = 0
	}
	if s.join {
		j.ogg.newStream()
		s.match = overlap{tail: &j.tail}
	}
	j.stream = s
}

// Write takes bytes of the stream.
func (j *Joiner) Write(p []byte) (int, error) {
	s := j.stream
	all := p
	if len(s.held) > 0 {
		s.held = append(s.held, p...)
		all = s.held
	}
	rest, err := j.cut(all, false)
	s.held = append(s.held[:0], rest...)
	return len(p), err
}

// End ends the stream and tells what became of it.
func (j *Joiner) End() (Piece, error) {
	s := j.stream
	if _, err := j.cut(s.held, true); err != nil {
		return s.piece, err
	}
	s.held = nil
	if err := j.decide(s.match.end()); err != nil {
		return s.piece, err
	}
	if s.piece.From == s.piece.To {
		s.piece.Bytes = j.length(s.piece.From) - s.piece.At
	}
	return s.piece, nil
}

// length is how long a track is, with what is kept back of it.
func (j *Joiner) length(track int) int64 {
	n := j.tracks[track].Bytes
	if track == len(j.tracks)-1 {
		n += int64(len(j.ogg.out.pending))
	}
	return n
}

// Close ends the last track.
func (j *Joiner) Close() error { return j.endTrack() }

// cut takes all units that are decided and returns the rest.
func (j *Joiner) cut(p []byte, end bool) ([]byte, error) {
	s := j.stream
	for {
		u, ok := s.split.Next(p, end)
		if !ok {
			return p, nil
		}
		if err := j.unit(u, p[:u.Length]); err != nil {
			return nil, err
		}
		p = p[u.Length:]
	}
}

// unit takes one unit of the stream.
func (j *Joiner) unit(u Unit, p []byte) error {
	switch u.Kind {
	case Frame:
		return j.frame(u, p)
	case Page:
		j.stream.length = u.Duration
		return j.page(p)
	case Block:
		return j.block(u, p)
	}
	return nil
}

// block adds to an opaque track.
func (j *Joiner) block(u Unit, p []byte) error {
	if t := j.track(); j.stream.join || t == nil || t.Format != Opaque {
		if err := j.begin(Opaque); err != nil {
			return err
		}
	}
	return j.add(p, u.Duration, 0)
}

// begin begins a track.
func (j *Joiner) begin(f Format) error {
	if err := j.endTrack(); err != nil {
		return err
	}
	j.tracks = append(j.tracks, Track{Format: f})
	j.tail = tail{}
	if f != Ogg {
		j.ogg = oggTrack{}
	}
	if err := j.sink.Track(f); err != nil {
		return fmt.Errorf("begin track: %w", err)
	}
	return nil
}

func (j *Joiner) endTrack() error {
	t := j.track()
	if t == nil || t.Format != Ogg {
		return nil
	}
	return j.ogg.flush(j)
}

// track is the last track, nil while there is none.
func (j *Joiner) track() *Track {
	if len(j.tracks) == 0 {
		return nil
	}
	return &j.tracks[len(j.tracks)-1]
}

// claim tells the stream's piece that something of it comes into the last track.
func (j *Joiner) claim() {
	s := j.stream
	last := len(j.tracks) - 1
	if s.piece.To < s.piece.From {
		s.piece.From, s.piece.Start, s.piece.At = last, j.tracks[last].Duration, j.length(last)
	}
	s.piece.To = last
	s.join = false
}

// add writes units to the last track.
func (j *Joiner) add(p []byte, d time.Duration, frames int64) error {
	j.claim()
	t := j.track()
	t.Frames += frames
	t.Duration += d
	j.stream.piece.Frames += frames
	j.stream.piece.Duration += d
	return j.write(p)
}

// write writes bytes that are no units of a stream's.
func (j *Joiner) write(p []byte) error {
	j.track().Bytes += int64(len(p))
	if _, err := j.sink.Write(p); err != nil {
		return fmt.Errorf("write track: %w", err)
	}
	return nil
}
