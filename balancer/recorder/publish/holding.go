package publish

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/manifest"
)

// Holding is what one recorder has of a session.
type Holding struct {
	Recorder string `json:"recorder"`
	Session  string `json:"session"`
	Mount    string `json:"mount"`
	Account  string `json:"account"`
	Over     bool   `json:"over"` // nobody is recorded here, and nobody is waited for
	Done     bool   `json:"done"` // all of it is in the store, for which the store was asked
	Able     bool   `json:"able"` // the store was reached by the last try
	Parts    []Part `json:"parts"`
}

// Part is one segment of a session.
type Part struct {
	Recorder string         `json:"recorder"`
	File     string         `json:"file"`
	Epoch    int64          `json:"epoch"`
	Number   int            `json:"number"`
	Bytes    int64          `json:"bytes"`
	Sum      string         `json:"sum"`
	Began    time.Time      `json:"began"` // wall clocks of its recorder
	Ended    time.Time      `json:"ended"`
	Sealed   manifest.Cause `json:"sealed"` // why the segment ended
	Cause    manifest.Cause `json:"cause"`  // why its source ended; "" when that is not known
}

// format is by the file's name.
func (p Part) format() audio.Format {
	return audio.FormatOf(strings.TrimPrefix(path.Ext(p.File), "."))
}

// same tells whether two parts are the same bytes.
func (p Part) same(o Part) bool {
	return p.Recorder == o.Recorder && p.File == o.File && p.Bytes == o.Bytes && p.Sum == o.Sum
}

// continues tells whether the part goes on where another one ended, byte by byte.
func (p Part) continues(before Part) bool {
	return p.Recorder == before.Recorder && p.Epoch == before.Epoch && p.Number == before.Number+1 &&
		(before.Sealed == manifest.Length || before.Sealed == manifest.Size)
}

// HoldingOf is what a manifest's state says that a recorder has.
func HoldingOf(recorder string, s manifest.State) Holding {
	h := Holding{
		Recorder: recorder, Session: s.Session, Mount: s.Mount, Account: s.Account,
		Over: s.Finished, Done: s.Stage == manifest.Verified || s.Stage == manifest.Collected,
	}
	for _, g := range s.Segments {
		if g.Sealed == nil || g.Sealed.Bytes == 0 {
			continue
		}
		h.Parts = append(h.Parts, Part{
			Recorder: recorder, File: g.File, Epoch: g.Epoch, Number: numberOf(g.File), Bytes: g.Sealed.Bytes, Sum: g.Sealed.Sum,
			Began: g.Began, Ended: g.Sealed.Last, Sealed: g.Sealed.Cause, Cause: s.Ended[g.Epoch],
		})
	}
	return h
}

// numberOf reads a segment's number out of its name, "<epoch>-<n>.<ext>".
func numberOf(file string) int {
	stem, _, _ := strings.Cut(file, ".")
	_, number, _ := strings.Cut(stem, "-")
	n, _ := strconv.Atoi(number) // of the recorder's own names
	return n
}

// InOrder sorts parts as their session was: epochs follow one another whatever clocks
// say.
func InOrder(parts []Part) {
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Recorder, b.Recorder), cmp.Compare(a.Number, b.Number))
	})
}

// planOf names what tracks are made of. The same parts give the same name, and the same
// tracks.
func planOf(parts []Part) string {
	text, _ := json.Marshal(parts) // plain values only
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// covers tells whether some parts are all among others.
func covers(all, some []Part) bool {
	for _, p := range some {
		if !slices.ContainsFunc(all, p.same) {
			return false
		}
	}
	return true
}
