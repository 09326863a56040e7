package virtual

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	samples     = 50 // of all stacks at most, to see one awake that sleeps by steps of a nanosecond
	sampleEvery = 5 * time.Millisecond
)

// culprits are the stacks of who keeps the clock where it is: goroutines that do not wait
// in a way that lets it move, and after who waits for a mutex those that may hold it.
func culprits() []string {
	for range samples {
		all := inBubble(stacks(), "")
		if awake := restless(all); len(awake) > 0 {
			return append(awake, holders(awake, all)...)
		}
		time.Sleep(sampleEvery)
	}
	return []string{"(nobody was seen awake: somebody takes steps that are too small)"}
}

// restless keeps the goroutines that do not wait in a way that lets the clock move.
func restless(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.Contains(head(s), "(durable)") })
}

// works tells whether a goroutine does something, or would if it got the time.
func works(stack string) bool {
	return slices.ContainsFunc([]string{" [run", " [syscall", " [GC"}, func(state string) bool { return strings.Contains(head(stack), state) })
}

// holders are the goroutines that are in the code of those who wait for a mutex, a method
// of the same type or the same function, and sleep there: one of them holds it.
func holders(awake, all []string) []string {
	var places []string
	for _, s := range awake {
		if strings.Contains(head(s), "Mutex.") {
			places = append(places, locks(s))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool {
		return slices.Contains(awake, s) || !slices.ContainsFunc(calls(s), func(call string) bool {
			return slices.ContainsFunc(places, func(p string) bool { return p != "" && strings.HasPrefix(call, p) })
		})
	})
}

// locks is the begin of the names of all methods of the type whose method waits for a
// mutex, or the name of the function that does.
func locks(stack string) string {
	for _, call := range calls(stack) {
		if strings.HasPrefix(call, "sync.") || strings.HasPrefix(call, "internal/") || strings.HasPrefix(call, "runtime.") {
			continue
		}
		if i := strings.Index(call, ")."); i >= 0 { // package.(*type).method(…)
			return call[:i+2]
		}
		name, _, _ := strings.Cut(call, "(")
		return name + "("
	}
	return ""
}

// calls are the lines of a stack that name a function that has not returned.
func calls(stack string) []string {
	lines := strings.Split(stack, "\n")[1:]
	return slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "\t") || strings.HasPrefix(l, "created by ")
	})
}

// waiting is the stack of what InBubble was given, and of what that has started itself.
func waiting(all []string) []string {
	i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, "harness/world/virtual.recovered(") })
	if i < 0 {
		return nil
	}
	return slices.DeleteFunc(family(all, numberOf(all[i])), func(s string) bool { return strings.Contains(s, "harness/world/virtual.beat.") })
}

// family are the stacks of a goroutine and, behind it, of those that it started.
func family(all []string, number string) []string {
	var own, children []string
	for _, s := range all {
		switch {
		case numberOf(s) == number:
			own = append(own, s)
		case strings.Contains(s, fmt.Sprintf(" in goroutine %s\n", number)):
			children = append(children, s)
		}
	}
	return append(own, children...)
}

// head is the first line of a stack.
func head(stack string) string {
	line, _, _ := strings.Cut(stack, "\n")
	return line
}

var goroutineNumber = regexp.MustCompile(`^goroutine (\d+) `)

// numberOf is the number of the goroutine whose stack that is, or "".
func numberOf(stack string) string {
	m := goroutineNumber.FindStringSubmatch(stack)
	if m == nil {
		return ""
	}
	return m[1]
}

// self is the number of the calling goroutine.
func self() string {
	buf := make([]byte, 64) // the number is at the begin
	return numberOf(string(buf[:runtime.Stack(buf, false)]))
}
