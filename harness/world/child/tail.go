package child

import (
	"bytes"
	"io"
	"os"
)

const (
	tailBytes = 16 << 10 // looked at
	tailLines = 12       // given
)

// Tail is the end of the child's log for people: from the last panic on, or the last lines.
func (p *Process) Tail() string { return Tail(p.log) }

// Tail is the end of a child's log in a file.
func Tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "no log: " + err.Error()
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "no log: " + err.Error()
	}
	start := max(0, size-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(f, start, size-start))
	if err != nil {
		return "no log: " + err.Error()
	}
	return tail(text)
}

func tail(text []byte) string {
	text = bytes.TrimSpace(text)
	for _, start := range []string{"panic: ", "fatal error: "} {
		if i := bytes.LastIndex(text, []byte("\n"+start)); i >= 0 {
			return string(bytes.Join(first(bytes.Split(text[i+1:], []byte("\n"))), []byte("\n")))
		}
		if bytes.HasPrefix(text, []byte(start)) {
			return string(bytes.Join(first(bytes.Split(text, []byte("\n"))), []byte("\n")))
		}
	}
	if len(text) == 0 {
		return "its log is empty"
	}
	lines := bytes.Split(text, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n")))
}

func first(lines [][]byte) [][]byte { return lines[:min(tailLines, len(lines))] }
