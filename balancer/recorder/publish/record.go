package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// Record is what stands beside a session's tracks in the store, as <session>.json: what
// they are, what they are made of, what is missing. It is written before the tracks,
// with what they are going to be, and again after them.
type Record struct {
	Session  string    `json:"session"`
	Mount    string    `json:"mount"`
	Account  string    `json:"account"`
	Edition  *Edition  `json:"edition"`            // what is published; null while nothing is
	Teller   string    `json:"teller,omitempty"`   // the recorder that tells the broadcaster: whoever published first
	Underway []Edition `json:"underway,omitempty"` // what is being published, or was tried
}

// maxUnderway is how many editions that were tried are remembered.
const maxUnderway = 8

// Edition is one state of a session's tracks.
type Edition struct {
	Revision int     `json:"revision"` // from 1
	Plan     string  `json:"plan"`     // names what it is made of; the tracks have it as deadair-plan
	Parts    []Part  `json:"parts"`    // in order
	Places   []Place `json:"places"`   // of the parts, in their order
	Tracks   []Track `json:"tracks,omitempty"`
}

// Place is where a part's audio lies in the tracks.
type Place struct {
	Track int   `json:"track"` // its index; -1 when the part is in none, or in several
	At    int64 `json:"at"`    // bytes from the track's beginning
	Bytes int64 `json:"bytes"`
}

// Track is one object.
type Track struct {
	Key      string  `json:"key"`
	Format   string  `json:"format"` // mp3, aac, ogg or bin
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"` // 0 when unknown
	Gaps     []Gap   `json:"gaps"`
	Repeated int64   `json:"repeated,omitempty"` // frames left out that came twice
	Silenced int64   `json:"silenced,omitempty"` // frames that lost what they leaned on
}

// Gap is a time in which nothing was recorded.
type Gap struct {
	At     float64        `json:"at"`     // seconds into the track
	Length float64        `json:"length"` // seconds, as far as the recorders' clocks agree
	Began  time.Time      `json:"began"`  // wall clock of the recorder before
	Cause  manifest.Cause `json:"cause"`  // why what was before ended
}

// Missing is the cause of a gap in which connections lie of which no recorder that
// answered has anything.
const Missing manifest.Cause = "missing"

// errRecord is an object in the place of a record that is none.
var errRecord = errors.New("it is no session's record")

// RecordKey is where a session's record lies.
func RecordKey(prefix, session string) string { return prefix + session + ".json" }

// trackKey is where a session's n-th track lies, n from 0.
func trackKey(prefix, session string, n int, ext string) string {
	if n == 0 {
		return prefix + session + "." + ext
	}
	return prefix + session + "-" + strconv.Itoa(n+1) + "." + ext
}

// planMeta is the tracks' metadata that names their plan.
const planMeta = "deadair-plan"

// readRecord reads a session's record, and its tag for writing it again. A record that
// is not there is an empty one without a tag.
func readRecord(ctx context.Context, store objects.Store, key string, h Holding) (Record, string, error) {
	r := Record{Session: h.Session, Mount: h.Mount, Account: h.Account}
	data, info, err := store.Get(ctx, key)
	if errors.Is(err, objects.ErrNotFound) {
		return r, "", nil
	}
	if err != nil {
		return r, "", err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, "", fmt.Errorf("read %s: %w: %w", key, errRecord, err)
	}
	return r, info.Tag, nil
}

// writeRecord writes a session's record in the place of the one with the tag.
func writeRecord(ctx context.Context, store objects.Store, key, tag string, r Record) (string, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", key, err)
	}
	return store.Put(ctx, key, append(data, '\n'), objects.Condition{Absent: tag == "", Tag: tag})
}
