package icecast

import (
	"slices"
	"strings"
)

// Field is one line of a header.
type Field struct{ Name, Value string }

// Header is the fields of a head in the order they came. Names are compared
// without regard to case. The zero value is empty and ready to use.
type Header []Field

// Get is the first value of a name, or "".
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Values are all values of a name, in order.
func (h Header) Values(name string) []string {
	var values []string
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Has tells whether a name is there, be its value empty.
func (h Header) Has(name string) bool {
	return slices.ContainsFunc(h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Add appends a field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set replaces all fields of a name by one at the end.
func (h *Header) Set(name, value string) {
	h.Del(name)
	h.Add(name, value)
}

// Del removes all fields of a name.
func (h *Header) Del(name string) {
	*h = slices.DeleteFunc(*h, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// appendTo writes the fields as lines. Line ends and NUL inside a name or value
// become spaces, so that a value can never become a line of its own.
func (h Header) appendTo(dst []byte) []byte {
	for _, f := range h {
		dst = appendText(dst, f.Name)
		dst = append(dst, ": "...)
		dst = appendText(dst, f.Value)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// hasToken tells whether a comma-separated list holds a token.
func (h Header) hasToken(name, token string) bool {
	for _, value := range h.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
