package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write golden files anew")

// full is an event with every field set.
func full() Event {
	return Event{
		At: 90 * time.Second, Node: "eu-west/recorder-1", Seq: 7, Kind: SegmentFound,
		Subject: "rome-1", Peer: "eu-west/balancer-2", Fault: "step-3", Class: "reset", Status: 403, OK: true,
		Frame: 1 << 40, Count: 12, Of: 16, Bytes: 4096, Bad: 2, Took: 250 * time.Millisecond,
		Hosts: []string{"eu-west/balancer-1", "eu-west/balancer-2"}, Session: "0198c0de", Epoch: 3,
		File: "0198c0de/3-1.mp3", Ranges: []Range{{0, 99}, {150, 200}}, Hash: "ab12", Detail: "a < b & \"c\" – ü",
		Revision: 2, Gaps: []Gap{{At: 1, Length: 2, Cause: "eof"}},
	}
}

func write(t testing.TB, es ...Event) (text, hash string) {
	t.Helper()
	var b bytes.Buffer
	hash, err := Write(&b, es)
	require.NoError(t, err)
	return b.String(), hash
}

func TestFullIsFull(t *testing.T) {
	v := reflect.ValueOf(full())
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), "set %s in the test's event", v.Type().Field(i).Name)
	}
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	es := []Event{
		{Node: "harness", Seq: 1, Kind: RunStarted},
		full(),
		{At: 91 * time.Second, Node: "route53", Seq: 1, Kind: AnswerChanged, Hosts: []string{"a"}},
		{At: -time.Second, Node: "x", Kind: Canary, Took: time.Hour},
	}
	text, hash := write(t, es...)
	got, err := Read(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, es, got)
	slowly, err := Read(iotest.OneByteReader(strings.NewReader(text)))
	require.NoError(t, err)
	require.Equal(t, es, slowly)
	again, same := write(t, got...)
	require.Equal(t, text, again)
	require.Equal(t, hash, same)
}

// TestFormOfALine stays as it is: histories are judged again long after they were written.
func TestFormOfALine(t *testing.T) {
	text, _ := write(t, full(), Event{At: 1, Node: "n", Seq: 2, Kind: OnAir})
	golden := filepath.Join("testdata", "lines.jsonl")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
	require.Contains(t, text, "\n"+`{"t":1,"node":"n","seq":2,"kind":"on-air"}`+"\n", "unused fields are left out")
	require.Contains(t, text, `a < b & \"c\" – ü`, "people can read it")
}

func TestHashIsThatOfTheBytes(t *testing.T) {
	text, hash := write(t, full(), full())
	sum := sha256.Sum256([]byte(text))
	require.Equal(t, hex.EncodeToString(sum[:]), hash)
	_, empty := write(t)
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", empty)
}

// TestEveryFieldIsInTheHash: without one of them it is another.
func TestEveryFieldIsInTheHash(t *testing.T) {
	_, whole := write(t, full())
	seen := map[string]string{whole: "nothing"}
	typ := reflect.TypeFor[Event]()
	for i := range typ.NumField() {
		e := full()
		reflect.ValueOf(&e).Elem().Field(i).SetZero()
		_, hash := write(t, e)
		require.Empty(t, seen[hash], "without %s", typ.Field(i).Name)
		seen[hash] = typ.Field(i).Name
	}
	_, swapped := write(t, Event{Node: "a", Kind: OnAir}, Event{Node: "b", Kind: OnAir})
	_, other := write(t, Event{Node: "b", Kind: OnAir}, Event{Node: "a", Kind: OnAir})
	require.NotEqual(t, swapped, other, "nor is the order free")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteTellsThatItCouldNot(t *testing.T) {
	for _, n := range []int{1, 10_000} { // at the end, and on the way
		hash, err := Write(fullDisk{}, make([]Event, n))
		require.EqualError(t, err, "write history: disk full")
		require.Empty(t, hash)
	}
}

func TestReadIsStrict(t *testing.T) {
	const good = `{"t":1,"node":"n","seq":1,"kind":"on-air"}`
	cases := map[string]struct{ second, want string }{
		"unknown field":            {`{"t":1,"node":"n","seq":1,"kind":"on-air","framed":2}`, `unknown field "framed"`},
		"unknown field of a range": {`{"t":1,"node":"n","kind":"on-air","ranges":[{"from":1,"upto":2}]}`, `unknown field "upto"`},
		"cut off":                  {good[:20], "unexpected EOF"},
		"two events":               {good + good, "more than one event"},
		"something behind":         {good + " x", "more than one event"},
		"wrong type":               {`{"t":"1s","node":"n","kind":"on-air"}`, "cannot unmarshal string"},
		"fraction of a time":       {`{"t":1.5,"node":"n","kind":"on-air"}`, "cannot unmarshal number"},
		"not an event":             {`[]`, "cannot unmarshal array"},
		"null":                     {`null`, "needs a kind and a witness"},
		"no kind":                  {`{"t":1,"node":"n"}`, "needs a kind and a witness"},
		"no witness":               {`{"t":1,"kind":"on-air"}`, "needs a kind and a witness"},
		"empty line":               {"", "EOF"},
		"endless line":             {strings.Repeat(" ", maxLine+1), "token too long"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			es, err := Read(strings.NewReader(good + "\n" + c.second + "\n" + good + "\n"))
			require.ErrorContains(t, err, "read history line 2: ")
			require.ErrorContains(t, err, c.want)
			require.Nil(t, es)
		})
	}
}

func TestReadOfNothing(t *testing.T) {
	es, err := Read(strings.NewReader(""))
	require.NoError(t, err)
	require.Empty(t, es)
}

func TestReadPassesOnTheReadersError(t *testing.T) {
	broken := errors.New("broken disk")
	text, _ := write(t, full())
	_, err := Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func TestReadHasALimit(t *testing.T) {
	text := strings.Repeat(`{"t":1,"node":"n","seq":1,"kind":"on-air"}`+"\n", 10)
	es, err := read(strings.NewReader(text), 10)
	require.NoError(t, err)
	require.Len(t, es, 10)
	_, err = read(strings.NewReader(text), 9)
	require.EqualError(t, err, "read history: it has more than 9 events")
}

func FuzzRead(f *testing.F) {
	text, _ := write(f, full(), Event{Node: "n", Kind: OnAir})
	f.Add([]byte(text))
	f.Add([]byte(`{"T":1,"NODE":"n","kind":"on-air","hosts":null,"ranges":[]}` + "\r\n"))
	f.Add([]byte("{\"node\":\"\xff\",\"kind\":\"\\u0000\"}"))
	f.Fuzz(func(t *testing.T, in []byte) {
		es, err := Read(bytes.NewReader(in))
		if err != nil {
			require.ErrorContains(t, err, "read history")
			return
		}
		text, hash := write(t, es...)
		again, err := Read(strings.NewReader(text))
		require.NoError(t, err)
		same, rehashed := write(t, again...)
		require.Equal(t, text, same, "reading and writing settles at once")
		require.Equal(t, hash, rehashed)
		require.Len(t, again, len(es))
	})
}
