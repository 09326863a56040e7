package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// show is one show as it comes.
type show struct {
	mount string
	came  chan struct{} // closed once something has come

	mu    sync.Mutex // guards what follows
	audio []byte
	at    time.Time // when the last of it came
}

// add takes what came.
func (s *show) add(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() {
		close(s.came)
	}
	s.at = time.Now()
	s.audio = append(s.audio, data...)
	s.audio = s.audio[max(0, len(s.audio)-maxPiece):]
}

// last is what came lately. Whoever is the first to ask waits for it a moment.
func (s *show) last(ctx context.Context) []byte {
	wait := time.NewTimer(deaf)
	defer wait.Stop()
	select {
	case <-s.came:
	case <-wait.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) > fresh {
		return nil
	}
	return append([]byte(nil), s.audio...)
}

// take listens to a show, wherever it is on air, until ctx is done.
func (s *Server) take(ctx context.Context, one *show) {
	timer := time.NewTimer(again)
	defer timer.Stop()
	for ctx.Err() == nil {
		for _, addr := range s.cfg.Recorders {
			if err := s.listen(ctx, addr, one); err != nil {
				s.env.Log.Debug("show not taken", "mount", one.mount, "recorder", addr, "err", err)
			}
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

// gather is how long what comes is gathered before it is taken up: a listener asks for
// seconds, and to wake up for each frame would cost as much as recording it.
const gather = time.Second

// listen takes a show from one recorder for as long as it is on air there.
func (s *Server) listen(ctx context.Context, addr string, one *show) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+one.mount, nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", one.mount, err)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", one.mount, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for %s: %s", one.mount, answer.Status)
	}
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for data := make([]byte, maxPiece); ; timer.Reset(gather) {
		n, err := answer.Body.Read(data)
		if n > 0 {
			one.add(data[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take %s: %w", one.mount, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
	}
}
