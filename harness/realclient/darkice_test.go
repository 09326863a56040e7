//go:build linux

package realclient_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
)

// darkices is DarkIce. It records from a sound card and nothing else, so it is given
// one: ALSA's file plugin, fed through a pipe at the pace of a real one. Its user is
// always "source".
func darkices() []client {
	return []client{{name: "darkice", program: "darkice", account: "source", returns: true, prepare: show.darkice}}
}

func (s show) darkice() ([]string, error) {
	card := filepath.Join(s.dir, "card")
	if err := syscall.Mkfifo(card, 0o600); err != nil {
		return nil, fmt.Errorf("make a sound card: %w", err)
	}
	alsa, err := s.file("asound.conf", fmt.Sprintf(`</usr/share/alsa/alsa.conf>
pcm.card { type file slave.pcm { type null } file /dev/null infile %q format raw }
`, card))
	if err != nil {
		return nil, err
	}
	config, err := s.file("darkice.cfg", fmt.Sprintf(`[general]
duration = 0
bufferSecs = 1
reconnect = yes
realtime = no
[input]
device = card
sampleRate = 44100
bitsPerSample = 16
channel = 2
[icecast2-0]
bitrateMode = cbr
bitrate = 128
format = mp3
server = %s
port = %d
password = %s
mountPoint = %s
name = Ann
`, ingest, ingestPort, password, strings.TrimPrefix(s.mount, "/")))
	sound := strings.Join(noise(), " ")
	play := fmt.Sprintf(`ffmpeg -nostdin -v error -re %s -ac 2 -f s16le -y %s & ALSA_CONFIG_PATH=%s exec darkice -v 5 -c %s`, sound, card, alsa, config)
	return []string{"sh", "-c", play}, err
}
