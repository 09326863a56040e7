package session

import (
	"fmt"
	"strings"
)

// Limits of a cluster's slots.
const (
	slotCount = 1 << 14
	maxNames  = 1 << 16 // tried to find one to probe each master with
)

// table is who has which slot. It never changes.
type table struct {
	owners  [slotCount]string // "" is nobody
	masters []string
	names   []string // of mounts, one for each master, by which it is probed
}

// span is a range of slots and who has it.
type span struct {
	first, last int
	at          string
}

// newTable finds a name to probe each master with, besides.
func newTable(spans []span, prefix string) *table {
	t := &table{}
	missing := map[string]bool{}
	for _, s := range spans {
		if !missing[s.at] {
			missing[s.at] = true
			t.masters = append(t.masters, s.at)
		}
		for slot := s.first; slot <= s.last; slot++ {
			t.owners[slot] = s.at
		}
	}
	for n := 0; n < maxNames && len(missing) > 0; n++ {
		name := probeMount
		if n > 0 {
			name = fmt.Sprintf("%s-%d", probeMount, n)
		}
		if at := t.owners[slotOf(keyOf(prefix, name))]; missing[at] {
			t.names = append(t.names, name)
			delete(missing, at)
		}
	}
	return t
}

// slotOf is the slot of a key: that of its first part in braces, unless that is empty.
func slotOf(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	var sum uint16 // CRC-16/XMODEM
	for i := range len(key) {
		sum ^= uint16(key[i]) << 8
		for range 8 {
			high := sum&0x8000 != 0
			sum <<= 1
			if high {
				sum ^= 0x1021
			}
		}
	}
	return int(sum) % slotCount
}
