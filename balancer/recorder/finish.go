package recorder

import (
	"context"
	"fmt"
	"time"

	"deadair/balancer/recorder/manifest"
)

// sweep finishes the shows whose window has passed.
func (r *Recorder) sweep(ctx context.Context) {
	timer := time.NewTimer(r.env.Phase("sweep", r.cfg.SweepInterval))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(r.cfg.SweepInterval)
		for _, mount := range r.shows.expired(time.Now()) {
			r.expire(mount)
		}
		r.shows.forget(time.Now().Add(-r.cfg.Remember))
	}
}

// expire finishes a show, unless somebody is just about to change it.
func (r *Recorder) expire(mount string) {
	s := r.shows.enter(mount)
	if s == nil {
		return
	}
	defer r.shows.leave(s)
	select {
	case s.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-s.turn }()
	if _, held := r.shows.look(mount, time.Now()); held || !s.open {
		return
	}
	r.finish(s, manifest.Window)
}

// finish ends a show that has nobody live. Who calls it holds the turn.
func (r *Recorder) finish(s *show, cause manifest.Cause) {
	r.conclude(s.recording, cause)
	r.log.Info("session finished", "mount", s.mount, "session", s.session, "cause", cause)
	r.shows.finish(s, time.Now())
}

// Kill ends a mount's show at once. It is false when nobody holds the mount.
func (r *Recorder) Kill(ctx context.Context, mount string) (bool, error) {
	s := r.shows.enter(mount)
	if s == nil {
		return false, nil
	}
	defer r.shows.leave(s)
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return false, fmt.Errorf("kill %s: %w", mount, ctx.Err())
	}
	defer func() { <-s.turn }()
	if _, held := r.shows.look(mount, time.Now()); !held {
		return false, nil
	}
	if s.last != nil {
		s.last.stop(manifest.Kill, r.cfg.TakeoverGrace)
		select {
		case <-s.last.done:
		case <-ctx.Done():
			return false, fmt.Errorf("kill %s: %w", mount, ctx.Err())
		}
	}
	r.finish(s, manifest.Kill)
	return true, nil
}
