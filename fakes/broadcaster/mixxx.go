package broadcaster

import (
	"fmt"
	"time"
)

// mixxx is Mixxx 2.4 with its defaults, by reading its source: libshout without
// TLS and without blocking, of which it opens a new connection for every try. After
// a loss it tries at once and then every 5 s, ten times in all, and shows an error.
// A show that could not even begin it does not try again.
func mixxx() Persona {
	return Persona{
		Name:      "mixxx",
		Forms:     libshout{agent: "libshout/2.4.6", fields: mixxxFields}.forms(),
		Addresses: AllAddresses,
		Patience:  Patience{First: 1, Again: 10},
		Deadlines: Deadlines{
			Connect: 15 * time.Second,
			Reply:   15 * time.Second,
			Write:   31 * time.Second, // its queue of 480 KiB at 128 kbit/s
		},
		Waits: Waits{Retry: Wait{For: 5 * time.Second}},
	}
}

// mixxxFields appends its fields in the order in which it sets them. Those for
// chats it sets to nothing.
func mixxxFields(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "ice-name: %s\r\nice-description: %s\r\nice-genre: %s\r\nice-url: %s\r\n", r.Name, r.Description, r.Genre, r.URL)
	return fmt.Appendf(dst, "ice-irc: \r\nice-aim: \r\nice-icq: \r\nice-audio-info: bitrate=%d\r\n", r.Bitrate/1000)
}
