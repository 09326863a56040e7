// Code generated from fakes/broadcaster by go test ./harness/stack -run Personas -update; DO NOT EDIT.

package scenario

import "time"

// Personas is every client that a group can use. Its names and times are those
// of the clients that are played.
func Personas() []Persona {
	return []Persona{
		{"app", Retry{Form: "put", Tries: 60, FirstMin: 1000 * time.Millisecond, First: 1000 * time.Millisecond, Again: 5000 * time.Millisecond, Reply: 10000 * time.Millisecond, Connect: 10000 * time.Millisecond, NextAddr: true}},
		{"butt", Retry{Form: "put", Tries: Endless, FirstMin: 1000 * time.Millisecond, First: 1500 * time.Millisecond, Again: 200 * time.Millisecond, Reply: 5000 * time.Millisecond, Connect: 130000 * time.Millisecond, NextAddr: true}},
		{"darkice", Retry{Form: "source", Tries: Endless, Again: 1000 * time.Millisecond, Connect: 130000 * time.Millisecond}},
		{"ezstream", Retry{Form: "source", Questions: 1, Tries: 1, FirstMin: 256 * time.Millisecond, First: 768 * time.Millisecond, Again: 5000 * time.Millisecond, Connect: 130000 * time.Millisecond, NextAddr: true}},
		{"ffmpeg", Retry{Form: "put", Connect: 5000 * time.Millisecond, NextAddr: true}},
		{"ffmpeg-fifo", Retry{Form: "put", Tries: Endless, Again: 1000 * time.Millisecond, Connect: 5000 * time.Millisecond, NextAddr: true}},
		{"ffmpeg-http", Retry{Form: "put", Questions: 1, Connect: 5000 * time.Millisecond, NextAddr: true}},
		{"ffmpeg-legacy", Retry{Form: "source", Connect: 5000 * time.Millisecond, NextAddr: true}},
		{"gst", Retry{Form: "source", Questions: 3, Connect: 130000 * time.Millisecond, NextAddr: true}},
		{"ices2", Retry{Form: "source", Questions: 3, Tries: 1, FirstMin: 1000 * time.Millisecond, First: 3000 * time.Millisecond, Again: 2000 * time.Millisecond, Connect: 130000 * time.Millisecond, NextAddr: true}},
		{"liquidsoap", Retry{Form: "source", Tries: Endless, FirstMin: 3000 * time.Millisecond, First: 4000 * time.Millisecond, Again: 4000 * time.Millisecond, Reply: 30000 * time.Millisecond, Connect: 5000 * time.Millisecond, LastAddr: true}},
		{"liquidsoap-chunked", Retry{Form: "put", FirstMin: 3000 * time.Millisecond, First: 4000 * time.Millisecond, Again: 4000 * time.Millisecond, Reply: 30000 * time.Millisecond, Connect: 5000 * time.Millisecond, LastAddr: true}},
		{"liquidsoap-icy", Retry{Form: "source", Tries: Endless, FirstMin: 3000 * time.Millisecond, First: 4000 * time.Millisecond, Again: 4000 * time.Millisecond, Reply: 30000 * time.Millisecond, Connect: 5000 * time.Millisecond, LastAddr: true}},
		{"liquidsoap-put", Retry{Form: "put", Tries: Endless, FirstMin: 3000 * time.Millisecond, First: 4000 * time.Millisecond, Again: 4000 * time.Millisecond, Reply: 30000 * time.Millisecond, Connect: 5000 * time.Millisecond, LastAddr: true}},
		{"mixxx", Retry{Form: "source", Questions: 1, Tries: 10, Again: 5000 * time.Millisecond, Reply: 15000 * time.Millisecond, Connect: 15000 * time.Millisecond, NextAddr: true}},
		{"mobile", Retry{Form: "source", Questions: 3, Tries: Endless, FirstMin: 10000 * time.Millisecond, First: 10000 * time.Millisecond, Again: 10000 * time.Millisecond, Connect: 130000 * time.Millisecond, NextAddr: true}},
	}
}
