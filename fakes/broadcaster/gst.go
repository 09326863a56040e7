package broadcaster

import "fmt"

// gst is a pipeline of GStreamer 1.22 with shout2send. It does not reconnect: the
// pipeline ends with its first refusal or its first loss.
func gst() Persona {
	return Persona{
		Name:      "gst",
		Forms:     libshout{agent: "GStreamer 1.22.0", tls: true, fields: gstFields}.forms(),
		Addresses: AllAddresses,
		Patience:  Patience{First: 1},
	}
}

// gstFields appends fields that are there with nothing in them, too.
func gstFields(dst []byte, r Request) []byte {
	return fmt.Appendf(dst, "ice-name: %s\r\nice-description: %s\r\nice-genre: %s\r\n", r.Name, r.Description, r.Genre)
}
