package icecast

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForm(t *testing.T) {
	for line, want := range map[string]Form{
		"PUT /m":                      FormPut,
		"put /m":                      FormPut,
		"POST /m":                     FormPut,
		"SOURCE /m":                   FormSource,
		"GET /health":                 FormGet,
		"HEAD /":                      FormGet,
		"OPTIONS *":                   FormOptions,
		"DELETE /m":                   FormOther,
		"GET /admin/!POKE":            FormAdmin,
		"POST /admin/metadata":        FormAdmin,
		"GET /admin?mode=x":           FormAdmin,
		"GET /admin.cgi?pass=x":       FormAdmin,
		"PUT /administration":         FormPut,
		"GET /m?next=/admin/metadata": FormGet,
	} {
		method, target, _ := strings.Cut(line, " ")
		require.Equal(t, want, (&Head{Method: method, Target: target}).Form(), line)
	}
	require.Equal(t, FormOther, (*Head)(nil).Form())
	require.Equal(t, "source", FormSource.String())
	require.Equal(t, "other", Form(99).String())
}

func TestMount(t *testing.T) {
	for target, want := range map[string]string{
		"/show":                             "/show",
		"/show?user=x":                      "/show",
		"/a/b.mp3":                          "/a/b.mp3",
		"/my%20show":                        "/my show",
		"/caf%C3%A9":                        "/café",
		"/" + strings.Repeat("a", 254):      "/" + strings.Repeat("a", 254),
		"/administrator":                    "/administrator",
		"/a.b":                              "/a.b",
		"/" + strings.Repeat("%61", 254):    "/" + strings.Repeat("a", 254),
		"/%3Fquestion":                      "/?question",
		"":                                  "",
		"*":                                 "",
		"show":                              "",
		"http://x/show":                     "",
		"/":                                 "",
		"/show/":                            "",
		"//show":                            "",
		"/a//b":                             "",
		"/./a":                              "",
		"/../a":                             "",
		"/a/..%2fb":                         "",
		"/%2e%2e/a":                         "",
		"/a%00b":                            "",
		"/a%0d%0ab":                         "",
		"/a%7fb":                            "",
		"/a%C2%85b":                         "",
		"/caf%E9":                           "",
		"/caf%":                             "",
		"/admin":                            "",
		"/admin/metadata":                   "",
		"/admin.cgi":                        "",
		"/%61dmin/metadata":                 "",
		"/" + strings.Repeat("a", 255):      "",
		"/" + strings.Repeat("%C3%A9", 128): "",
	} {
		mount, err := (&Head{Target: target}).Mount()
		if want == "" {
			require.ErrorIs(t, err, ErrMountInvalid, target)
		} else {
			require.NoError(t, err, target)
		}
		require.Equal(t, want, mount, target)
	}
}

func TestCredentials(t *testing.T) {
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for value, want := range map[string][2]string{
		basic("source:hackme"):       {"source", "hackme"},
		basic("dj:a:b"):              {"dj", "a:b"},
		basic(":hackme"):             {"source", "hackme"},
		basic("dj:"):                 {"dj", ""},
		"basic   c291cmNlOmhhY2ttZQ": {"source", "hackme"},
		basic("hackme"):              {},
		"Basic !!!":                  {},
		"Basic":                      {},
		"Bearer c291cmNlOmhhY2ttZQ":  {},
		"":                           {},
	} {
		user, password, ok := (&Head{Header: Header{{"authorization", value}}}).Credentials()
		require.Equal(t, want, [2]string{user, password}, value)
		require.Equal(t, want != [2]string{}, ok, value)
	}
}

func TestHeader(t *testing.T) {
	var h Header
	h.Add("A", "1")
	h.Add("b", "2")
	h.Add("a", "3")
	require.Equal(t, "1", h.Get("a"))
	require.Equal(t, []string{"1", "3"}, h.Values("A"))
	require.True(t, h.Has("B"))
	require.False(t, h.Has("c"))
	h.Set("a", "4")
	require.Equal(t, Header{{"b", "2"}, {"a", "4"}}, h)
	h.Del("B")
	require.Equal(t, Header{{"a", "4"}}, h)
}

// Titles come with what their encoders do not escape.
func TestQueriesArePartedAsIcecastDoes(t *testing.T) {
	for query, want := range map[string]url.Values{
		"song=A;B&mount=/x": {"song": {"A;B"}, "mount": {"/x"}},
		"song=100%&x":       {"song": {"100%"}, "x": {""}},
		"song=100%+and+5%2": {"song": {"100% and 5%2"}},
		"a=1&&a=2&=3":       {"a": {"1", "2"}},
		"":                  {},
	} {
		require.Equal(t, want, ParseQuery(query), query)
	}
}

