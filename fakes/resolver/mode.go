package resolver

import (
	"fmt"
	"strings"
	"time"
)

// Mode is a resolver's habit.
type Mode string

// Habits seen in the field.
const (
	Honest     Mode = "honest" // keeps an answer for its TTL
	Clamp      Mode = "clamp"  // raises short TTLs to a minimum of its own
	ServeStale Mode = "stale"  // gives expired answers when it cannot get new ones (RFC 8767)
	Pinned     Mode = "pinned" // keeps the first answer for ever, in its order, as old Java machines do
)

func (m Mode) known() bool {
	return m == Honest || m == Clamp || m == ServeStale || m == Pinned
}

// ParseMode reads a habit: "honest", "clamp:300s", "stale" or "pinned". clampTo
// is zero except for a clamp.
func ParseMode(s string) (mode Mode, clampTo time.Duration, err error) {
	word, arg, has := strings.Cut(s, ":")
	mode = Mode(word)
	if !mode.known() || has != (mode == Clamp) {
		return "", 0, fmt.Errorf("resolver %q is none of honest, clamp:300s, stale, pinned", s)
	}
	if !has {
		return mode, 0, nil
	}
	clampTo, err = time.ParseDuration(arg)
	if err != nil || clampTo <= 0 {
		return "", 0, fmt.Errorf("resolver %q needs a duration such as clamp:300s", s)
	}
	return mode, clampTo, nil
}
