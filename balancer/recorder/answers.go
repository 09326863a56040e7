package recorder

import (
	"net/http"
	"time"
	"unicode/utf8"
)

// healthAnswer is the answer to GET /health.
type healthAnswer struct {
	Status    string    `json:"status"` // ok, full, draining, failing
	Reason    string    `json:"reason,omitempty"`
	Capacity  int       `json:"capacity"`
	Sources   int       `json:"sources"`
	Free      int       `json:"free"` // slots
	DiskFree  int64     `json:"disk_free"`
	DiskTotal int64     `json:"disk_total"`
	Waiting   int       `json:"waiting"`    // shows that are over and not in the store
	Notices   int       `json:"notices"`    // mails that were not sent yet
	Held      int       `json:"held"`       // those of them that say nothing, and are held back
	CheckedAt time.Time `json:"checked_at"` // when the disk was written to, by this host's clock
}

// health is what is known without looking: the disk is checked elsewhere.
func (r *Recorder) health() (status int, body healthAnswer) {
	c := r.watch.condition()
	taken := r.shows.slots()
	h := healthAnswer{
		Status: "ok", Capacity: r.cfg.Capacity, Sources: taken, Free: max(0, r.cfg.Capacity-taken),
		DiskFree: c.free, DiskTotal: c.total, CheckedAt: c.checked.UTC(),
	}
	if r.press != nil {
		h.Waiting = r.press.Waiting()
	}
	if r.post != nil {
		n := r.post.Counts()
		h.Notices, h.Held = n.Waiting, n.Held
	}
	switch {
	case c.failing:
		h.Status, h.Reason, h.Capacity, h.Free = "failing", "disk "+c.why, 0, 0
		return http.StatusServiceUnavailable, h
	case r.draining.Load():
		h.Status, h.Free = "draining", 0
	case c.full:
		h.Status, h.Reason, h.Free = "full", "disk", 0
	case h.Free == 0:
		h.Status, h.Reason = "full", "capacity"
	}
	return http.StatusOK, h
}

// sessionAnswer is the answer to GET /sessions.
type sessionAnswer struct {
	Mount   string    `json:"mount"`
	Session string    `json:"session"`
	Account string    `json:"account"`
	Epoch   int64     `json:"epoch"`   // the highest seen
	Live    bool      `json:"live"`    // a source is recorded
	Until   time.Time `json:"until"`   // end of the reconnect window, by this host's clock
	LeftMS  int64     `json:"left_ms"` // of the reconnect window
	Guessed bool      `json:"guessed"`
	Title   string    `json:"title,omitempty"`
}

// sessions tells who holds a mount.
func (r *Recorder) sessions(mount string) (status int, body any) {
	h, ok := r.shows.look(mount, time.Now())
	if !ok {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, sessionAnswer{
		Mount: mount, Session: h.session, Account: h.account, Epoch: h.epoch, Live: h.live,
		Until: r.env.Wall().Add(h.left).UTC(), LeftMS: h.left.Milliseconds(), Guessed: h.guessed, Title: h.title,
	}
}

// clip cuts a text to at most n bytes, not within a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
