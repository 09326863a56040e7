package recorder

import (
	"net/http"
	"time"

	"deadair/balancer/recorder/feed"
)

// request is a source that wants to be recorded.
type request struct {
	mount, session, account string
	epoch                   int64             // 0: the index did not answer
	above                   int64             // then the epoch assigned is higher
	title                   string            // what the show was playing; "" when nobody knows
	header                  map[string]string // what the source says of its stream
}

// doors is what keeps sources out, whoever they are.
type doors struct {
	closed   bool // the disk takes nothing
	full     bool // the disk takes no new shows
	draining bool // no new shows
}

// decision is what a request gets.
type decision struct {
	status  int    // 200, 409, 410, 423, 503 or 507
	reason  string // of a refusal: for the log and the metrics
	epoch   int64  // the source's; of a 409, the highest seen
	session string // the source's; of a 409, the mount's
	guessed bool   // the epoch was assigned here
	fresh   bool   // a session begins
	before  before
}

// before is what a fresh session replaces.
type before struct {
	epoch                   int64 // the highest seen
	open, live              bool
	session, account, title string
	until                   time.Time
	recording               *recording
}

// claim decides about a request, and gives the mount and a slot to its source. Who
// calls it holds the turn.
func (g *registry) claim(s *show, q request, d doors, src *source, now time.Time) decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := s.heldLocked(now)
	if held && s.account != q.account {
		return decision{status: http.StatusLocked, reason: "mount-taken"}
	}
	seen := s.epoch
	if q.epoch == 0 {
		seen = max(seen, q.above)
	}
	epoch, ok := g.fence.Decide(seen, q.epoch)
	if !ok {
		return decision{status: http.StatusConflict, reason: "fenced", epoch: s.epoch, session: s.session}
	}
	// Without the index a balancer cannot know the session: it goes on.
	same := s.open && s.account == q.account && (q.session == s.session || held && q.epoch == 0)
	if refused := g.refuseLocked(s, d, same); refused.status != 0 {
		return refused
	}
	accepted := decision{
		status: http.StatusOK, epoch: epoch, session: q.session, guessed: q.epoch == 0, fresh: !same,
		before: before{s.epoch, s.open, s.live != nil, s.session, s.account, s.title, s.until, s.recording},
	}
	if s.live == nil {
		g.taken++
	}
	s.live, s.epoch, s.guessed = src, epoch, accepted.guessed
	if same {
		accepted.session = s.session
		return accepted
	}
	s.open, s.session, s.account, s.title, s.recording = true, q.session, q.account, "", nil
	return accepted
}

// refuseLocked tells what keeps a source out, if anything does.
func (g *registry) refuseLocked(s *show, d doors, same bool) decision {
	switch {
	case d.closed:
		return decision{status: http.StatusInsufficientStorage, reason: "disk"}
	case d.draining && !same:
		return decision{status: http.StatusServiceUnavailable, reason: "draining"}
	case d.full && !same:
		return decision{status: http.StatusInsufficientStorage, reason: "disk-full"}
	case s.live == nil && g.taken >= g.capacity:
		return decision{status: http.StatusInsufficientStorage, reason: "capacity"}
	}
	return decision{}
}

// probe decides as claim does about a new show that nobody knows.
func (g *registry) probe(d doors) decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuseLocked(&show{}, d, false)
}

// begin completes a claim: the source is recorded from now on.
func (g *registry) begin(s *show, src *source, rec *recording, title string, st stream) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.last, s.recording, s.stream = src, rec, st
	if s.feed == nil {
		s.feed = feed.New(&g.feeds)
	}
	s.feed.Source(st.contentType)
	if s.title == "" {
		s.title = title
	}
}

// abandon undoes a claim, except for its epoch: that one was seen. Who was live before
// is not any more.
func (g *registry) abandon(s *show, src *source, d decision, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.live == src {
		s.live = nil
		g.taken--
	}
	b := d.before
	s.until = b.until
	if b.live {
		s.until = now.Add(g.window)
	}
	if d.fresh {
		s.open, s.session, s.account, s.title, s.recording = b.open, b.session, b.account, b.title, b.recording
	}
	if !s.open {
		s.finished = now
	}
}
