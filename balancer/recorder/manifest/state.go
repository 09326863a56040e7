package manifest

import "time"

// State is what a manifest's lines add up to.
type State struct {
	Session, Mount, Account string

	Epoch    int64     // the highest; 0 when no source was accepted
	Guessed  bool      // the recorder assigned Epoch
	Live     bool      // the last source has not ended
	Until    time.Time // end of the reconnect window, when not Live
	Title    string    // the last one
	Finished bool
	Killed   bool            // somebody ended the show, rather than its window
	Segments []Part          // in the order they were created
	Ended    map[int64]Cause // why sources ended, by epoch

	Stage  Type      // how far publishing has come; "" when it has not begun since the show was over
	Plan   string    // of Stage
	Since  time.Time // of Stage, or of Finished while there is none
	Upload Line      // the last Uploading or Completing line of the plan that is being published
}

// Part is one segment file.
type Part struct {
	File   string
	Epoch  int64
	Began  time.Time
	Sealed *Line // nil while it is not
}

// Replay adds up the lines of a manifest. It reports false when they do not begin
// with a session's line: then nothing was promised.
func Replay(lines []Line) (State, bool) {
	if len(lines) == 0 || lines[0].Type != Session || lines[0].Session == "" {
		return State{}, false
	}
	s := State{Session: lines[0].Session, Mount: lines[0].Mount, Account: lines[0].Account}
	for i := range lines {
		s.apply(&lines[i])
	}
	return s, true
}

func (s *State) apply(l *Line) {
	switch l.Type {
	case Source:
		if l.Epoch >= s.Epoch {
			s.Epoch, s.Guessed = l.Epoch, l.Guessed
		}
		s.Live, s.Finished, s.Killed = true, false, false
		s.Stage, s.Plan, s.Upload = "", "", Line{}
	case Segment:
		s.Segments = append(s.Segments, Part{File: l.File, Epoch: l.Epoch, Began: l.At})
	case Sealed:
		for i := range s.Segments {
			if s.Segments[i].File == l.File {
				s.Segments[i].Sealed = l
			}
		}
	case Ended:
		// The end of a source that was taken over says nothing about its successor.
		if s.Ended == nil {
			s.Ended = map[int64]Cause{}
		}
		s.Ended[l.Epoch] = l.Cause
		if l.Epoch >= s.Epoch {
			s.Live, s.Until = false, l.Until
		}
	case Title:
		s.Title = l.Title
	case Finished:
		s.Live, s.Finished, s.Killed, s.Since = false, true, l.Cause == Kill, l.At
	case Stitched, Published, Verified, Collected, Uploading, Completing:
		s.publishing(l)
	}
}

// publishing takes a line about publishing. It is about what there was when the show was
// over: should a source have come back meanwhile, it says nothing about the show as it is.
func (s *State) publishing(l *Line) {
	if !s.Finished || l.Epoch != 0 && l.Epoch != s.Epoch { // older versions noted no epoch
		return
	}
	s.Stage, s.Plan, s.Since, s.Upload = l.Type, l.Plan, l.At, Line{}
	switch l.Type {
	case Uploading, Completing:
		s.Upload = *l
	case Collected:
		s.Segments = nil
	}
}
