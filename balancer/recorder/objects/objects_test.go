package objects_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/objects/objectstest"
	"deadair/fakes/disk"
	"deadair/fakes/objectstore"
)

func TestDirIsAStore(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return objects.NewDir(env.OSDisk(t.TempDir()), "tracks") })
}

func TestDirIsAStoreOnTheFakeDisk(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		return objects.NewDir(d.Mount(), ".")
	})
}

// TestKilledUploadsLeaveNothing: an upload that was given up halfway takes no room for
// longer than until the next one.
func TestKilledUploadsLeaveNothing(t *testing.T) {
	for step := 1; ; step++ {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		s := objects.NewDir(d.Mount(), "tracks")
		id, err := s.Begin(t.Context(), "a", "audio/mpeg", nil)
		require.NoError(t, err)
		for n := 1; n <= 3; n++ {
			_, err = s.Part(t.Context(), "a", id, n, []byte("one"))
			require.NoError(t, err)
		}
		killed := objects.NewDir(d.MountFor(step), "tracks").Abort(t.Context(), "a", id) != nil
		s = objects.NewDir(d.Mount(), "tracks")
		ids, err := s.Uploads(t.Context(), "a")
		require.NoError(t, err)
		for _, id := range ids {
			require.NoError(t, s.Abort(t.Context(), "a", id))
		}
		left, err := d.Mount().ReadDir("tracks/.uploads")
		require.NoError(t, err)
		require.Empty(t, left, "killed at step %d", step)
		if !killed {
			require.Greater(t, step, 5)
			return
		}
	}
}

// BenchmarkRange reads an object of 64 MiB in ranges of one, as publishing does when a
// show goes on.
func BenchmarkRange(b *testing.B) {
	s := objects.NewDir(env.OSDisk(b.TempDir()), "tracks")
	const size = 64 << 20
	id, err := s.Begin(b.Context(), "a", "audio/mpeg", nil)
	require.NoError(b, err)
	part, err := s.Part(b.Context(), "a", id, 1, make([]byte, size))
	require.NoError(b, err)
	require.NoError(b, s.Complete(b.Context(), "a", id, []string{part}, objects.Condition{}))
	info, err := s.Head(b.Context(), "a")
	require.NoError(b, err)
	b.SetBytes(size)
	for b.Loop() {
		for at := int64(0); at < size; at += 1 << 20 {
			_, err := s.Range(b.Context(), "a", info.Tag, at, 1<<20)
			require.NoError(b, err)
		}
	}
}

func TestS3IsAStore(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return newS3(t, "", 0) })
}

// newS3 is a client of a store with a fault.
func newS3(t *testing.T, fault objectstore.Fault, skew time.Duration) objects.Store {
	e := env.System("store", t.TempDir(), nil)
	var err error
	e.Config, err = json.Marshal(objectstore.Config{Bucket: "tracks", Key: "anna", Fault: fault})
	require.NoError(t, err)
	at := make(chan net.Addr, 1)
	listen := e.Listen
	e.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		l, err := listen(ctx, network, "127.0.0.1:0")
		if err == nil {
			at <- l.Addr()
		}
		return l, err
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- objectstore.Serve(ctx, e) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	return objects.NewS3(objects.S3Config{
		Endpoint: "http://" + (<-at).String(), Bucket: "tracks", Key: "anna", Secret: "secret", Deadline: 5 * time.Second,
		Dial: e.DialContext, Wall: func() time.Time { return time.Now().Add(skew) },
	})
}

// TestS3TellsFaults: none of them is taken for success.
func TestS3TellsFaults(t *testing.T) {
	for _, fault := range []objectstore.Fault{objectstore.Unavailable, objectstore.NoBucket, objectstore.ClockSkew, objectstore.ReplyLost} {
		s := newS3(t, fault, 0)
		_, err := s.Put(t.Context(), "a", []byte("x"), objects.Condition{})
		require.Error(t, err, fault)
		require.NotErrorIs(t, err, objects.ErrNotFound, fault)
		if fault != objectstore.ReplyLost {
			_, _, err = s.Get(t.Context(), "a")
			require.Error(t, err, fault)
			require.NotErrorIs(t, err, objects.ErrNotFound, fault)
		}
	}
	for fault, stage := range map[objectstore.Fault]string{objectstore.PartRejected: "part", objectstore.ErrorIn200: "complete", objectstore.ReplyLost: "complete"} {
		s := newS3(t, fault, 0)
		upload, err := s.Begin(t.Context(), "a", "audio/mpeg", nil)
		require.NoError(t, err)
		tag, err := s.Part(t.Context(), "a", upload, 1, []byte("x"))
		require.Equal(t, stage == "part", err != nil, fault)
		if stage == "complete" {
			require.Error(t, s.Complete(t.Context(), "a", upload, []string{tag}, objects.Condition{}), fault)
		}
	}
	s := newS3(t, "", time.Hour)
	_, err := s.Put(t.Context(), "a", []byte("x"), objects.Condition{})
	require.ErrorContains(t, err, "RequestTimeTooSkewed", "the host's clock signs")
	_, err = s.Put(t.Context(), "a", []byte("x"), objects.Condition{})
	require.ErrorContains(t, err, "RequestTimeTooSkewed", "and no other, however often")
}

// TestAPartThatIsNotWhatWasUploaded: a power cut takes what nobody made durable. The upload is
// begun anew, and there is no object of what is left.
func TestAPartThatIsNotWhatWasUploaded(t *testing.T) {
	for _, parts := range []int{1, 2} {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		s := objects.NewDir(d.Mount(), ".")
		id, err := s.Begin(t.Context(), "a", "audio/mpeg", nil)
		require.NoError(t, err)
		var tags []string
		for n := range parts {
			tag, err := s.Part(t.Context(), "a", id, n+1, []byte("as it was"))
			require.NoError(t, err)
			tags = append(tags, tag)
		}
		f, err := d.Mount().OpenFile(path.Join(".uploads", id, strconv.Itoa(parts)), os.O_WRONLY|os.O_TRUNC)
		require.NoError(t, err)
		_, err = f.Write([]byte("as it"))
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.ErrorIs(t, s.Complete(t.Context(), "a", id, tags, objects.Condition{}), objects.ErrNoUpload)
		_, err = s.Head(t.Context(), "a")
		require.ErrorIs(t, err, objects.ErrNotFound)
	}
}
