package recorder

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder/feed"
)

// stream is what a source says of its show, for listeners.
type stream struct {
	contentType                             string
	name, description, genre, url, info, br string
	began                                   time.Time // wall clock
}

// streamOf reads it from a source's header, whose names are in lower case. It keeps
// nothing else of it.
func streamOf(header map[string]string, began time.Time) stream {
	said := func(name string) string {
		return strings.Clone(clip(cmp.Or(header["ice-"+name], header["icy-"+name]), 1<<10))
	}
	return stream{
		contentType: strings.Clone(header["content-type"]), began: began,
		name: said("name"), description: said("description"), genre: said("genre"), url: said("url"),
		info: said("audio-info"), br: cmp.Or(said("br"), said("bitrate")),
	}
}

// fields tell it to a listener.
func (s stream) fields() []icecast.Field {
	return []icecast.Field{
		{Name: "icy-br", Value: s.br},
		{Name: "ice-audio-info", Value: s.info},
		{Name: "icy-description", Value: s.description},
		{Name: "icy-genre", Value: s.genre},
		{Name: "icy-name", Value: s.name},
		{Name: "icy-url", Value: s.url},
	}
}

// audible is a mount that may be listened to.
type audible struct {
	show   *show
	feed   *feed.Feed
	stream stream
	title  string
	live   bool // otherwise its source may come back
}

// onAir finds a mount that may be listened to: from its first source until nobody
// holds it any more.
func (g *registry) onAir(mount string, now time.Time) (audible, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.shows[mount]
	if s == nil || s.feed == nil || !s.heldLocked(now) {
		return audible{}, false
	}
	return audible{s, s.feed, s.stream, s.title, s.live != nil}, true
}

// allOnAir lists those whose source is there, by mount.
func (g *registry) allOnAir() []audible {
	g.mu.Lock()
	var all []audible
	for _, s := range g.shows {
		if s.live != nil && s.feed != nil {
			all = append(all, audible{s, s.feed, s.stream, s.title, true})
		}
	}
	g.mu.Unlock()
	slices.SortFunc(all, func(a, b audible) int { return cmp.Compare(a.show.mount, b.show.mount) })
	return all
}

// bitrate is in kbit/s; 0 when the source did not say.
func (s stream) bitrate() int {
	n, err := strconv.Atoi(s.br)
	if err != nil {
		return 0
	}
	return n
}
