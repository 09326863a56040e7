package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"deadair/harness/scenario"
)

// instant is a time of the run as the incident's clock shows it: 18:40:12.3Z
// where the scenario has a day and an hour, else 0:01:56.2 since its zero.
func instant(p *scenario.Plan, run time.Duration) string {
	if at, day, ok := wall(p, run); ok {
		return day + at.Round(100*time.Millisecond).Format("15:04:05.0Z")
	}
	return offset(max(0, p.Incident(run)), 100*time.Millisecond)
}

// label is an instant on the axis, to a second.
func label(p *scenario.Plan, run time.Duration) string {
	if at, _, ok := wall(p, run); ok {
		return at.Round(time.Second).Format("15:04:05")
	}
	return offset(max(0, p.Incident(run)), time.Second)
}

// wall is the incident's wall clock at a time of the run, and its day when that
// is another than the first. Plan.Wall has no parts of a second.
func wall(p *scenario.Plan, run time.Duration) (at time.Time, day string, ok bool) {
	if len(p.Clock) == 0 {
		return time.Time{}, "", false
	}
	first := p.Clock[0]
	began, err := time.Parse(time.RFC3339, first.Wall)
	if err != nil {
		return time.Time{}, "", false
	}
	began = began.UTC()
	at = began.Add(p.Incident(run) - first.Incident)
	if at.YearDay() != began.YearDay() {
		day = at.Format("Jan 2, ")
	}
	return at, day, true
}

// offset spells hours, minutes and seconds, rounded to a second or a tenth.
func offset(d, to time.Duration) string {
	d = d.Round(to)
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute
	if to >= time.Second {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s/time.Second)
	}
	return fmt.Sprintf("%d:%02d:%04.1f", h, m, s.Seconds())
}

// span is a length of time for people.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d == 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	var parts []string
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
		}
		d %= u.size
	}
	return strings.Join(parts, " ")
}

// number spells a count with commas: 91,800.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is a count with its noun.
func plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}
