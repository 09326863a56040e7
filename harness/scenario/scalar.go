package scenario

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxSpan is the longest time that a scenario can name.
const maxSpan = 100 * 24 * time.Hour

// Duration is a length of time, spelled 90s, 10m or 6h30m; 0 ≤ d ≤ 100 days.
type Duration time.Duration

func (v *Duration) decode(d *decoder, n ast.Node) {
	s := d.text(n)
	if s == "" {
		return
	}
	got, err := span(s)
	if err != nil {
		d.add(place(n), "%v", err)
	}
	*v = Duration(got)
}

// span reads a length of time.
func span(s string) (time.Duration, error) {
	got, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no length of time: write it as 90s, 10m or 6h30m%s", clip(s), unitMeant(s))
	}
	if got < 0 || got > maxSpan {
		return 0, fmt.Errorf("%q is out of range: 0s to %dh", s, int(maxSpan.Hours()))
	}
	return got, nil
}

// unitMeant suggests the unit for a word such as 10min or 5 seconds.
func unitMeant(s string) string {
	digits, word, _ := regexpUnit(s)
	for _, u := range []struct{ word, unit string }{{"ms", "ms"}, {"mil", "ms"}, {"s", "s"}, {"m", "m"}, {"h", "h"}} {
		if digits != "" && strings.HasPrefix(strings.ToLower(word), u.word) {
			return fmt.Sprintf(" (did you mean %q?)", digits+u.unit)
		}
	}
	return ""
}

func regexpUnit(s string) (digits, word string, ok bool) {
	m := regexp.MustCompile(`^(\d{1,6})\s*([A-Za-z]+)$`).FindStringSubmatch(s)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

func clip(s string) string { return s[:min(len(s), 40)] }

// Instant is a point of the scenario's time: an offset from its zero (10m), or a
// clock time (18:40Z) of the incident's day.
type Instant struct {
	Pos
	Offset time.Duration // for an offset
	Clock  bool          // it is a clock time
	OfDay  time.Duration // for a clock time: since midnight UTC
}

func (v *Instant) decode(d *decoder, n ast.Node) {
	s := d.text(n)
	if s == "" {
		return
	}
	v.Pos = place(n)
	if !strings.Contains(s, ":") {
		got, err := span(s)
		if err != nil {
			d.add(v.Pos, "%v", err)
		}
		v.Offset = got
		return
	}
	v.Clock = true
	for _, form := range []string{"15:04Z", "15:04:05Z"} {
		if t, err := time.Parse(form, s); err == nil {
			v.OfDay = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
			return
		}
	}
	d.add(v.Pos, "%q is no clock time: write it as 18:40Z or 18:40:30Z (UTC)", clip(s))
}

// Name is a word that names something, with its place. A Name that is not in the
// file has an empty Value.
type Name struct {
	Pos
	Value string
}

func (v *Name) decode(d *decoder, n ast.Node) {
	v.Pos, v.Value = place(n), d.text(n)
}

// Names is one name or a list of them.
type Names []Name

func (v *Names) decode(d *decoder, n ast.Node) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		*v = make(Names, 1)
		(*v)[0].decode(d, n)
		return
	}
	*v = make(Names, len(seq.Values))
	for i, e := range seq.Values {
		(*v)[i].decode(d, e)
	}
	if len(*v) == 0 {
		d.add(place(n), "the list is empty: name at least one")
	}
}

// Share is a part of a group in percent, 1 to 100.
type Share int

// of is the share of n, rounded, at least 1 of them; no share is all.
func (v Share) of(n int) int {
	if v == 0 {
		return n
	}
	return max(1, (n*int(v)+50)/100)
}

func (v *Share) decode(d *decoder, n ast.Node) { v.read(d, Name{place(n), d.text(n)}) }

func (v *Share) read(d *decoder, n Name) {
	got, err := strconv.Atoi(strings.TrimSuffix(n.Value, "%"))
	if err != nil || !strings.HasSuffix(n.Value, "%") || got < 1 || got > 100 {
		d.add(n.Pos, "%q is no share: write it as 50%%, from 1%% to 100%%", clip(n.Value))
		return
	}
	*v = Share(got)
}

// Bitrate is a show's bit rate in bit/s, spelled 128k or 8k.
type Bitrate int

func (v *Bitrate) decode(d *decoder, n ast.Node) {
	switch s := d.text(n); s {
	case "128k":
		*v = 128_000
	case "8k":
		*v = 8_000
	default:
		d.add(place(n), "%q is no bit rate: 128k or 8k", clip(s))
	}
}

// Rate is bytes per incident second, spelled 500 or 2k (2000).
type Rate int

func (v *Rate) decode(d *decoder, n ast.Node) {
	s := d.text(n)
	number, kilo := strings.CutSuffix(s, "k")
	got, err := strconv.Atoi(number)
	if kilo && got <= math.MaxInt32/1000 {
		got *= 1000
	}
	if err != nil || got < 1 || got > math.MaxInt32 {
		d.add(place(n), "%q is no rate: bytes per second, such as 500 or 2k", clip(s))
		got = 1 // it is given
	}
	*v = Rate(got)
}

// Settings overrides a server's own configuration by its keys; package stack knows
// the keys.
type Settings map[string]Setting

// Setting is the value of one key, with the key's place.
type Setting struct {
	Pos
	Value any // text, a number (float64), true or false
}

func (v *Settings) decode(d *decoder, n ast.Node) {
	*v = Settings{}
	for _, e := range d.entries(n) {
		(*v)[e.key] = Setting{e.at, d.plain(e.value)}
	}
}

// plain is a scalar as what it looks like.
func (d *decoder) plain(n ast.Node) any {
	switch val := n.(type) {
	case *ast.BoolNode:
		return val.Value
	case *ast.IntegerNode:
		return float64(d.number(val))
	case *ast.FloatNode:
		return val.Value
	}
	return d.text(n)
}
