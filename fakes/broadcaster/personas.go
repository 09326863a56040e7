package broadcaster

import (
	"fmt"
	"strings"
)

// Personas are all personas, by name. Each family stands in its own file.
func Personas() []Persona {
	return []Persona{
		app(),
		butt(),
		darkice(),
		ezstream(),
		ffmpeg(),
		ffmpegFifo(),
		ffmpegHTTP(),
		ffmpegLegacy(),
		gst(),
		ices2(),
		liquidsoap(),
		liquidsoapChunked(),
		liquidsoapICY(),
		liquidsoapPut(),
		mixxx(),
		mobile(),
	}
}

// PersonaNamed returns a persona by its name.
func PersonaNamed(name string) (Persona, error) {
	var names []string
	for _, p := range Personas() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Persona{}, fmt.Errorf("no persona %q: use one of %s", name, strings.Join(names, ", "))
}
