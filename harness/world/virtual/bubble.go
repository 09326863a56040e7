package virtual

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// maxCulprits is how many goroutines an error names.
const maxCulprits = 10

// InBubble runs f in virtual time and returns when f and all that it started have
// ended. The clock begins at 2000-01-01 UTC and moves when everybody waits; it
// stands still as soon as f returns, so f must end what it started before.
//
// A panic of f, and goroutines that wait for ever, come back as an error that
// names them. A panic in another goroutine ends the program. What runs in a bubble
// must not wait for anything outside it: see Guard. One process holds one bubble at a time,
// and better only one ever, for libraries keep timers in package variables.
func InBubble(f func()) (err error) {
	var number string
	defer func() {
		if r := recover(); r != nil { // synctest reports a deadlock or a leak as a panic here
			err = errors.Join(err, fmt.Errorf("bubble: %v\n%s", r, first(inBubble(stacks(), number))))
		}
	}()
	var zero testing.T // must not reach f: it has no output behind it
	synctest.Test(&zero, func(*testing.T) {
		number = bubbleNumber()
		done := make(chan error)
		go func() { // not here: the zero T does not survive runtime.Goexit
			err := errors.New("scenario: ended by runtime.Goexit")
			defer func() { done <- err }()
			err = recovered(f)
		}()
		err = <-done
	})
	return err
}

// recovered runs f and returns its panic; on runtime.Goexit it does not return.
func recovered(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("scenario: %v\n%s", r, debug.Stack())
		}
	}()
	f()
	return nil
}

// bubbleNumber is the number that stack dumps give to the calling goroutine's bubble.
func bubbleNumber() string {
	buf := make([]byte, 256)
	dump := string(buf[:runtime.Stack(buf, false)])
	m := regexp.MustCompile(`synctest bubble (\d+)`).FindStringSubmatch(dump)
	if m == nil {
		return ""
	}
	return m[1]
}

// stacks are the stacks of all goroutines.
func stacks() []string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= 64<<20 {
			return strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n")
		}
		buf = make([]byte, 2*len(buf))
	}
}

// inBubble keeps the goroutines of a bubble, of any if number is empty, but for the bubble's own.
func inBubble(all []string, number string) []string {
	mark := "synctest bubble " + number
	return slices.DeleteFunc(all, func(s string) bool {
		return !strings.Contains(head(s), mark) || number != "" && !strings.Contains(head(s), mark+"]") ||
			strings.Contains(s, "internal/synctest.Run(") || strings.Contains(s, "testing.tRunner(") || strings.Contains(s, "testing/synctest.testingSynctestTest(")
	})
}

// first is as many stacks as a person reads.
func first(stacks []string) string {
	more := ""
	if k := len(stacks) - maxCulprits; k > 0 {
		stacks, more = stacks[:maxCulprits], fmt.Sprintf("\n\n(and %d more)", k)
	}
	return strings.Join(stacks, "\n\n") + more
}
