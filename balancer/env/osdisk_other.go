//go:build !linux && !darwin

package env

import (
	"errors"
	"os"
)

// statfs is not known on this system.
func statfs(dir string) (free, total int64, err error) {
	return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: errors.ErrUnsupported}
}
