package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Differ is the index of the first event in which two histories are not the same, or of
// the first that only one of them has; ok is false if they are the same.
func Differ(a, b []Event) (i int, ok bool) {
	for i := range min(len(a), len(b)) {
		if !reflect.DeepEqual(a[i], b[i]) {
			return i, true
		}
	}
	return min(len(a), len(b)), len(a) != len(b)
}

// Line is an event as a history has it, without the end of the line.
func Line(e Event) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&e); err != nil {
		return fmt.Sprintf("%+v", e)
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
