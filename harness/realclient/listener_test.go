//go:build linux

package realclient_test

import (
	"os"
	"path/filepath"
	"strings"
)

// listener is a real player that listens to a show at its recorder: ffmpeg, which
// tells of each title that comes with the stream.
type listener struct{ log, sound string }

// listen tunes in to a mount.
func (w *world) listen(recorder, mount string) listener {
	l := listener{log: filepath.Join(w.dir, "listener.log"), sound: filepath.Join(w.dir, "heard.pcm")}
	url := "http://" + recorderConfig(recorderIndex(recorder)).Listen + mount
	launch(w.t, l.log, w.servers.command("ffmpeg", "-nostdin", "-nostats", "-v", "verbose", "-icy", "1", "-i", url, "-f", "s16le", "-y", l.sound))
	return l
}

// hears tells whether it has heard sound, for a second at least.
func (l listener) hears() bool {
	const second = 44100 * 2
	info, err := os.Stat(l.sound)
	return err == nil && info.Size() > second
}

// told tells whether it was told of a title.
func (l listener) told(title string) bool {
	log, err := os.ReadFile(l.log)
	return err == nil && strings.Contains(string(log), title)
}
