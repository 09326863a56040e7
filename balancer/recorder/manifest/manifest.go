// Package manifest is the journal of one session at one recorder: what was promised
// about it, in the order it happened. A manifest is a file of JSON lines; each ends
// in a checksum of itself, so that a torn end is seen and left out.
//
// It is pure: bytes in, values out. Writing and syncing is the recorder's.
package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"
)

// File is a manifest's name in its session's directory.
const File = "manifest.jsonl"

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 64 << 10

// Type is what a line tells.
type Type string

// The types, with the fields they use besides At.
const (
	Session  Type = "session"  // the first line: Session, Mount, Account, Recorder
	Source   Type = "source"   // a source was accepted: Epoch, Guessed, Header
	Segment  Type = "segment"  // a file was created: Epoch, File
	Sealed   Type = "sealed"   // a file is complete: all from File to Cause
	Ended    Type = "ended"    // a source is gone: Epoch, Cause, Torn, Junk, Tags, Until
	Title    Type = "title"    // what is playing changed: Title
	Finished Type = "finished" // the show is over, until another source line: Cause

	// How far publishing has come. Each is written before what it is about is done, with
	// the Epoch of the last source at that time.
	Stitched   Type = "stitched"   // what the tracks are made of is settled: Plan
	Uploading  Type = "uploading"  // a track is being uploaded: Plan, Key, Bytes, Upload once it is known, Parts
	Completing Type = "completing" // all parts of a track are there: Plan, Key, Bytes, Upload, Parts
	Published  Type = "published"  // all tracks are in the store: Plan
	Verified   Type = "verified"   // the store was asked, and has all that is here: Plan
	Collected  Type = "collected"  // the segments are being removed
)

// Line is one line. Fields that its type does not use are zero.
type Line struct {
	Type Type      `json:"type"`
	At   time.Time `json:"at"` // wall clock of the recorder

	Session  string `json:"session,omitempty"`
	Mount    string `json:"mount,omitempty"`
	Account  string `json:"account,omitempty"`
	Recorder string `json:"recorder,omitempty"`

	Epoch   int64             `json:"epoch,omitempty"`
	Guessed bool              `json:"guessed,omitempty"` // the recorder assigned the epoch: the index did not answer
	Header  map[string]string `json:"header,omitempty"`  // the source's Content-Type, User-Agent, ice-* and icy-* fields, in lower case

	File     string        `json:"file,omitempty"`
	Bytes    int64         `json:"bytes,omitempty"`       // of whole frames; of a part of an upload
	Frames   int64         `json:"frames,omitempty"`      // frames, pages or blocks
	Duration time.Duration `json:"duration_ns,omitempty"` // of the audio; 0 when unknown
	Sum      string        `json:"sum,omitempty"`         // CRC-32C of the bytes, eight hexadecimal digits
	Synced   *int64        `json:"synced,omitempty"`      // bytes known to be durable, when that is not all
	Last     time.Time     `json:"last,omitzero"`         // wall clock of the last write
	Title    string        `json:"title,omitempty"`
	Cause    Cause         `json:"cause,omitempty"`

	Torn  int64     `json:"torn,omitempty"` // bytes of the frame that the source's end cut off
	Junk  int64     `json:"junk,omitempty"` // bytes between frames that were none
	Tags  int64     `json:"tags,omitempty"` // bytes of ID3 tags
	Until time.Time `json:"until,omitzero"` // end of the reconnect window

	Plan   string   `json:"plan,omitempty"` // names what tracks are made of
	Key    string   `json:"key,omitempty"`  // of a track in the store
	Upload string   `json:"upload,omitempty"`
	Parts  []string `json:"parts,omitempty"` // tags of those that are there, in order
}

// Cause is why something ended.
type Cause string

// The causes.
const (
	Length     Cause = "length"     // the segment was long enough
	Size       Cause = "size"       // the segment was large enough
	Format     Cause = "format"     // the source turned out to be something else
	EOF        Cause = "eof"        // the source closed its connection
	Reset      Cause = "reset"      // the connection broke
	Idle       Cause = "idle"       // the source sent nothing for too long
	Takeover   Cause = "takeover"   // a source with a higher epoch came
	Kill       Cause = "kill"       // an operator or the broadcaster ended the show
	Stop       Cause = "stop"       // the recorder was stopped
	DiskFull   Cause = "disk-full"  // handed over: no room
	DiskError  Cause = "disk-error" // the disk failed
	Crash      Cause = "crash"      // found so when the recorder started
	Window     Cause = "window"     // nobody reconnected in time
	Superseded Cause = "superseded" // the mount went on with another session
)

var table = crc32.MakeTable(crc32.Castagnoli)

// tail is how long the end of a line is that holds its checksum, in bytes.
const tail = len(`,"crc":"00000000"}`)

// Append appends a line, with its line end.
func Append(dst []byte, l Line) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return dst, fmt.Errorf("encode manifest line: %w", err)
	}
	text = text[:len(text)-1] // its last brace
	if len(text)+tail > MaxLine {
		return dst, fmt.Errorf("encode manifest line: %d bytes are more than %d", len(text)+tail, MaxLine)
	}
	dst = append(dst, text...)
	return append(appendSum(dst, text), '\n'), nil
}

// appendSum appends what a line ends in.
func appendSum(dst, body []byte) []byte {
	return fmt.Appendf(dst, `,"crc":"%08x"}`, crc32.Checksum(body, table))
}

// Parse returns the good lines of a manifest, how many bytes there are up to the end
// of the last of them, and how many bad lines were left out before that. What follows
// the last good line is torn and may be cut off.
func Parse(data []byte) (lines []Line, good int64, bad int) {
	skipped, at := 0, 0
	for {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			return lines, good, bad
		}
		l, ok := parseLine(data[at : at+n])
		at += n + 1
		if !ok {
			skipped++
			continue
		}
		lines, good, bad = append(lines, l), int64(at), skipped
	}
}

func parseLine(text []byte) (l Line, ok bool) {
	if len(text) < tail || len(text) > MaxLine {
		return l, false
	}
	body, end := text[:len(text)-tail], text[len(text)-tail:]
	if !bytes.Equal(end, appendSum(nil, body)) {
		return l, false
	}
	return l, json.Unmarshal(text, &l) == nil
}
