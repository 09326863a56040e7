package fleet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Holder is a recorder that holds a mount's session, as it tells itself.
type Holder struct {
	Recorder Recorder  `json:"-"`
	Mount    string    `json:"mount"`
	Session  string    `json:"session"`
	Account  string    `json:"account"`
	Epoch    int64     `json:"epoch"`
	Live     bool      `json:"live"`    // a source is connected
	Until    time.Time `json:"until"`   // end of the reconnect window, by the recorder's clock
	LeftMS   *int64    `json:"left_ms"` // of the reconnect window, when it was asked; nil: it is of a version that tells Until only
	Guessed  bool      `json:"guessed"` // the epoch was assigned without the index
	Title    string    `json:"title"`   // what it is playing; "" until told
}

// Open tells whether the holder still waits for the session's source, or has it. now is
// the asker's clock: it counts only for a holder that does not tell how long it waits,
// for the clocks of two hosts differ.
func (h Holder) Open(now time.Time) bool {
	if h.LeftMS != nil {
		return h.Live || *h.LeftMS > 0
	}
	return h.Live || h.Until.After(now)
}

// Ask asks recorders who holds a mount, all at once, until ctx is done. The best
// holder is one with a source connected, then one whose epoch is known rather than
// guessed, then the one with the highest epoch, then the first of those asked. ok
// is false when nobody says that he holds it; recorders that do not answer count
// as holding nothing. It returns early when a holder with a source and a known
// epoch has answered.
func Ask(ctx context.Context, dial Dial, recorders []Recorder, mount string) (best Holder, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	holders := make([]*Holder, len(recorders))
	answered := make(chan int, len(recorders))
	for i, r := range recorders {
		asking.Go(func() {
			if h, err := AskOne(ctx, dial, r, mount); err == nil {
				holders[i] = &h
			}
			answered <- i
		})
	}
	place := -1
	for range recorders {
		i := <-answered
		h := holders[i]
		if h == nil {
			continue
		}
		if h.Live && !h.Guessed {
			return *h, true
		}
		if place < 0 || cmp.Or(h.compare(best), cmp.Compare(i, place)) < 0 {
			best, place = *h, i
		}
	}
	return best, place >= 0
}

// compare is negative when h is the better holder.
func (h Holder) compare(o Holder) int {
	return cmp.Or(
		compareBool(o.Live, h.Live),
		compareBool(h.Guessed, o.Guessed),
		cmp.Compare(o.Epoch, h.Epoch),
	)
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// ErrNotHeld is the answer of a recorder that does not hold the mount.
var ErrNotHeld = errors.New("recorder does not hold the mount")

// AskOne asks one recorder whether it holds a mount. The error is ErrNotHeld, or
// says why there is no answer.
func AskOne(ctx context.Context, dial Dial, r Recorder, mount string) (Holder, error) {
	status, body, err := get(ctx, dial, r.Addr, mountQuery("/sessions", mount))
	switch {
	case err != nil:
		return Holder{}, err
	case status == http.StatusNotFound:
		return Holder{}, ErrNotHeld
	case status != http.StatusOK:
		return Holder{}, fmt.Errorf("ask recorder: status %d", status)
	}
	h := Holder{Recorder: r}
	if err := json.Unmarshal(body, &h); err != nil {
		return Holder{}, fmt.Errorf("ask recorder: %w", err)
	}
	if h.Mount != mount {
		return Holder{}, fmt.Errorf("ask recorder: it answered for mount %q", h.Mount)
	}
	return h, nil
}

// get makes one request on a connection of its own. It ends when ctx is done.
func get(ctx context.Context, dial Dial, addr, target string) (status int, body []byte, err error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	status, body, _, err = exchange(conn, getRequest(target, false))
	return status, body, err
}
