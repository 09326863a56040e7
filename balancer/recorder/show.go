package recorder

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"deadair/balancer/recorder/feed"
)

// show is what is known of one mount.
type show struct {
	mount string
	// turn is held by whoever changes who records the mount: a source being admitted,
	// a kill, the sweeper. Unlike the registry's lock it is held during I/O.
	turn chan struct{}

	// The registry's lock guards these.
	waiting  int       // those who hold or wait for turn
	epoch    int64     // the highest seen; 0 when none was
	guessed  bool      // epoch was assigned here
	open     bool      // there is a session that has not finished
	session  string    // the last one
	account  string    // its owner
	title    string    // what it is playing
	live     *source   // who has the mount's slot: the one being recorded or admitted
	until    time.Time // end of the window, while open and nobody is live
	finished time.Time // when it stopped being open

	// Only who holds turn changes these; the registry's lock guards them, too.
	last      *source    // the one before or being recorded: the next has to wait for its end
	recording *recording // of the session, while open
	stream    stream     // what last says of itself
	feed      *feed.Feed // for listeners, from the first source until nobody holds the mount
}

// heldLocked tells whether the mount belongs to its session now.
func (s *show) heldLocked(now time.Time) bool {
	return s.open && (s.live != nil || now.Before(s.until))
}

// registry is all shows and the slots.
type registry struct {
	capacity int
	max      int // shows
	fence    Fence
	window   time.Duration
	feeds    feed.Config

	mu    sync.Mutex // guards all below and in every show; never held during I/O
	shows map[string]*show
	taken int // slots: shows with somebody live
}

// enter returns a mount's show, for taking its turn. Every enter needs a leave. It is
// nil when there are too many.
func (g *registry) enter(mount string) *show {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.shows[mount]
	if s == nil && len(g.shows) >= g.max && !g.forgetOldestLocked() {
		return nil
	}
	if s == nil {
		s = &show{mount: mount, turn: make(chan struct{}, 1)}
		g.shows[mount] = s
	}
	s.waiting++
	return s
}

// leave ends what enter began. A show of which nothing is known is forgotten by the
// next sweep.
func (g *registry) leave(s *show) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.waiting--
}

// forgetOldestLocked makes room for another show, unless none has finished.
func (g *registry) forgetOldestLocked() bool {
	var oldest *show
	for _, s := range g.shows {
		if s.open || s.waiting > 0 {
			continue
		}
		if oldest == nil || cmp.Or(s.finished.Compare(oldest.finished), cmp.Compare(s.mount, oldest.mount)) < 0 {
			oldest = s
		}
	}
	if oldest != nil {
		delete(g.shows, oldest.mount)
	}
	return oldest != nil
}

// forget drops what finished before a time.
func (g *registry) forget(before time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for mount, s := range g.shows {
		if !s.open && s.waiting == 0 && s.finished.Before(before) {
			delete(g.shows, mount)
		}
	}
}

// holding is what others may know of a show.
type holding struct {
	session, account, title string
	epoch                   int64
	guessed, live           bool
	left                    time.Duration // until its window ends
}

// look tells who holds a mount.
func (g *registry) look(mount string, now time.Time) (holding, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.shows[mount]
	if s == nil || !s.heldLocked(now) {
		return holding{}, false
	}
	h := holding{
		session: s.session, account: s.account, title: s.title, epoch: s.epoch,
		guessed: s.guessed, live: s.live != nil, left: g.window,
	}
	if s.live == nil {
		h.left = s.until.Sub(now)
	}
	return h, true
}

// has tells whether a mount's session is this one, and has not finished.
func (g *registry) has(mount, session string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.shows[mount]
	return s != nil && s.open && s.session == session
}

// ended tells that a source is gone, and starts the window unless another one has
// taken over.
func (g *registry) ended(s *show, src *source, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.live == src {
		s.live, s.until = nil, now.Add(g.window)
		g.taken--
	}
}

// finish ends a show's session. Who calls it holds the turn.
func (g *registry) finish(s *show, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.open, s.finished, s.recording, s.last = false, now, nil, nil
	if s.feed != nil {
		s.feed.Close()
		s.feed, s.stream = nil, stream{}
	}
}

// restore takes up a session that was on disk. Of those of one mount the last counts, but
// for the epoch: none of them is to be outdone. It returns the recording of a session that
// this one has outdone.
func (g *registry) restore(f found, now time.Time) (outdone *recording) {
	s := g.enter(f.state.Mount)
	if s == nil {
		return nil
	}
	defer g.leave(s)
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.open {
		outdone = s.recording
	}
	s.epoch, s.guessed = max(s.epoch, f.state.Epoch), f.state.Guessed
	s.open, s.session, s.account, s.title = !f.state.Finished, f.state.Session, f.state.Account, f.state.Title
	s.until, s.finished, s.recording = now.Add(f.left), now, nil
	if s.open {
		s.recording = f.recording
	}
	return outdone
}

// setTitle keeps what a mount is playing. It returns the recording to note it in, or
// nil when there is nothing new to note; ok is false when nobody holds the mount.
func (g *registry) setTitle(mount, title string, now time.Time) (rec *recording, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.shows[mount]
	if s == nil || !s.heldLocked(now) {
		return nil, false
	}
	if s.title == title {
		return nil, true
	}
	s.title = title
	return s.recording, true
}

func (g *registry) title(s *show) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return s.title
}

// expired lists the shows whose window has passed, by name.
func (g *registry) expired(now time.Time) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var mounts []string
	for mount, s := range g.shows {
		if s.open && !s.heldLocked(now) {
			mounts = append(mounts, mount)
		}
	}
	slices.Sort(mounts)
	return mounts
}

// live lists the sources, by mount.
func (g *registry) live() []*source {
	g.mu.Lock()
	defer g.mu.Unlock()
	var sources []*source
	for _, s := range g.shows {
		if s.live != nil {
			sources = append(sources, s.live)
		}
	}
	slices.SortFunc(sources, func(a, b *source) int { return cmp.Compare(a.mount, b.mount) })
	return sources
}

// held is how many shows are live or may come back.
func (g *registry) held(now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, s := range g.shows {
		if s.heldLocked(now) {
			n++
		}
	}
	return n
}

// slots tells how many are taken.
func (g *registry) slots() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken
}
