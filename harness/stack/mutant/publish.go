package mutant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
)

// storeOf is the store that a recorder's configuration names.
func storeOf(cfg *recorder.Config, e *env.Env) objects.Store {
	return objects.NewS3(objects.S3Config{
		Endpoint: cfg.Store, Bucket: cfg.StoreBucket, Region: cfg.StoreRegion, Key: cfg.StoreKey, Secret: cfg.StoreSecret,
		Deadline: cfg.StoreDeadline, Dial: e.DialContext, Wall: e.Wall,
	})
}

// onPublish is a mutant of what recorders publish to.
func onPublish(name, doc string, wrap func(objects.Store) objects.Store) Mutant {
	return Mutant{Name: name, Doc: doc, Recorder: func(cfg *recorder.Config, e *env.Env, p *recorder.Parts) {
		if cfg.Store != "" {
			p.Store = wrap(storeOf(cfg, e))
		}
	}}
}

// noRetry has the recorder give a show up after the first failure.
func noRetry() Mutant {
	return Mutant{Name: "no-retry", Doc: "a show that could not be published is not tried again",
		Recorder: func(cfg *recorder.Config, _ *env.Env, _ *recorder.Parts) {
			cfg.PublishBackoff, cfg.PublishBackoffMost = 30*24*time.Hour, 60*24*time.Hour
		}}
}

// retryNotIdempotent has each try put its tracks under names of their own, and ask
// nobody what is there.
func retryNotIdempotent() Mutant {
	return onPublish("retry-not-idempotent", "each try to publish makes an object of its own", func(s objects.Store) objects.Store {
		return &renaming{Store: s, tries: map[string]int{}}
	})
}

type renaming struct {
	objects.Store
	mu    sync.Mutex     // guards what follows
	tries map[string]int // by key: uploads that were begun
}

// Head implements objects.Store: a track is never there before its own try has ended.
func (r *renaming) Head(ctx context.Context, key string) (objects.Info, error) {
	info, err := r.Store.Head(ctx, r.name(key))
	if err == nil {
		return info, nil
	}
	return objects.Info{}, fmt.Errorf("%s: %w", key, objects.ErrNotFound)
}

func (r *renaming) name(key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	session, ext, _ := strings.Cut(key, ".")
	return fmt.Sprintf("%s-%d.%s", session, r.tries[key]+1, ext)
}

func (r *renaming) Uploads(context.Context, string) ([]string, error) { return nil, nil }

func (r *renaming) Begin(ctx context.Context, key, contentType string, meta map[string]string) (string, error) {
	r.mu.Lock()
	r.tries[key]++
	r.mu.Unlock()
	return r.Store.Begin(ctx, r.name(key), contentType, meta)
}

func (r *renaming) Part(ctx context.Context, key, upload string, n int, body []byte) (string, error) {
	return r.Store.Part(ctx, r.name(key), upload, n, body)
}

func (r *renaming) Complete(ctx context.Context, key, upload string, tags []string, c objects.Condition) error {
	return r.Store.Complete(ctx, r.name(key), upload, tags, c)
}

// deleteBeforeVerify has the recorder believe each answer of the store, and remove what
// it had at once.
func deleteBeforeVerify() Mutant {
	m := onPublish("delete-before-verify", "a show leaves the disk before the store was asked whether it has it", func(s objects.Store) objects.Store {
		return &credulous{Store: s, begun: map[string]objects.Info{}, said: map[string]objects.Info{}}
	})
	wrap := m.Recorder
	m.Recorder = func(cfg *recorder.Config, e *env.Env, p *recorder.Parts) {
		cfg.Keep = time.Millisecond
		wrap(cfg, e, p)
	}
	return m
}

// credulous is a store whose every completion counts as done.
type credulous struct {
	objects.Store
	mu    sync.Mutex              // guards what follows
	begun map[string]objects.Info // by upload: what it would be
	said  map[string]objects.Info // by key: what will be said of it
}

func (c *credulous) Head(ctx context.Context, key string) (objects.Info, error) {
	c.mu.Lock()
	info, ok := c.said[key]
	c.mu.Unlock()
	if ok {
		return info, nil
	}
	return c.Store.Head(ctx, key)
}

func (c *credulous) Begin(ctx context.Context, key, contentType string, meta map[string]string) (string, error) {
	id, err := c.Store.Begin(ctx, key, contentType, meta)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun[id] = objects.Info{Meta: meta}
	return id, err
}

func (c *credulous) Part(ctx context.Context, key, upload string, n int, body []byte) (string, error) {
	c.mu.Lock()
	info := c.begun[upload]
	info.Size += int64(len(body))
	c.begun[upload] = info
	c.mu.Unlock()
	return c.Store.Part(ctx, key, upload, n, body)
}

func (c *credulous) Complete(ctx context.Context, key, upload string, tags []string, cond objects.Condition) error {
	_ = c.Store.Complete(ctx, key, upload, tags, cond) // it said 200
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[key] = c.begun[upload]
	return nil
}

// joinByWallClock has the recorder put segments in the order of their clocks' stamps.
func joinByWallClock() Mutant {
	return Mutant{Name: "join-by-wall-clock", Doc: "segments are joined in the order of the clocks of those who wrote them, which differ",
		Recorder: func(cfg *recorder.Config, e *env.Env, p *recorder.Parts) {
			p.Order = func(parts []publish.Part) {
				slices.SortFunc(parts, func(a, b publish.Part) int { return a.Began.Compare(b.Began) })
			}
			// Every recorder's clock is four minutes ahead of that of the one before.
			wall, ahead := e.Wall, 4*time.Minute*time.Duration(cfg.Name[len(cfg.Name)-1]-'0')
			e.Wall = func() time.Time { return wall().Add(ahead) }
		}}
}

// noJournal has the recorder keep in its memory how far it has come, and put shows that
// it begins to publish out of sight, so that it does not begin twice.
func noJournal() Mutant {
	return Mutant{Name: "no-journal", Doc: "how far publishing has come is forgotten with the process, and a show that was begun is not begun again",
		Recorder: func(_ *recorder.Config, _ *env.Env, p *recorder.Parts) {
			p.Journal = func(l publish.Library) publish.Library {
				return &forgetting{Library: l, states: map[string][]manifest.Line{}}
			}
		}}
}

type forgetting struct {
	publish.Library
	mu     sync.Mutex                 // guards what follows
	states map[string][]manifest.Line // by session
}

// Note implements publish.Library: on disk there is only that the show was begun.
func (f *forgetting) Note(session string, lines ...manifest.Line) error {
	f.mu.Lock()
	begun := len(f.states[session]) > 0
	f.states[session] = append(f.states[session], lines...)
	f.mu.Unlock()
	if begun {
		return nil
	}
	return f.Library.Note(session, manifest.Line{Type: manifest.Verified})
}

// State implements publish.Library.
func (f *forgetting) State(session string) (manifest.State, bool, error) {
	s, ok, err := f.Library.State(session)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.states[session] {
		s.Stage, s.Plan, s.Upload = l.Type, l.Plan, manifest.Line{}
		if l.Type == manifest.Uploading || l.Type == manifest.Completing {
			s.Upload = l
		}
	}
	return s, ok, err
}
