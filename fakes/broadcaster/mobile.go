package broadcaster

import "time"

// mobile is an app on a phone: Cool Mic for Android with its reconnection switched
// on, by reading its source. It uses libshout as it comes, tells nothing of the
// stream but its type, and rests 10 s after each loss and each failure, for ever.
// The real one sends Ogg; here its frames are MPEG, as everybody's.
func mobile() Persona {
	return Persona{
		Name:      "mobile",
		Forms:     libshout{agent: "libshout/2.4.6", tls: true, fields: mobileFields}.forms(),
		Addresses: AllAddresses,
		Patience:  Patience{First: Endless, Again: Endless},
		Waits:     Waits{FirstRetry: Wait{For: 10 * time.Second}, Retry: Wait{For: 10 * time.Second}},
	}
}

func mobileFields(dst []byte, _ Request) []byte { return dst }
