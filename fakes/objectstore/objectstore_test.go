package objectstore

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
)

// client speaks to a store as a signing client does, as far as the store looks.
type client struct {
	t      *testing.T
	server *httptest.Server
	store  *Store
	skew   time.Duration
}

func serveStore(t *testing.T, disk env.Disk) *client {
	t.Helper()
	e := env.System("store", "", nil)
	e.Disk = disk
	s, err := New(Config{Bucket: "tracks", Key: "anna", MinPart: 4}, e)
	require.NoError(t, err)
	require.NoError(t, s.open())
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	return &client{t: t, server: server, store: s}
}

// do returns the status, or 0 when there was no answer, and the body.
func (c *client) do(method, path, body string, headers ...string) (status int, text string, h http.Header) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=anna/20140820/eu/s3/aws4_request")
	r.Header.Set("X-Amz-Date", time.Now().Add(c.skew).UTC().Format("20060102T150405Z"))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := c.server.Client().Do(r)
	if err != nil {
		return 0, "", nil
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer.StatusCode, string(data), answer.Header
}

func (c *client) begin(key string) (id string) {
	status, text, _ := c.do(http.MethodPost, "/tracks/"+key+"?uploads", "", "X-Amz-Meta-Sum", "abc")
	require.Equal(c.t, http.StatusOK, status)
	var b beginning
	require.NoError(c.t, xml.Unmarshal([]byte(text), &b))
	return b.UploadID
}

func (c *client) part(key, id string, n int, body string) (tag string) {
	status, text, h := c.do(http.MethodPut, fmt.Sprintf("/tracks/%s?partNumber=%d&uploadId=%s", key, n, id), body)
	require.Equal(c.t, http.StatusOK, status, text)
	return h.Get("ETag")
}

func completionOf(tags ...string) string {
	var b strings.Builder
	for i, tag := range tags {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, tag)
	}
	return "<CompleteMultipartUpload>" + b.String() + "</CompleteMultipartUpload>"
}

func TestObjectsAreKeptWithTheirVersions(t *testing.T) {
	disk := env.OSDisk(t.TempDir())
	c := serveStore(t, disk)
	status, _, h := c.do(http.MethodPut, "/tracks/a/b.json", "one", "If-None-Match", "*", "Content-Type", "application/json", "X-Amz-Meta-Sum", "1")
	require.Equal(t, http.StatusOK, status)
	first := h.Get("ETag")
	status, text, _ := c.do(http.MethodPut, "/tracks/a/b.json", "two", "If-None-Match", "*")
	require.Equal(t, http.StatusPreconditionFailed, status)
	require.Contains(t, text, "<Code>PreconditionFailed</Code>")
	status, _, _ = c.do(http.MethodPut, "/tracks/a/b.json", "two", "If-Match", `"other"`)
	require.Equal(t, http.StatusPreconditionFailed, status)
	status, _, _ = c.do(http.MethodPut, "/tracks/nothing", "two", "If-Match", first)
	require.Equal(t, http.StatusNotFound, status)
	status, text, h = c.do(http.MethodGet, "/tracks/a/b.json", "", "Range", "bytes=1-")
	require.Equal(t, http.StatusPartialContent, status)
	require.Equal(t, "ne", text)
	require.Equal(t, "1", h.Get("X-Amz-Meta-Sum"))
	status, _, _ = c.do(http.MethodPut, "/tracks/a/b.json", "two", "If-Match", first)
	require.Equal(t, http.StatusOK, status)

	again := serveStore(t, disk) // as after a kill
	status, text, _ = again.do(http.MethodGet, "/tracks/a/b.json", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "two", text)
	_, text, _ = again.do(http.MethodGet, "/tracks?list-type=2&prefix=a/", "")
	require.Contains(t, text, "<Key>a/b.json</Key>")
	status, _, _ = again.do(http.MethodDelete, "/tracks/a/b.json", "")
	require.Equal(t, http.StatusNoContent, status)
	status, _, _ = again.do(http.MethodHead, "/tracks/a/b.json", "")
	require.Equal(t, http.StatusNotFound, status)
	versions, err := Read(disk)
	require.NoError(t, err)
	require.Len(t, versions, 3)
	require.Equal(t, []bool{false, false, true}, []bool{versions[0].Deleted, versions[1].Deleted, versions[2].Deleted})
}

