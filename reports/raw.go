package reports

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"

	"deadair/harness/history"
)

// maxRaw bounds the history that a page carries, in bytes as they stand there; a
// longer one is only beside it.
const maxRaw = 900 << 10

// raw is a history as a page carries it: JSON lines, compressed, in letters that no
// markup knows. Empty when it is too long.
func raw(es []history.Event) string {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return ""
	}
	if _, err := history.Write(z, es); err != nil {
		return ""
	}
	if err := z.Close(); err != nil || base64.RawURLEncoding.EncodedLen(b.Len()) > maxRaw {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes())
}
