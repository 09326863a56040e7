package disk

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// node is a file or a directory.
type node struct {
	content
	modified time.Time
	removed  bool             // has no name any more; its bytes are not counted
	entries  map[string]*node // nil for a file
	// undo is what the names that changed since the last SyncDir stood for; nil for
	// names that did not exist.
	undo map[string]*node
}

func newDir() *node {
	return &node{entries: map[string]*node{}, undo: map[string]*node{}, modified: time.Now()}
}

func (n *node) isDir() bool { return n.entries != nil }

// set makes a name stand for a node, or for nothing.
func (n *node) set(name string, to *node) {
	if _, changed := n.undo[name]; !changed {
		n.undo[name] = n.entries[name]
	}
	n.modified = time.Now()
	if to == nil {
		delete(n.entries, name)
		return
	}
	n.entries[name] = to
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.entries)) }

// revert goes back to what is durable, all the way down.
func (n *node) revert(rng *rand.Rand) {
	n.removed = false
	if !n.isDir() {
		n.content.revert(rng)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.undo)) {
		old := n.undo[name]
		switch {
		case rng != nil && rng.IntN(2) == 0:
		case old == nil:
			delete(n.entries, name)
		default:
			n.entries[name] = old
		}
	}
	n.undo = map[string]*node{}
	for _, name := range n.names() {
		n.entries[name].revert(rng)
	}
}

// bytes is the size of all content below.
func (n *node) bytes() int64 {
	sum := n.size
	for _, e := range n.entries {
		sum += e.bytes()
	}
	return sum
}

// find returns what a valid name stands for.
func (n *node) find(name string) (*node, error) {
	if name == "." {
		return n, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !n.isDir() {
			return nil, syscall.ENOTDIR
		}
		next := n.entries[part]
		if next == nil {
			return nil, syscall.ENOENT
		}
		n = next
	}
	return n, nil
}

// parent returns the directory that a name is in, and its last part.
func (n *node) parent(name string) (*node, string, error) {
	dir, err := n.find(path.Dir(name))
	if err != nil {
		return nil, "", err
	}
	if !dir.isDir() {
		return nil, "", syscall.ENOTDIR
	}
	return dir, path.Base(name), nil
}

// info is what Stat and ReadDir tell about a node.
type info struct {
	name     string
	size     int64
	dir      bool
	modified time.Time
}

func (n *node) info(name string) info {
	return info{name: path.Base(name), size: n.size, dir: n.isDir(), modified: n.modified}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.modified }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
