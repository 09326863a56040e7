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

	mu    sync.Mutex    // guards what follows
	more  chan struct{} // closed when more comes, and replaced
	audio []byte        // the last of it
	sum   int64         // bytes that came in all
	at    time.Time     // when the last of it came
}

// add takes what came.
func (s *show) add(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Now()
	s.sum += int64(len(data))
	s.audio = append(s.audio, data...)
	s.audio = s.audio[max(0, len(s.audio)-maxKept):]
	close(s.more)
	s.more = make(chan struct{})
}

// live tells whether something came lately.
func (s *show) live() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.at) <= fresh
}

// after is what came after so many bytes, as far as it was kept, and how many that are
// then. It waits a while for more to come, and returns nothing when none does.
func (s *show) after(ctx context.Context, n int64, patience time.Duration) (audio []byte, sum int64) {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	for {
		s.mu.Lock()
		audio, sum = s.audio[max(0, int64(len(s.audio))-(s.sum-n)):], s.sum
		audio = append([]byte(nil), audio...)
		more := s.more
		s.mu.Unlock()
		if len(audio) > 0 {
			return audio, sum
		}
		select {
		case <-more:
		case <-wait.C:
			return nil, sum
		case <-ctx.Done():
			return nil, sum
		}
	}
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
	for data := make([]byte, maxKept); ; timer.Reset(gather) {
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
