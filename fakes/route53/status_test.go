package route53

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusOf(t *testing.T) {
	for answer, want := range map[string]int{
		"HTTP/1.1 200 OK\r\n":    200,
		"HTTP/1.0 302 Found\r\n": 302,
		"HTTP/1.1 503":           503,
		"HTTP/1.1 200\n":         200,
		"HTTP/1.1 2000 OK\r\n":   0,
		"HTTP/1.1 20x OK\r\n":    0,
		"HTTP/2.0 200 OK\r\n":    0,
		"HTTP/1.1  200 OK\r\n":   0,
		"ICY 200 OK\r\n\r\n":     0,
		"HTTP/1.1 20":            0,
		"":                       0,
	} {
		require.Equal(t, want, statusOf([]byte(answer)), "%q", answer)
	}
}

// FuzzStatusOf compares with the standard library: what it reads as an HTTP/1
// answer has the same status here.
func FuzzStatusOf(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 503\r\n\r\n", "HTTP/1.1 0200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		code := statusOf(answer)
		require.GreaterOrEqual(t, code, 0)
		require.LessOrEqual(t, code, 999)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
		if err != nil {
			return
		}
		resp.Body.Close()
		digits := strings.Trim(resp.Status[:3], "0123456789") == "" // the library takes "+01" for a status, too
		if digits && resp.ProtoMajor == 1 && bytes.HasPrefix(answer, []byte("HTTP/1.")) && answer[8] == ' ' {
			require.Equal(t, resp.StatusCode, code)
		}
	})
}
