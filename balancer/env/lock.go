package env

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked is a directory that another process writes to.
var ErrLocked = errors.New("another process uses it: end that one, or name another directory")

// LockDir keeps a directory, which it makes if need be, for this process: two that
// write to one directory spoil each other's files. It leaves nothing in it. The lock
// ends with unlock or with the process, however that ends. It returns ErrLocked when
// another process has the lock. Where the system has no such locks it locks nothing.
func LockDir(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	if err := flock(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}
