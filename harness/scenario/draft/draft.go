// Package draft writes a scenario file for a person to go on with: a plain one, or
// one from a pasted note about an incident.
//
// It owns what is recognised in a note: days, clock times, lengths, components, what
// was wrong with them and where. What it comes up with itself is marked assumed. The
// text that it returns is a valid scenario whatever the note says. It reads no files.
package draft

import (
	"fmt"
	"strings"
	"time"
)

// MaxNote is how much of a note is read, in bytes.
const MaxNote = 64 << 10

// Draft is a scenario while it is written.
type Draft struct {
	Title, Story string
	Date         time.Time // zero: no day is known
	Begin        time.Duration
	Length       time.Duration
	Clock        bool // Begin is since midnight UTC of Date, and not an offset
	Moments      []Moment
	Fault        Fault
	Assumed      []string
	Found        []string // what was recognised, for the person
}

// Moment is something that a note says of an instant.
type Moment struct {
	At   time.Duration // since midnight UTC of the draft's day
	Says string
	Step string // fault-began or fault-ended; empty for any other moment
}

// When nothing is known of it, the fault begins and lasts so long.
const (
	usualBegin  = 2 * time.Minute
	usualLength = 90 * time.Second
	lead        = 10 * time.Minute // from the run's zero to the fault, where there is a clock
	tail        = 5 * time.Minute
	least       = 10 * time.Second
	longest     = 20 * time.Hour // of a fault: with what is before and after it, it stays within a day
)

// Blank is a draft with nothing but the commonest fault.
func Blank() Draft {
	return Draft{Title: "A balancer dies, and comes back", Begin: usualBegin, Length: usualLength, Fault: usualFault()}
}

// From reads a note.
func From(note string) Draft {
	text := clean(note)
	said := sentences(text)
	d := Draft{Title: title(said), Story: strings.TrimSpace(text), Begin: usualBegin, Length: usualLength}
	d.day(text)
	d.times(said)
	d.Fault = d.recognise(said, text)
	d.assume("Who broadcasts, from where and with what, is made up.")
	if len(d.Found) == 0 {
		d.assume("Nothing in the note was recognised: all of the timeline is made up.")
	}
	return d
}

// assume marks something as made up.
func (d *Draft) assume(format string, args ...any) {
	d.Assumed = append(d.Assumed, fmt.Sprintf(format, args...))
}

// found tells the person what was recognised.
func (d *Draft) found(format string, args ...any) {
	d.Found = append(d.Found, fmt.Sprintf(format, args...))
}

// times finds when the fault began and how long it lasted.
func (d *Draft) times(said []string) {
	clocks := clocksOf(said)
	length, lasted := lengthOf(said)
	if len(clocks) == 0 {
		d.assume("The note tells no clock time: the fault begins %v after the run's zero.", usualBegin)
		d.lasts(length, lasted)
		return
	}
	if d.Date.IsZero() {
		d.assume("The note tells clock times and no day: the day is made up.")
		d.Date = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	d.Clock = true
	begin, end := bounds(clocks)
	for ; clocks[begin].at < 0; d.Date = d.Date.AddDate(0, 0, -1) {
		shift(clocks, 24*time.Hour)
	}
	for ; clocks[begin].at >= 24*time.Hour; d.Date = d.Date.AddDate(0, 0, 1) {
		shift(clocks, -24*time.Hour)
	}
	d.Begin = clocks[begin].at
	if clocks[begin].guessed {
		d.assume("The note tells no time zone: %s is read as UTC.", spell(d.Begin))
	}
	d.found("it begins at %s UTC (%q)", spell(d.Begin), short(clocks[begin].says, 60))
	if end >= 0 {
		until := (clocks[end].at - d.Begin + 48*time.Hour) % (24 * time.Hour)
		d.found("it ends at %s UTC", spell(d.Begin+until))
		length, lasted = until, until > 0
	}
	d.lasts(length, lasted)
	d.moments(clocks, begin, end)
}

// lasts sets for how long the fault is in force.
func (d *Draft) lasts(length time.Duration, told bool) {
	if !told {
		d.assume("The note does not tell how long it lasted: %v are made up.", d.Length)
		return
	}
	d.Length = min(max(length, least), longest)
	d.found("it lasts %v", d.Length)
	if d.Length != length {
		d.assume("It lasted %v; a run plays %v of it.", length, d.Length)
	}
}

// moments are what is documented: the begin, the end, and what else has a clock time.
func (d *Draft) moments(clocks []clock, begin, end int) {
	for i, c := range clocks {
		m := Moment{At: c.at, Says: c.says}
		if c.role == "posted" {
			m.Says = "It is told."
		}
		switch i {
		case begin:
			m.Step = "fault-began"
		case end:
			m.Step = "fault-ended"
			if c.says == clocks[begin].says {
				m.Says = "It is over."
			}
		}
		if len(d.Moments) < maxMoments {
			d.Moments = append(d.Moments, m)
		}
	}
}

// maxMoments bounds what a draft documents.
const maxMoments = 20

// clean is a note as plain text: printable, and not longer than it may be.
func clean(note string) string {
	if len(note) > MaxNote {
		note = note[:MaxNote]
	}
	note = strings.ToValidUTF8(note, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\r':
			return -1
		case r == '\t', r == '\u00a0', r == '\u2028', r == '\u2029', r == '\u0085':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, r == '\ufeff', r >= 0xfff0 && r <= 0xffff, r > 0x1ffff:
			return -1
		}
		return r
	}, note)
}

// sentences takes a text apart: by lines, and within them by stops.
func sentences(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		rest := strings.TrimSpace(line)
		for rest != "" {
			cut := len(rest)
			for _, stop := range []string{". ", "! ", "? ", "; "} {
				if i := strings.Index(rest, stop); i >= 0 && i+1 < cut {
					cut = i + 1
				}
			}
			if s := strings.Trim(rest[:cut], " #*_>-\t"); s != "" {
				all = append(all, s)
			}
			rest = strings.TrimSpace(rest[cut:])
		}
	}
	return all
}

// title is the first sentence that is more than a day or an hour.
func title(said []string) string {
	for _, s := range said {
		rest := clockForm.ReplaceAllString(dayless(s), "")
		if len(strings.Fields(rest)) >= 2 {
			return strings.TrimRight(short(s, 90), ".:")
		}
	}
	return "An incident"
}

// short is a text of so many letters at most.
func short(s string, most int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= most {
		return string(r)
	}
	return strings.TrimSpace(string(r[:most-1])) + "…"
}
