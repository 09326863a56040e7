package feed

import (
	"mime"
	"strings"

	"deadair/balancer/audio"
)

// markCount is how many places are kept.
const markCount = 16

// marks are places where a listener may begin: between two units, in the segment being
// written, spread over the last bytes. Their size is fixed, whatever is published.
type marks struct {
	at [markCount]int64 // ascending
	n  int
}

// add adds a place, unless there is one near it. They cover about the given bytes.
func (m *marks) add(at, cover int64) {
	if m.n > 0 && at-m.at[m.n-1] < cover/markCount {
		return
	}
	if m.n == markCount {
		copy(m.at[:], m.at[1:])
		m.n--
	}
	m.at[m.n] = at
	m.n++
}

// from is the first place that is not before another.
func (m *marks) from(place int64) (int64, bool) {
	for _, at := range m.at[:m.n] {
		if at >= place {
			return at, true
		}
	}
	return 0, false
}

// maxOpening is the longest beginning of an Ogg stream that is sent to listeners who
// come later, in bytes. Cover art makes them long.
const maxOpening = 1 << 20

// opening is where the header pages of an Ogg stream are, which every decoder needs
// first. Other formats have none.
type opening struct {
	Extent
	at   int64 // where it begins
	open bool  // it has not ended yet
}

// before tells whether it ends before a place. One that does not exist does.
func (o opening) before(place int64) bool { return !o.open && o.at+o.To-o.From <= place }

// readPagesLocked finds header pages in what is being published. A chained stream has
// new ones with each song: listeners do not begin before them.
func (f *Feed) readPagesLocked(p []byte) {
	for at := f.end; ; {
		page, ok := audio.OggPageOf(p)
		if !ok {
			return
		}
		o := &f.opening
		switch {
		case page.First && !o.open:
			*o = opening{Extent{f.file, at - f.base, at - f.base}, at, true}
			f.marks = marks{}
			f.marks.add(at, f.cfg.Burst)
		case page.Granule > 0:
			o.open = false
		}
		if o.open {
			o.To += int64(page.Length)
		}
		if o.To-o.From > maxOpening {
			*o = opening{}
		}
		p, at = p[page.Length:], at+int64(page.Length)
	}
}

// mediaType is the content type of a stream. The bytes decide: encoders declare
// audio/mpeg whatever they send. Where they do not, nothing but audio and video is
// believed.
func mediaType(f audio.Format, declared string) string {
	base, _, err := mime.ParseMediaType(declared)
	if err != nil {
		base = ""
	}
	sort, name, _ := strings.Cut(base, "/")
	switch {
	case f == audio.MP3:
		return "audio/mpeg"
	case f == audio.ADTS && base == "audio/aacp", f == audio.Ogg && name == "ogg":
		return base
	case f == audio.ADTS:
		return "audio/aac"
	case f == audio.Ogg:
		return "application/ogg"
	case sort == "audio", sort == "video", base == "application/ogg":
		return base
	}
	return "application/octet-stream"
}
