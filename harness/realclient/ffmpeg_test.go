//go:build linux

package realclient_test

import "slices"

// ffmpegs are the ways in which ffmpeg is a source client. Only its fifo muxer comes
// back after a loss.
func ffmpegs() []client {
	plain := client{program: "ffmpeg"}
	return []client{
		plain.ffmpeg("ffmpeg", "icecast", "-f", "mp3"),
		plain.ffmpeg("ffmpeg-legacy", "icecast", "-f", "mp3", "-legacy_icecast", "1"),
		plain.ffmpeg("ffmpeg-http", "http", "-f", "mp3", "-method", "PUT"),
		client{program: "ffmpeg", returns: true}.ffmpeg("ffmpeg-fifo", "icecast",
			"-map", "0:a", "-f", "fifo", "-fifo_format", "mp3", "-drop_pkts_on_overflow", "1", "-attempt_recovery", "1",
			"-recovery_wait_time", "1", "-max_recovery_attempts", "0", "-recover_any_error", "1"),
		plain.ffmpeg("ffmpeg-tls", "icecast", "-f", "mp3", "-tls", "1"),
	}
}

// returning is ffmpeg with the muxer that comes back, in a format of its own.
func returning(muxer, contentType string, encoder ...string) client {
	return client{name: "ffmpeg-fifo", program: "ffmpeg", returns: true, prepare: func(s show) ([]string, error) {
		return slices.Concat(
			[]string{"ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-re"}, noise(), encoder,
			[]string{
				"-map", "0:a", "-f", "fifo", "-fifo_format", muxer, "-drop_pkts_on_overflow", "1", "-attempt_recovery", "1",
				"-recovery_wait_time", "1", "-max_recovery_attempts", "0", "-recover_any_error", "1", "-content_type", contentType, s.url("icecast"),
			},
		), nil
	}}
}

func (c client) ffmpeg(name, scheme string, output ...string) client {
	c.name = name
	c.prepare = func(s show) ([]string, error) {
		return slices.Concat(
			[]string{"ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-re"}, noise(),
			[]string{"-c:a", "libmp3lame", "-b:a", "128k"}, output,
			[]string{"-content_type", "audio/mpeg", s.url(scheme)},
		), nil
	}
	return c
}
