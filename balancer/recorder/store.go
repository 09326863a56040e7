package recorder

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"deadair/balancer/recorder/objects"
	"deadair/balancer/recorder/publish"
)

// leastPart is the least that a store takes as a part of an object, in bytes.
const leastPart = 5 << 20

// remote tells whether the store is reached by the network, rather than a directory.
func (c Config) remote() bool { return strings.Contains(c.Store, "://") }

// storeDir is the directory below which the store is, if it is on this disk.
func (c Config) storeDir() string {
	if c.Store == "" || c.remote() {
		return ""
	}
	first, _, _ := strings.Cut(path.Clean(c.Store), "/")
	return first
}

func (c Config) validateStore() error {
	if c.StorePart < leastPart {
		return fmt.Errorf("store-part: it must be at least %d, which is what a store takes, got %d", leastPart, c.StorePart)
	}
	if c.Store == "" {
		return nil
	}
	for _, p := range c.Peers {
		if p.Name == "" || p.Admin == "" {
			return errors.New("peers: each needs a name and its admin address")
		}
	}
	if !c.remote() {
		if dir := path.Clean(c.Store); dir == "." || !filepath.IsLocal(dir) {
			return fmt.Errorf("store: %q is neither a URL nor a directory below the recordings", c.Store)
		}
		return nil
	}
	u, err := url.Parse(c.Store)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("store: %q is no URL of a store, such as https://s3.eu-west-1.amazonaws.com", c.Store)
	}
	if c.StoreBucket == "" || c.StoreKey == "" {
		return errors.New("store-bucket, store-key: an S3 store needs both")
	}
	return nil
}

// publisher makes what publishes finished shows; nil when there is no store.
func (r *Recorder) publisher(parts Parts) *publish.Publisher {
	c := r.cfg
	store := parts.Store
	switch {
	case store != nil:
	case c.Store == "":
		return nil
	case c.remote():
		store = objects.NewS3(objects.S3Config{
			Endpoint: c.Store, Bucket: c.StoreBucket, Region: c.StoreRegion, Key: c.StoreKey, Secret: c.StoreSecret,
			Deadline: c.StoreDeadline, Dial: r.env.DialContext, Wall: r.env.Wall,
		})
	default:
		store = objects.NewDir(r.env.Disk, path.Clean(c.Store))
	}
	library := publish.Library(r.library)
	if parts.Journal != nil {
		library = parts.Journal(library)
	}
	var tell func(publish.Record) error
	if r.post != nil {
		tell = r.tell
	}
	return publish.New(publish.Config{
		Tell: tell,
		Name: c.Name, Store: store, Library: library, Peers: newPeers(c, r.env.DialContext), Prefix: c.StorePrefix, Order: parts.Order,
		Every: c.PublishInterval, Patience: c.PeerPatience, Backoff: c.PublishBackoff, BackoffMost: c.PublishBackoffMost,
		Keep: c.Keep, PartBytes: c.StorePart, Workers: c.StoreWorkers,
		Wall: r.env.Wall, Rand: r.env.Rand("publish"), Phase: r.env.Phase("publish", c.PublishInterval), Log: r.log,
	})
}
