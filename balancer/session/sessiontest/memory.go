package sessiontest

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"deadair/balancer/session"
)

// Memory is an index in memory, for tests of who uses one: always there, with
// answers at once. It forgets nothing, epochs included.
type Memory struct {
	mu      sync.Mutex
	entries map[string]session.Session // a released session has no ID
}

// NewMemory is an empty index.
func NewMemory() *Memory { return &Memory{entries: map[string]session.Session{}} }

// Claim implements session.Store.
func (m *Memory) Claim(_ context.Context, c session.Claim) (session.Session, error) {
	if c.Mount == "" || c.Account == "" || c.NewID == "" || c.Window <= 0 || c.AtLeast < 0 || c.AtLeast > 1<<53-2 {
		return session.Session{}, errors.New("claim mount: mount, account, id, a window and an epoch within range are needed")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[c.Mount]
	live := e.ID != "" && e.Until.After(time.Now())
	if live && e.Account != c.Account {
		return session.Session{}, session.ErrTaken
	}
	if !live {
		e.ID, e.Recorder, e.Title, e.Proof = c.NewID, "", "", ""
	}
	e.Proof = cmp.Or(c.Proof, e.Proof)
	e.Mount, e.Account, e.Datacenter = c.Mount, c.Account, c.Datacenter
	e.Epoch = max(e.Epoch, c.AtLeast) + 1
	e.Until = time.Now().Add(c.Window).Truncate(time.Millisecond)
	m.entries[c.Mount] = e
	return e, nil
}

// Settle implements session.Store.
func (m *Memory) Settle(_ context.Context, mount string, epoch int64, recorder string) error {
	return m.change(mount, epoch, func(e *session.Session) { e.Recorder = recorder })
}

// Title implements session.Store.
func (m *Memory) Title(_ context.Context, mount string, epoch int64, title string) error {
	return m.change(mount, epoch, func(e *session.Session) { e.Title = title })
}

// Renew implements session.Store.
func (m *Memory) Renew(_ context.Context, mount string, epoch int64, window time.Duration) error {
	until := time.Now().Add(window).Truncate(time.Millisecond)
	return m.change(mount, epoch, func(e *session.Session) { e.Until = until })
}

// Release implements session.Store.
func (m *Memory) Release(_ context.Context, mount string, epoch int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[mount]
	switch {
	case e.Epoch < epoch:
		return session.ErrNotFound
	case e.Epoch > epoch:
		return session.ErrFenced
	}
	m.entries[mount] = session.Session{Epoch: epoch}
	return nil
}

// Lookup implements session.Store.
func (m *Memory) Lookup(_ context.Context, mount string) (session.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[mount]
	if e.ID == "" || !e.Until.After(time.Now()) {
		return session.Session{}, session.ErrNotFound
	}
	return e, nil
}

// Probe implements session.Store.
func (m *Memory) Probe(context.Context) error { return nil }

func (m *Memory) change(mount string, epoch int64, change func(*session.Session)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[mount]
	switch {
	case e.Epoch < epoch:
		return session.ErrNotFound
	case e.Epoch > epoch || e.ID == "":
		return session.ErrFenced
	}
	change(&e)
	m.entries[mount] = e
	return nil
}
