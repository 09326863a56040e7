package broadcaster

import "time"

// ices2 is IceS 2.0.3 with reconnectdelay 2 and reconnectattempts 5. It writes pages
// of Ogg and notices a loss late: it comes back 1 to 3 s after one, the later the lower
// its bitrate. Of its five tries, 2 s apart, only the first reaches the network (see
// ezstream). The real one sends Ogg; here its frames are MPEG, as everybody's.
func ices2() Persona {
	return Persona{
		Name:      "ices2",
		Forms:     libshout{agent: "IceS 2.0.3", tls: true, fields: icesFields}.forms(),
		Addresses: AllAddresses,
		Patience:  Patience{First: 1, Again: 5, Real: 1},
		Waits:     Waits{FirstRetry: Wait{For: time.Second, Tick: 2 * time.Second}, Retry: Wait{For: 2 * time.Second}},
	}
}

func icesFields(dst []byte, r Request) []byte {
	dst = appendField(dst, "ice-name", r.Name)
	dst = appendField(dst, "ice-genre", r.Genre)
	dst = appendField(dst, "ice-description", r.Description)
	dst = appendField(dst, "ice-url", r.URL)
	return append(dst, "ice-audio-info: samplerate=0;channels=0;quality=3%2e00\r\n"...)
}