func TestUploadsInParts(t *testing.T) {
	disk := env.OSDisk(t.TempDir())
	c := serveStore(t, disk)
	id := c.begin("a.mp3")
	small := c.part("a.mp3", id, 1, "abc")
	whole := c.part("a.mp3", id, 1, "abcd") // the same number again: it counts
	last := c.part("a.mp3", id, 2, "e")
	path := "/tracks/a.mp3?uploadId=" + id
	for _, bad := range []string{completionOf(small, last), completionOf(), "<", completionOf(last, whole)} {
		status, _, _ := c.do(http.MethodPost, path, bad)
		require.Equal(t, http.StatusBadRequest, status, bad)
	}
	unfinished, err := Unfinished(disk)
	require.NoError(t, err)
	require.Equal(t, []string{id}, unfinished)
	status, _, _ := c.do(http.MethodPost, path, completionOf(whole, last), "If-None-Match", "*")
	require.Equal(t, http.StatusOK, status)
	status, text, h := c.do(http.MethodGet, "/tracks/a.mp3", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "abcde", text)
	require.Equal(t, "abc", h.Get("X-Amz-Meta-Sum"))
	require.True(t, strings.HasSuffix(h.Get("ETag"), `-2"`))
	status, _, _ = c.do(http.MethodPost, path, completionOf(whole, last))
	require.Equal(t, http.StatusNotFound, status, "an upload is completed once")

	id = c.begin("b.mp3")
	c.part("b.mp3", id, 1, "abc")
	_, text, _ = c.do(http.MethodGet, "/tracks?uploads", "")
	require.Contains(t, text, "<UploadId>"+id+"</UploadId>")
	status, _, _ = c.do(http.MethodDelete, "/tracks/b.mp3?uploadId="+id, "")
	require.Equal(t, http.StatusNoContent, status)
	unfinished, err = Unfinished(disk)
	require.NoError(t, err)
	require.Empty(t, unfinished)
}

func TestFaultsShow(t *testing.T) {
	for fault, c := range map[Fault]struct {
		put, head, part, complete int
		stored                    bool // by completing
	}{
		"":           {200, 200, 200, 200, true},
		Slow:         {200, 200, 200, 200, true},
		Unavailable:  {503, 503, 503, 503, false},
		ErrorIn200:   {200, 200, 200, 200, false},
		ReplyLost:    {0, 200, 200, 0, true},
		PartRejected: {200, 200, 400, 200, true},
		NoBucket:     {404, 404, 404, 404, false},
		ClockSkew:    {403, 403, 403, 403, false},
	} {
		t.Run("fault "+string(fault), func(t *testing.T) {
			disk := env.OSDisk(t.TempDir())
			s := serveStore(t, disk)
			s.do(http.MethodPut, "/tracks/there", "x")
			id := s.begin("a.mp3")
			tag := s.part("a.mp3", id, 1, "abc")
			require.NoError(t, s.store.sick.set(fault, time.Millisecond))
			status, _, _ := s.do(http.MethodPut, "/tracks/new", "x")
			require.Equal(t, c.put, status)
			status, _, _ = s.do(http.MethodHead, "/tracks/there", "")
			require.Equal(t, c.head, status)
			status, _, _ = s.do(http.MethodPut, "/tracks/a.mp3?partNumber=2&uploadId="+id, "d")
			require.Equal(t, c.part, status)
			status, text, _ := s.do(http.MethodPost, "/tracks/a.mp3?uploadId="+id, completionOf(tag))
			require.Equal(t, c.complete, status)
			require.Equal(t, fault == ErrorIn200, strings.Contains(text, "<Error>") && status == 200)
			hit := s.store.sick.state().Hit
			require.Equal(t, fault != "", hit > 0, hit)
			require.NoError(t, s.store.sick.set("", 0))
			status, _, _ = s.do(http.MethodHead, "/tracks/a.mp3", "")
			require.Equal(t, c.stored, status == 200)
		})
	}
}

