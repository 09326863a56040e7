package mutant

import (
	"context"
	"errors"
	"time"

	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/balancer/session"
)

// takeoverOff has the recorder refuse whoever comes back.
func takeoverOff() Mutant {
	return onFence("takeover-off", "a source that comes back finds its own mount in use", func(seen, asked int64) (int64, bool) {
		return max(asked, 1), seen == 0
	})
}

// epochIgnored has nobody look at epochs: for the recorder all connections of a mount
// are as good as the first, and for the balancer none was outdone.
func epochIgnored() Mutant {
	m := onStore("epoch-ignored", "a connection goes on when a newer one of the same source is on air", func(s session.Store) session.Store { return unfenced{s} })
	m.Recorder = onFence("", "", func(seen, _ int64) (int64, bool) { return max(seen, 1), true }).Recorder
	return m
}

type unfenced struct{ session.Store }

func (u unfenced) Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error {
	if err := u.Store.Renew(ctx, mount, epoch, window); !errors.Is(err, session.ErrFenced) {
		return err
	}
	return nil
}

func onFence(name, doc string, decide fence) Mutant {
	return Mutant{Name: name, Doc: doc, Recorder: func(_ *recorder.Config, _ *env.Env, p *recorder.Parts) { p.Fence = decide }}
}

type fence func(seen, asked int64) (int64, bool)

func (f fence) Decide(seen, asked int64) (int64, bool) { return f(seen, asked) }

// diskUnsynced has the recorder's disk forget to sync, as one with a lying cache does.
func diskUnsynced() Mutant {
	return Mutant{Name: "disk-unsynced", Doc: "what the recorder syncs is not durable",
		Recorder: func(_ *recorder.Config, e *env.Env, _ *recorder.Parts) { e.Disk = lazyDisk{e.Disk} }}
}

type lazyDisk struct{ env.Disk }

func (d lazyDisk) OpenFile(name string, flag int) (env.File, error) {
	f, err := d.Disk.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return lazyFile{f}, nil
}

func (lazyDisk) SyncDir(string) error { return nil }

type lazyFile struct{ env.File }

func (lazyFile) Sync() error { return nil }
