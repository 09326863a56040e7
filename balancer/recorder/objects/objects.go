// Package objects is where finished shows go: an object store, by what of it publishing
// needs. There are two: any that speaks S3 ([NewS3]), and a directory of a disk
// ([NewDir]).
//
// It tries everything once: trying again, and knowing that an answer was lost, is its
// caller's. It starts nothing and keeps no connection that a call does not use soon.
package objects

import (
	"context"
	"errors"
)

// Errors that a caller acts on. Others mean that the store did not do it, or that nobody
// knows.
var (
	// ErrNotFound is an object that is not there.
	ErrNotFound = errors.New("no such object")
	// ErrChanged is a condition that does not hold: somebody else was there before.
	ErrChanged = errors.New("the object is not what it was")
	// ErrNoUpload is an upload that has ended, or never was.
	ErrNoUpload = errors.New("no such upload")
	// ErrTooLarge is an object that Get does not read.
	ErrTooLarge = errors.New("it has more than 4 MiB")
)

// Info describes an object.
type Info struct {
	Tag  string            // changes with the object
	Size int64             // bytes
	Meta map[string]string // by names in lower case
}

// Condition is what has to hold of an object when it is written. The zero Condition
// always holds.
type Condition struct {
	Absent bool   // there is none
	Tag    string // it has this one
}

// Store is an object store. Objects appear whole or not at all. A method whose answer
// is lost may have done its work. It is safe for concurrent use.
type Store interface {
	// Get reads a small object, up to 4 MiB.
	Get(ctx context.Context, key string) ([]byte, Info, error)
	// Range reads some bytes, up to 4 MiB, of an object that has a tag. What lies behind
	// its end is left out.
	Range(ctx context.Context, key, tag string, from, n int64) ([]byte, error)
	// Head describes an object.
	Head(ctx context.Context, key string) (Info, error)
	// Put writes a small object and returns its tag.
	Put(ctx context.Context, key string, body []byte, c Condition) (tag string, err error)
	// Begin begins an object that is written in parts, and names the upload.
	Begin(ctx context.Context, key, contentType string, meta map[string]string) (upload string, err error)
	// Part writes a part, from 1 to 10 000, and returns its tag. All but the last have
	// to have at least 5 MiB. One that is written again replaces the one before.
	Part(ctx context.Context, key, upload string, number int, body []byte) (tag string, err error)
	// Complete makes the object of its parts, given by their tags in order.
	Complete(ctx context.Context, key, upload string, tags []string, c Condition) error
	// Abort gives an upload up.
	Abort(ctx context.Context, key, upload string) error
	// Uploads names the uploads of a key that were begun and are neither complete nor
	// given up.
	Uploads(ctx context.Context, key string) ([]string, error)
}

// maxSmall bounds what Get and Range read, in bytes.
const maxSmall = 4 << 20