func TestWhoSignsCounts(t *testing.T) {
	c := serveStore(t, env.OSDisk(t.TempDir()))
	for want, headers := range map[string][]string{
		"AccessDenied":              {"Authorization", "Basic x"},
		"InvalidAccessKeyId":        {"Authorization", "AWS4-HMAC-SHA256 Credential=bob/x"},
		"XAmzContentSHA256Mismatch": {"X-Amz-Content-Sha256", strings.Repeat("0", 64)},
		"NotImplemented":            {"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
	} {
		_, text, _ := c.do(http.MethodPut, "/tracks/a", "x", headers...)
		require.Contains(t, text, "<Code>"+want+"</Code>")
	}
	_, text, _ := c.do(http.MethodPut, "/others/a", "x")
	require.Contains(t, text, "<Code>NoSuchBucket</Code>")
	c.skew = 14 * time.Minute
	status, _, _ := c.do(http.MethodPut, "/tracks/a", "x")
	require.Equal(t, http.StatusOK, status)
	c.skew = -16 * time.Minute
	_, text, _ = c.do(http.MethodPut, "/tracks/a", "x")
	require.Contains(t, text, "<Code>RequestTimeTooSkewed</Code>")
}

func TestOperatorsSwitchFaults(t *testing.T) {
	c := serveStore(t, env.OSDisk(t.TempDir()))
	server := httptest.NewServer(c.store.operators())
	t.Cleanup(server.Close)
	ask := func(method, body string) (int, State) {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/fault", strings.NewReader(body))
		require.NoError(t, err)
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		var s State
		if answer.StatusCode == http.StatusOK {
			require.NoError(t, json.NewDecoder(answer.Body).Decode(&s))
		}
		return answer.StatusCode, s
	}
	for _, f := range Faults() {
		status, s := ask(http.MethodPost, fmt.Sprintf(`{"fault":%q,"delay_ns":1}`, f))
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, State{Fault: f, Delay: 1}, s)
	}
	status, _ := ask(http.MethodPost, `{"fault":"asleep"}`)
	require.Equal(t, http.StatusBadRequest, status)
	c.do(http.MethodHead, "/tracks/a", "")
	_, s := ask(http.MethodGet, "")
	require.Equal(t, State{Fault: ClockSkew, Delay: 1, Hit: 1}, s)
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Config{}, env.Env{})
	require.ErrorContains(t, err, "bucket")
	_, err = New(Config{Bucket: "b", Fault: "asleep"}, env.Env{})
	require.ErrorContains(t, err, "asleep")
}

// TestTornJournal: a line that was never answered is left out, and the next one is not
// spoiled by it.
func TestTornJournal(t *testing.T) {
	disk := env.OSDisk(t.TempDir())
	c := serveStore(t, disk)
	c.do(http.MethodPut, "/tracks/a", "one")
	require.NoError(t, appendFile(disk, journalFile, []byte(`{"key":"b"`)))
	again := serveStore(t, disk)
	status, _, _ := again.do(http.MethodPut, "/tracks/c", "two")
	require.Equal(t, http.StatusOK, status)
	versions, err := Read(disk)
	require.NoError(t, err)
	require.Len(t, versions, 2)
	require.Equal(t, []string{"a", "c"}, []string{versions[0].Key, versions[1].Key})
}

func TestServeEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	e := env.System("store", t.TempDir(), nil)
	e.Config = json.RawMessage(`{"bucket":"tracks","key":"anna"}`)
	listening := make(chan string, 1)
	listen := e.Listen
	e.Listen = func(ctx context.Context, network, _ string) (l net.Listener, err error) {
		l, err = listen(ctx, network, "127.0.0.1:0")
		if err == nil {
			listening <- l.Addr().String()
		}
		return l, err
	}
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, e) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+<-listening+"/tracks/a", bytes.NewReader(nil))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
	stop()
	require.NoError(t, <-served)
}
