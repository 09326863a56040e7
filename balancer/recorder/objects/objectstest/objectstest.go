// Package objectstest is the contract of objects.Store as tests, for every store that
// publishing can use. It does not test faults.
package objectstest

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/objects"
)

// Run runs the suite. Each call of newStore gives an empty store.
func Run(t *testing.T, newStore func(t *testing.T) objects.Store) {
	for name, f := range map[string]func(*testing.T, objects.Store){
		"PutAndGet":  putAndGet,
		"Conditions": conditions,
		"Uploads":    uploads,
		"Missing":    missing,
	} {
		t.Run(name, func(t *testing.T) { f(t, newStore(t)) })
	}
}

func putAndGet(t *testing.T, s objects.Store) {
	tag, err := s.Put(t.Context(), "a/b.json", []byte("one"), objects.Condition{})
	require.NoError(t, err)
	require.NotEmpty(t, tag)
	data, info, err := s.Get(t.Context(), "a/b.json")
	require.NoError(t, err)
	require.Equal(t, "one", string(data))
	require.Equal(t, objects.Info{Tag: tag, Size: 3, Meta: map[string]string{}}, info)
	head, err := s.Head(t.Context(), "a/b.json")
	require.NoError(t, err)
	require.Equal(t, info, head)
	data, err = s.Range(t.Context(), "a/b.json", tag, 1, 10)
	require.NoError(t, err)
	require.Equal(t, "ne", string(data))
	again, err := s.Put(t.Context(), "a/b.json", []byte("two"), objects.Condition{})
	require.NoError(t, err)
	require.NotEqual(t, tag, again)
	_, err = s.Range(t.Context(), "a/b.json", tag, 0, 3)
	require.ErrorIs(t, err, objects.ErrChanged)
}

func conditions(t *testing.T, s objects.Store) {
	tag, err := s.Put(t.Context(), "a", []byte("one"), objects.Condition{Absent: true})
	require.NoError(t, err)
	_, err = s.Put(t.Context(), "a", []byte("two"), objects.Condition{Absent: true})
	require.ErrorIs(t, err, objects.ErrChanged)
	next, err := s.Put(t.Context(), "a", []byte("two"), objects.Condition{Tag: tag})
	require.NoError(t, err)
	_, err = s.Put(t.Context(), "a", []byte("three"), objects.Condition{Tag: tag})
	require.ErrorIs(t, err, objects.ErrChanged)
	_, err = s.Put(t.Context(), "b", []byte("one"), objects.Condition{Tag: tag})
	require.ErrorIs(t, err, objects.ErrNotFound)

	upload, err := s.Begin(t.Context(), "a", "audio/mpeg", nil)
	require.NoError(t, err)
	part, err := s.Part(t.Context(), "a", upload, 1, []byte("four"))
	require.NoError(t, err)
	require.ErrorIs(t, s.Complete(t.Context(), "a", upload, []string{part}, objects.Condition{Absent: true}), objects.ErrChanged)
	require.ErrorIs(t, s.Complete(t.Context(), "a", upload, []string{part}, objects.Condition{Tag: tag}), objects.ErrChanged)
	require.NoError(t, s.Complete(t.Context(), "a", upload, []string{part}, objects.Condition{Tag: next}))
	data, _, err := s.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "four", string(data))
}

func uploads(t *testing.T, s objects.Store) {
	upload, err := s.Begin(t.Context(), "t/a.mp3", "audio/mpeg", map[string]string{"deadair-plan": "x"})
	require.NoError(t, err)
	other, err := s.Begin(t.Context(), "t/a.mp3", "audio/mpeg", nil)
	require.NoError(t, err)
	_, err = s.Begin(t.Context(), "t/a.mp33", "audio/mpeg", nil)
	require.NoError(t, err)
	all, err := s.Uploads(t.Context(), "t/a.mp3")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{upload, other}, all)
	big := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
	_, err = s.Part(t.Context(), "t/a.mp3", upload, 1, []byte("wrong"))
	require.NoError(t, err)
	first, err := s.Part(t.Context(), "t/a.mp3", upload, 1, big)
	require.NoError(t, err)
	last, err := s.Part(t.Context(), "t/a.mp3", upload, 2, []byte("end"))
	require.NoError(t, err)
	_, err = s.Head(t.Context(), "t/a.mp3")
	require.ErrorIs(t, err, objects.ErrNotFound, "it appears whole or not at all")
	require.NoError(t, s.Complete(t.Context(), "t/a.mp3", upload, []string{first, last}, objects.Condition{Absent: true}))
	info, err := s.Head(t.Context(), "t/a.mp3")
	require.NoError(t, err)
	require.EqualValues(t, len(big)+3, info.Size)
	require.Equal(t, "x", info.Meta["deadair-plan"])
	require.ErrorIs(t, s.Complete(t.Context(), "t/a.mp3", upload, []string{first, last}, objects.Condition{}), objects.ErrNoUpload)
	require.NoError(t, s.Abort(t.Context(), "t/a.mp3", other))
	all, err = s.Uploads(t.Context(), "t/a.mp3")
	require.NoError(t, err)
	require.Empty(t, all)
}

func missing(t *testing.T, s objects.Store) {
	_, _, err := s.Get(t.Context(), "a")
	require.ErrorIs(t, err, objects.ErrNotFound)
	_, err = s.Head(t.Context(), "a")
	require.ErrorIs(t, err, objects.ErrNotFound)
	_, err = s.Part(t.Context(), "a", "77", 1, []byte("x"))
	require.ErrorIs(t, err, objects.ErrNoUpload)
	require.ErrorIs(t, s.Complete(t.Context(), "a", "77", []string{"x"}, objects.Condition{}), objects.ErrNoUpload)
	require.ErrorIs(t, s.Abort(t.Context(), "a", "77"), objects.ErrNoUpload)
	all, err := s.Uploads(t.Context(), "a")
	require.NoError(t, err)
	require.Empty(t, all)
}
