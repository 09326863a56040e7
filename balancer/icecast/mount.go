package icecast

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMount is the longest mount accepted, in bytes.
const MaxMount = 255

// ErrMountInvalid is a mount that cannot be one; its text says what to change.
var ErrMountInvalid = errors.New("mount invalid")

// Mount is the mount a source asks for: the target's path, decoded, without its
// query. The error wraps ErrMountInvalid.
func (h *Head) Mount() (string, error) {
	mount, err := url.PathUnescape(h.Path())
	if err != nil {
		return "", fmt.Errorf("%w: broken percent-encoding", ErrMountInvalid)
	}
	if err := CheckMount(mount); err != nil {
		return "", err
	}
	return mount, nil
}

// CheckMount tells what is wrong with a decoded mount, wrapped in ErrMountInvalid;
// nil if nothing is.
func CheckMount(mount string) error {
	switch {
	case !strings.HasPrefix(mount, "/"):
		return fmt.Errorf(`%w: it must start with "/"`, ErrMountInvalid)
	case len(mount) > MaxMount:
		return fmt.Errorf("%w: it must not be longer than %d bytes", ErrMountInvalid, MaxMount)
	case !utf8.ValidString(mount):
		return fmt.Errorf("%w: it must be UTF-8", ErrMountInvalid)
	case strings.TrimSpace(mount) != mount:
		return fmt.Errorf("%w: it must not end with a space", ErrMountInvalid) // it travels as a header field, too
	case strings.ContainsFunc(mount, unicode.IsControl):
		return fmt.Errorf("%w: it must not hold control characters", ErrMountInvalid)
	case strings.Contains(mount, ".."):
		return fmt.Errorf(`%w: it must not hold ".."`, ErrMountInvalid)
	case isAdmin(mount):
		return fmt.Errorf("%w: /admin is reserved", ErrMountInvalid)
	}
	for segment := range strings.SplitSeq(mount[1:], "/") {
		if segment == "" || segment == "." {
			return fmt.Errorf(`%w: it must have a name between any two "/" and after the last`, ErrMountInvalid)
		}
	}
	return nil
}

func isAdmin(path string) bool {
	return path == "/admin" || path == "/admin.cgi" || strings.HasPrefix(path, "/admin/")
}
