package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds the list that a broken file gives; more help nobody.
const maxProblems = 50

// maxListed is how many known words are listed when none is near.
const maxListed = 64

// Pos is a place in a scenario file; both count from 1. The zero Pos is unknown.
type Pos struct{ Line, Column int }

// Problem is one thing wrong with a scenario file.
type Problem struct {
	Pos
	Message string // with the suggestion, if there is one
}

// Invalid is the error of a file that does not describe a scenario. It holds
// every problem that was found, in the file's order.
type Invalid struct {
	File     string
	Problems []Problem
}

// Error gives one line per problem: file:line:column: message.
func (e *Invalid) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s", e.File, max(p.Line, 1), max(p.Column, 1), p.Message)
	}
	return b.String()
}

// problems collects what is wrong; each problem is kept once.
type problems struct {
	list []Problem
	more int // found after maxProblems
}

func (p *problems) add(at Pos, format string, args ...any) {
	one := Problem{at, fmt.Sprintf(format, args...)}
	if slices.Contains(p.list, one) {
		return
	}
	if len(p.list) >= maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, one)
}

// invalid returns the problems as an error, or nil when there are none.
func (p *problems) invalid(file string) error {
	if len(p.list) == 0 {
		return nil
	}
	list := slices.Clone(p.list)
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if p.more > 0 {
		list = append(list, Problem{list[len(list)-1].Pos, fmt.Sprintf("and %d problems more", p.more)})
	}
	return &Invalid{file, list}
}

// Meant is the end of a message about an unknown word: the nearest known one, or
// all of them when they are few, or nothing.
func Meant(word string, known []string) string {
	if like := Alike(word, known); like != "" {
		return like
	}
	if len(known) > 0 && len(known) <= maxListed {
		return " (known: " + strings.Join(known, ", ") + ")"
	}
	return ""
}

// Alike names the one known word that another resembles, for the end of a message; ""
// when there is none.
func Alike(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of letters to change, add or leave out. Long words are
// told apart by their first 64 bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := left
			if a[i] != b[j] {
				change++
			}
			left = row[j+1]
			row[j+1] = min(change, left+1, row[j]+1)
		}
	}
	return row[len(b)]
}
