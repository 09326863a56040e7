package notice

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"text/template"
	"time"
)

// Limits of what is kept, in memory and in the file.
const (
	maxDue  = 10_000 // notices that wait
	maxOver = 1_000  // sessions whose notice is over and that are still known
)

// Post is the notices of one recorder.
type Post struct {
	cfg  Config
	turn chan struct{} // of one: held by whoever uses the file
	file journal
	wake chan struct{} // of one: there is something to do

	mu       sync.Mutex // guards what follows; not held during I/O
	template *template.Template
	text     string // of the template
	written  int    // mails that were written from it
	due      []*letter
	known    map[string]bool // sessions of due and of over
	over     []line          // oldest first
	shut     time.Time       // the relay fails: nobody tries before
	misses   int             // failures in a row
	counts   Counts
}

// letter is a notice that waits.
type letter struct {
	Notice
	since time.Time // wall clock
	next  time.Time // when to try
	fails int
	held  bool    // its mail says nothing
	how   outcome // it is over, and the disk does not know
}

// Counts are how many notices wait, how many of them are held back because their mail
// says nothing, and how many were sent and refused since the start.
type Counts struct{ Waiting, Held, Sent, Refused int }

// New checks the template and starts nothing.
func New(cfg Config) (*Post, error) {
	if cfg.Guard == nil {
		cfg.Guard = Readable
	}
	t, err := parse(cfg.Template)
	if err != nil {
		return nil, err
	}
	return &Post{
		cfg: cfg, template: t, text: cfg.Template, known: map[string]bool{},
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), file: journal{disk: cfg.Disk},
	}, nil
}

// Open reads the notices that wait. It is to be called once, before anything else.
func (p *Post) Open() error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	lines, err := p.file.read()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range lines {
		p.replayLocked(l)
	}
	p.wakeUp()
	return nil
}

func (p *Post) replayLocked(l line) {
	switch {
	case l.Due != nil && !p.known[l.Due.Session]:
		p.dueLocked(*l.Due, l.At)
	case l.Over != "":
		p.forgetLocked(l)
	}
}

// Add makes a notice due, unless its session had one. It returns once that is durable.
func (p *Post) Add(n Notice) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.mu.Lock()
	known, full := p.known[n.Session], len(p.due) >= maxDue
	p.mu.Unlock()
	if known {
		return nil
	}
	if full {
		return fmt.Errorf("add notice: %d wait already", maxDue)
	}
	now := p.cfg.Wall().UTC()
	if err := p.file.add(line{At: now, Due: &n}); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dueLocked(n, now)
	p.wakeUp()
	return nil
}

// SetTemplate takes another template, "" for the one that is built in, until the process
// ends. What was held back is written anew.
func (p *Post) SetTemplate(text string) error {
	t, err := parse(text)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.template, p.text, p.written = t, text, 0
	for _, l := range p.due {
		l.held = false
	}
	p.wakeUp()
	return nil
}

// Template is the template and how many mails were written from it, those included that
// were held back.
func (p *Post) Template() (text string, written int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.written
}

// Counts tells how many notices there are.
func (p *Post) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.counts
	c.Waiting = len(p.due)
	for _, l := range p.due {
		if l.held {
			c.Held++
		}
	}
	return c
}

// Run sends what is due until ctx is done, one mail at a time.
func (p *Post) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.wake:
		}
		for l := p.take(); l != nil && ctx.Err() == nil; l = p.take() {
			p.deliver(ctx, l)
		}
		timer.Reset(p.left())
	}
}

// deliver goes on with one notice, as far as it can.
func (p *Post) deliver(ctx context.Context, l *letter) {
	if l.how == "" {
		m, err := p.compose(l.Notice)
		if err == nil {
			err = p.cfg.Sender.Send(ctx, m)
		}
		switch {
		case err == nil:
			l.how = sent
		case errors.Is(err, errSaysNothing):
			p.hold(l, err)
			return
		case errors.Is(err, ErrRefused), p.cfg.Wall().Sub(l.since) > p.cfg.GiveUp:
			p.cfg.Log.Error("notice given up", "session", l.Session, "account", l.Account, "err", err)
			l.how = refused
		case ctx.Err() != nil:
			return
		default:
			p.miss(l, err)
			return
		}
	}
	if err := p.settle(l); err != nil {
		p.miss(l, err)
	}
}

// errSaysNothing is a mail that the guard does not let pass.
var errSaysNothing = errors.New("the mail says nothing")

// compose writes the mail of a notice, and looks at it.
func (p *Post) compose(n Notice) (Mail, error) {
	p.mu.Lock()
	t := p.template
	p.written++
	p.mu.Unlock()
	m, err := p.cfg.write(t, n)
	if errors.Is(err, ErrRefused) {
		return m, err
	}
	if err == nil {
		err = p.cfg.Guard(m, n)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", errSaysNothing, err)
	}
	return m, nil
}
