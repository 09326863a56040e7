package draft

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const months = `(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?`

// dayForms are the ways in which a day is written; the names say which part is which.
func dayForms() []*regexp.Regexp {
	return []*regexp.Regexp{isoDay, dayFirst, monthFirst, digitsOnly}
}

var (
	isoDay     = regexp.MustCompile(`(?i)\b(?P<y>[12]\d{3})-(?P<n>\d{2})-(?P<d>\d{2})`)
	dayFirst   = regexp.MustCompile(`(?i)\b(?P<d>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m>` + months + `),?\s+(?P<y>[12]\d{3})\b`)
	monthFirst = regexp.MustCompile(`(?i)\b(?P<m>` + months + `)\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>[12]\d{3})\b`)
	digitsOnly = regexp.MustCompile(`\b(?P<d>\d{1,2})[/.](?P<n>\d{1,2})[/.](?P<y>[12]\d{3})\b`)
)

// day finds the first day that a text names.
func (d *Draft) day(text string) {
	for _, form := range dayForms() {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if day, ok := dayOf(form, m); ok {
			d.Date = day
			d.found("the day %s (%q)", day.Format(time.DateOnly), m[0])
			return
		}
	}
}

func dayOf(form *regexp.Regexp, m []string) (time.Time, bool) {
	part := func(name string) int {
		i := form.SubexpIndex(name)
		if i < 0 {
			return 0
		}
		n, err := strconv.Atoi(m[i])
		if err != nil {
			n = 1 + slices.Index([]string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}, strings.ToLower(m[i])[:3])
		}
		return n
	}
	y, month, day := part("y"), max(part("n"), part("m")), part("d")
	if form == digitsOnly && month > 12 {
		month, day = day, month // 12/17/2014
	}
	at := time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return at, at.Day() == day && at.Month() == time.Month(month) && y >= 1900
}

// dayless is a text without its days.
func dayless(s string) string {
	for _, form := range dayForms() {
		s = form.ReplaceAllString(s, "")
	}
	return s
}

// clockForm is a clock time: 18:40, 18h40, 6:40 pm, 6pm, with its zone if there is one.
var clockForm = regexp.MustCompile(`(?i)(?:^|[^\d:.,/-])(?:([01]?\d|2[0-3])[:h]([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?\s*(am|pm|a\.m\.|p\.m\.)?|(1[0-2]|0?[1-9])\s*(am|pm|a\.m\.|p\.m\.))` +
	`(?:\s*\(?(UTC|GMT|Z|CEST|CET|BST|WEST|WET|EEST|EET|EST|EDT|CST|CDT|MST|MDT|PST|PDT|JST|AEST|[+-]\d{2}:?\d{2})\b\)?)?`)

// zones are hours before (negative) or after UTC.
func zones() map[string]int {
	return map[string]int{
		"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "CET": 1, "WEST": 1, "BST": 1, "CEST": 2, "EET": 2, "EEST": 3,
		"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "JST": 9, "AEST": 10,
	}
}

// clock is a clock time in a note.
type clock struct {
	at      time.Duration // since midnight UTC of the note's day; may be before it
	says    string        // the sentence that it stands in
	role    string        // begin, end, posted, or empty
	zone    string        // as written; empty: none is
	guessed bool          // nobody says which zone
}

// clocksOf finds all clock times. One without a zone has that of the next one with
// one, or else of the one before.
func clocksOf(said []string) []clock {
	var all []clock
	for _, s := range said {
		found := clockForm.FindAllStringSubmatchIndex(s, -1)
		for i, m := range found {
			c := clockAt(s, m)
			c.role = role(s, m[0], i, len(found))
			all = append(all, c)
		}
	}
	for i := range all {
		zone := nearest(all, i)
		all[i].guessed = zone == ""
		all[i].at -= offset(zone)
	}
	return all
}

func clockAt(s string, m []int) clock {
	sub := func(i int) string {
		if m[2*i] < 0 {
			return ""
		}
		return s[m[2*i]:m[2*i+1]]
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(text) // the form has digits only; none is zero
		return n
	}
	hour, half := number(sub(1)), strings.ToLower(sub(4))
	if sub(5) != "" {
		hour, half = number(sub(5)), strings.ToLower(sub(6))
	}
	if half != "" && hour <= 12 {
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
	}
	return clock{at: time.Duration(hour*3600+number(sub(2))*60+number(sub(3))) * time.Second, says: short(s, 300), zone: strings.ToUpper(sub(7))}
}

// nearest is the zone that a clock time is meant in.
func nearest(all []clock, i int) string {
	for _, c := range all[i:] {
		if c.zone != "" {
			return c.zone
		}
	}
	for j := i - 1; j >= 0; j-- {
		if all[j].zone != "" {
			return all[j].zone
		}
	}
	return ""
}

// offset is a zone's difference to UTC.
func offset(zone string) time.Duration {
	if h, ok := zones()[zone]; ok {
		return time.Duration(h) * time.Hour
	}
	digits := strings.NewReplacer(":", "", "+", "").Replace(zone)
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
}

// Words before a clock time that tell whether something begins or ends then.
var (
	endWords   = regexp.MustCompile(`(?i)\b(until|till|til|to|resolved|fixed|restored|recovered|recovery|over|ended|ends|end|back|solved|mitigated|all clear|restarted|rebooted|replaced|rolled back|operational|works? again)\b|[-–—]\s*$`)
	beginWords = regexp.MustCompile(`(?i)\b(from|since|started|starting|begins?|began|between)\b`)
	onlyClock  = regexp.MustCompile(`(?i)^[\s\[(]*[\d:h]+\s*(?:am|pm)?\s*[A-Z]{0,4}[\s\])]*$`)
)

// role tells what a clock time is in its sentence.
func role(s string, at, i, of int) string {
	before := s[:at]
	switch {
	case onlyClock.MatchString(s):
		return "posted"
	case of > 1 && i == of-1 && (endWords.MatchString(before) || strings.ContainsAny(before, "-–—")):
		return "end"
	case of == 1 && endWords.MatchString(s) && !strings.HasPrefix(strings.ToLower(s), "from"):
		return "end"
	case beginWords.MatchString(before):
		return "begin"
	}
	return ""
}

// bounds are the clock times at which it begins and ends; end is -1 if none does.
func bounds(all []clock) (begin, end int) {
	begin, end = -1, -1
	for i, c := range all {
		switch {
		case c.role == "begin" && begin < 0:
			begin = i
		case c.role == "end":
			end = i
		}
	}
	if begin < 0 {
		for i, c := range all {
			if c.role != "end" && (begin < 0 || c.at < all[begin].at) {
				begin = i
			}
		}
	}
	if begin < 0 {
		return end, -1 // the only time is one at which it was over
	}
	return begin, end
}

func shift(all []clock, by time.Duration) {
	for i := range all {
		all[i].at += by
	}
}

// spell writes a time of day.
func spell(at time.Duration) string {
	at = (at%(24*time.Hour) + 24*time.Hour) % (24 * time.Hour)
	s := fmt.Sprintf("%02d:%02d", at/time.Hour, at%time.Hour/time.Minute)
	if sec := at % time.Minute / time.Second; sec > 0 {
		s += fmt.Sprintf(":%02d", sec)
	}
	return s
}
