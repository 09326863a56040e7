//go:build !linux

package env

import (
	"errors"
	"os"
)

// syncfs is Linux' alone.
func syncfs(*os.File) error { return errors.ErrUnsupported }
