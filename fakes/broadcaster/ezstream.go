package broadcaster

import (
	"fmt"
	"time"
)

// ezstream is ezstream 1.0.2 with reconnect_attempts 5 and without TLS. It writes
// 4 KiB at a time, and comes back with the third write after its server's end of file,
// with the second after a reset. It means to try five times, 5 s apart, but in libshout
// 2.4.6 only the first of them reaches the network: if that one is refused, the show
// is over 20 s later.
func ezstream() Persona {
	return Persona{
		Name:      "ezstream",
		Forms:     libshout{agent: "libshout/2.4.6", fields: ezstreamFields}.forms(),
		Addresses: AllAddresses,
		Patience:  Patience{First: 1, Again: 5, Real: 1},
		Waits: Waits{
			FirstRetry: Wait{For: 2 * ezstreamWrite, Tick: ezstreamWrite},
			AfterReset: Wait{For: ezstreamWrite, Tick: ezstreamWrite},
			Retry:      Wait{For: 5 * time.Second},
		},
	}
}

// ezstreamWrite is how long 4 KiB last at 128 kbit/s.
const ezstreamWrite = 256 * time.Millisecond

func ezstreamFields(dst []byte, r Request) []byte {
	dst = appendField(dst, "ice-name", r.Name)
	dst = appendField(dst, "ice-url", r.URL)
	dst = appendField(dst, "ice-genre", r.Genre)
	dst = appendField(dst, "ice-description", r.Description)
	return fmt.Appendf(dst, "ice-audio-info: bitrate=%d;samplerate=%d;channels=%d\r\n", r.Bitrate/1000, r.SampleRate, r.Channels)
}