func TestOtherSpacesBelongToATarget(t *testing.T) {
	h, err := ReadHead(strings.NewReader("GET /admin/metadata?song=A\u3000B\u00a0C HTTP/1.0\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, "A\u3000B\u00a0C", h.Query().Get("song"))
}

func TestHeadValues(t *testing.T) {
	h := Head{Target: "/admin/metadata?mount=%2flive&song=a%20b&bad=%zz", Header: Header{
		{"Expect", "100-Continue"}, {"Transfer-Encoding", "gzip, Chunked"}, {"Content-Type", "Audio/MPEG; x=y"},
	}}
	require.Equal(t, "/admin/metadata", h.Path())
	require.Equal(t, url.Values{"mount": {"/live"}, "song": {"a b"}, "bad": {"%zz"}}, h.Query())
	require.True(t, h.Expects100())
	require.True(t, h.Chunked())
	require.Equal(t, "audio/mpeg", h.ContentType())
	require.False(t, (&Head{}).Chunked())
	require.Empty(t, (&Head{}).ContentType())
}

// TestRefuseNeverEndsAShow: whatever the status, a source sees 401 or 403.
func TestRefuseNeverEndsAShow(t *testing.T) {
	for _, status := range []int{302, 400, 404, 409, 429, 500, 503} {
		for _, method := range []string{"PUT", "POST", "SOURCE"} {
			require.Equal(t, http.StatusForbidden, refuse(t, &Head{Method: method, Target: "/m"}, Refusal{Status: status}).Status)
		}
		require.Equal(t, status, refuse(t, &Head{Method: "GET", Target: "/m"}, Refusal{Status: status}).Status)
		require.Equal(t, status, refuse(t, nil, Refusal{Status: status}).Status)
	}
}

func TestRefuseHeader(t *testing.T) {
	extra := Refusal{Status: 403, Body: "later", Header: Header{{"Retry-After", "5"}, {"content-type", "text/html"}}}
	p := refuse(t, nil, extra)
	require.Equal(t, "5", p.Header.Get("Retry-After"))
	require.Equal(t, []string{"text/html"}, p.Header.Values("Content-Type"))
	require.Equal(t, "later", string(p.Rest))
	require.Equal(t, Header{{"Retry-After", "5"}, {"content-type", "text/html"}}, extra.Header)

	require.Equal(t, "GET, SOURCE, OPTIONS", refuse(t, &Head{Method: "SOURCE", Target: "/m"}, Unauthorized()).Header.Get("Allow"))
	require.False(t, refuse(t, &Head{Method: "PUT", Target: "/m"}, Unauthorized()).Header.Has("Allow"))
	require.False(t, refuse(t, nil, UnknownRequest()).Header.Has("WWW-Authenticate"))
}

func refuse(t *testing.T, h *Head, r Refusal) *Reply {
	var answer bytes.Buffer
	require.NoError(t, Refuse(&answer, h, r))
	p, err := ReadReply(&answer)
	require.NoError(t, err)
	return p
}

func TestAnswer(t *testing.T) {
	var b bytes.Buffer
	header := Header{{"Content-Type", "application/json"}}
	require.NoError(t, Answer(&b, 507, header, []byte("{}")))
	require.Equal(t, "HTTP/1.1 507 Insufficient Storage\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", b.String())
	require.Len(t, header, 1)
	b.Reset()
	require.NoError(t, Continue(&b))
	require.Equal(t, goAhead, b.String())
}

// TestWrittenHead: a value that holds line ends cannot become a line of its own.
func TestWrittenHead(t *testing.T) {
	h := Head{Method: "PUT", Target: "/m", Proto: "HTTP/1.1", Rest: []byte("body")}
	h.Header.Add("Ice-Name", "a\r\nDeadair-Epoch: 9\x00")
	var b bytes.Buffer
	n, err := h.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, b.Len(), n)
	require.Equal(t, "PUT /m HTTP/1.1\r\nIce-Name: a  Deadair-Epoch: 9 \r\n\r\n", b.String())

	p := Reply{Proto: "HTTP/1.1", Status: 200, Header: Header{{"Deadair-Epoch", "3"}}}
	b.Reset()
	_, err = p.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK\r\nDeadair-Epoch: 3\r\n\r\n", b.String())
}

// TestAcceptSource: a SOURCE client throws on anything before its 200, whatever it expects.
func TestAcceptSource(t *testing.T) {
	var b bytes.Buffer
	h := Head{Method: "SOURCE", Target: "/m", Header: Header{{"Expect", "100-continue"}}}
	require.NoError(t, Accept(&b, &h))
	require.Equal(t, accepted, b.String())
}
