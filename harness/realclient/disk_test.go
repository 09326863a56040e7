//go:build linux

package realclient_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"deadair/balancer/recorder/manifest"
)

// segment is a file of a recording as it is on a disk.
type segment struct {
	recorder, session string
	epoch             int64
	path              string
	bytes             int64
}

// segments are all that is recorded, on all disks.
func (w *world) segments() (found []segment) {
	paths, err := filepath.Glob(filepath.Join(w.dir, "disks", "*", "*", "*-*.*"))
	if err != nil {
		w.t.Error(err)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		session, file := filepath.Split(path)
		number, _, _ := strings.Cut(file, "-")
		epoch, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			w.t.Errorf("%s is not named <epoch>-<n>", path)
		}
		found = append(found, segment{filepath.Base(filepath.Dir(filepath.Clean(session))), filepath.Base(session), epoch, path, info.Size()})
	}
	return found
}

// title is a line of a session's journal.
func (w *world) titles() (lines []manifest.Line) {
	paths, err := filepath.Glob(filepath.Join(w.dir, "disks", "*", "*", manifest.File))
	if err != nil {
		w.t.Error(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		all, _, _ := manifest.Parse(data)
		lines = append(lines, slices.DeleteFunc(all, func(l manifest.Line) bool { return l.Type != manifest.Title })...)
	}
	return lines
}

// undecodable plays a segment and returns what is wrong with it.
func (s segment) undecodable() string {
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", s.path, "-f", "null", "-").CombinedOutput()
	if err != nil {
		return err.Error() + ": " + string(out)
	}
	return string(out)
}
