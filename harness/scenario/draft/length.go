package draft

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	lengthForm = regexp.MustCompile(`(?i)\b(\d{1,5}(?:\.\d)?|a|an|half an|one|two|three|four|five|six|seven|eight|nine|ten|few|several)[\s-]*(seconds?|secs?|s|minutes?|mins?|min|m|hours?|hrs?|h|days?|d)(?:(?:\s*|\s+and\s+)(\d{1,2})\s*(minutes?|mins?|m|seconds?|secs?|s)\b|\b)`)
	// lastWords stand before the length of an outage, and notLength before another one.
	lastWords = regexp.MustCompile(`(?i)\b(for|lasted|lasting|took|during|within|down|outage of|some|about|over|duration)\b\W*(?:\w+\W+){0,2}$`)
	notLength = regexp.MustCompile(`(?i)\b(every|each|after|ago|uptime|ttl|timeout|interval|last|past)\b\W*(?:\w+\W+){0,2}$`)
)

// lengthOf finds for how long it lasted, if a note says so.
func lengthOf(said []string) (time.Duration, bool) {
	for _, s := range said {
		for _, m := range lengthForm.FindAllStringSubmatchIndex(s, -1) {
			before, after := s[:m[0]], s[m[1]:]
			if !lastWords.MatchString(before) || notLength.MatchString(before) || strings.HasPrefix(strings.TrimSpace(after), "of uptime") {
				continue
			}
			if d := lengthAt(s, m); d > 0 {
				return d, true
			}
		}
	}
	return 0, false
}

func lengthAt(s string, m []int) time.Duration {
	d := spanned(s[m[2]:m[3]], s[m[4]:m[5]])
	if m[6] >= 0 {
		d += spanned(s[m[6]:m[7]], s[m[8]:m[9]])
	}
	return d.Round(time.Second)
}

// counts are the numbers that are written as words.
func counts() map[string]float64 {
	return map[string]float64{
		"a": 1, "an": 1, "half an": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "few": 3, "several": 5,
	}
}

func spanned(number, unit string) time.Duration {
	n, ok := counts()[strings.ToLower(number)]
	if !ok {
		var err error
		if n, err = strconv.ParseFloat(number, 64); err != nil {
			return 0
		}
	}
	size := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[strings.ToLower(unit)[0]]
	return time.Duration(n * float64(size))
}
