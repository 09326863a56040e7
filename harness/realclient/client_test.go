//go:build linux

package realclient_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// client is a real program as a broadcaster uses it.
type client struct {
	name    string // that of the persona that plays it, if there is one
	program string // its command, and the name of its Debian package
	account string // the user it sends; "" stands for a broadcaster's own
	mount   string // where its show is; "" stands for a broadcaster's own
	titles  bool   // it announces titles itself, for everybody to read
	returns bool   // it comes back by itself after a loss
	last    bool   // of an answer of DNS it tries the last address first

	// prepare writes what the program reads into the show's folder and gives the command line.
	prepare func(show) ([]string, error)
}

// show is one broadcast.
type show struct {
	dir     string // of its own
	media   string // folder of the sounds to play
	chain   string // file of the ingest's certificate
	account string
	mount   string
	titles  bool // it is about titles
}

// clients are all, in the order of the table.
func clients() []client {
	return slices.Concat(ffmpegs(), liquidsoaps(), libshouts(), darkices())
}

// url is where a show goes, credentials included.
func (s show) url(scheme string) string {
	return fmt.Sprintf("%s://%s:%s@%s:%d%s", scheme, s.account, password, ingest, ingestPort, s.mount)
}

// file writes a file that only its owner reads: ezstream insists on that.
func (s show) file(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// noise is what ffmpeg plays: it needs the whole of its bitrate.
func noise() []string {
	return []string{"-f", "lavfi", "-i", "anoisesrc=color=pink:sample_rate=44100:amplitude=0.3"}
}
