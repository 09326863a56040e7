package history

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxEvents bounds a run's memory and its file (about 50 MB).
const maxEvents = 250_000

// Log collects the events of one run. It is safe for concurrent use.
type Log struct {
	now   func() time.Duration
	limit int // of events

	mu      sync.Mutex // guards all below
	events  []Event
	seq     map[string]int
	dropped int
	tap     func(Event)
}

// NewLog returns an empty log; now gives incident time.
func NewLog(now func() time.Duration) *Log {
	return &Log{now: now, limit: maxEvents, seq: map[string]int{}}
}

// Tap has f called with each event, in order of arrival. It is for progress
// lines; f must be quick and must not call the Log.
func (l *Log) Tap(f func(Event)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tap = f
}

// Add records an event, stamping its time (unless At is set) and its Seq.
func (l *Log) Add(e Event) {
	if e.At == 0 {
		e.At = l.now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) >= l.limit {
		l.dropped++
		return
	}
	l.seq[e.Node]++
	e.Seq = l.seq[e.Node]
	l.events = append(l.events, e)
	if l.tap != nil {
		l.tap(e)
	}
}

// Events returns the history so far, ordered. It fails if events were dropped,
// since a history with holes proves nothing.
func (l *Log) Events() ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped > 0 {
		return nil, fmt.Errorf("history is over its limit of %d events by %d: shorten the scenario or its shows", l.limit, l.dropped)
	}
	es := slices.Clone(l.events)
	Sort(es)
	return es, nil
}

// Sort orders events by time, then witness, then sequence.
func Sort(es []Event) { slices.SortStableFunc(es, order) }

func order(a, b Event) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Seq, b.Seq))
}

// Whole tells of events that are missing, there twice, or not in the order of Sort: each
// witness numbers its own from 1. What it saw last is missing unseen; the end of a run is
// an event for that.
func Whole(es []Event) error {
	last, count := map[string]int{}, map[string]int{}
	for i, e := range es {
		last[e.Node] = max(last[e.Node], e.Seq)
		count[e.Node]++
		if i == 0 {
			continue
		}
		if c := order(es[i-1], e); c > 0 {
			return fmt.Errorf("history is not in order: line %d belongs before line %d", i+1, i)
		} else if c == 0 {
			return fmt.Errorf("history is not whole: lines %d and %d are the same event", i, i+1)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(count)) {
		if last[node] != count[node] {
			return fmt.Errorf("history is not whole: %s saw %d events, and %d of them are here", node, last[node], count[node])
		}
	}
	return nil
}

// Write writes events as JSON lines and returns the SHA-256 of what was written.
func Write(w io.Writer, es []Event) (hash string, err error) {
	h := sha256.New()
	b := bufio.NewWriter(io.MultiWriter(w, h))
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	for i := range es {
		if err := enc.Encode(&es[i]); err != nil {
			return "", fmt.Errorf("write history: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return "", fmt.Errorf("write history: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxLine bounds one line of a history, in bytes.
const maxLine = 4 << 20

// Read reads what Write wrote, up to the limit of a Log. An unknown field, an
// event without a kind or a witness, or a broken line is an error that names the line.
func Read(r io.Reader) ([]Event, error) { return read(r, maxEvents) }

func read(r io.Reader, limit int) ([]Event, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxLine)
	var es []Event
	for sc.Scan() {
		if len(es) == limit {
			return nil, fmt.Errorf("read history: it has more than %d events", limit)
		}
		e, err := decode(sc.Bytes())
		if err != nil {
			return nil, fmt.Errorf("read history line %d: %w", len(es)+1, err)
		}
		es = append(es, e)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read history line %d: %w", len(es)+1, err)
	}
	return es, nil
}

func decode(line []byte) (Event, error) {
	var e Event
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return Event{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Event{}, errors.New("more than one event")
	}
	if e.Kind == "" || e.Node == "" {
		return Event{}, errors.New("an event needs a kind and a witness")
	}
	return e, nil
}
