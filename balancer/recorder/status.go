package recorder

import (
	"net/url"
	"time"

	"deadair/balancer/icecast"
)

// statusPath is where tools look for Icecast's status.
const statusPath = "/status-json.xsl"

// statusAnswer is Icecast 2.4's status as tools read it.
type statusAnswer struct {
	Icestats icestats `json:"icestats"`
}

type icestats struct {
	Host     string `json:"host"`
	Location string `json:"location"`
	Server   string `json:"server_id"`
	Start    string `json:"server_start"`
	StartISO string `json:"server_start_iso8601"`
	Source   any    `json:"source,omitempty"` // with one source it is that, with more a list
}

type icesource struct {
	Info        string `json:"audio_info,omitempty"`
	Bitrate     int    `json:"bitrate,omitempty"` // kbit/s
	Genre       string `json:"genre"`
	Peak        int    `json:"listener_peak"`
	Listeners   int    `json:"listeners"`
	URL         string `json:"listenurl"`
	Description string `json:"server_description"`
	Name        string `json:"server_name"`
	Type        string `json:"server_type"`
	HomePage    string `json:"server_url,omitempty"`
	Start       string `json:"stream_start"`
	StartISO    string `json:"stream_start_iso8601"`
	Title       string `json:"title,omitempty"`
}

// isoTime is the form of Icecast's times with _iso8601 in their name.
const isoTime = "2006-01-02T15:04:05-0700"

// status tells who is on air: one mount with the query's mount, otherwise all.
func (r *Recorder) status(h *icecast.Head) statusAnswer {
	started := r.started.UTC()
	s := icestats{
		Host: r.cfg.Name, Location: r.cfg.Datacenter, Server: "Dead Air",
		Start: started.Format(time.RFC1123Z), StartISO: started.Format(isoTime),
	}
	host := h.Header.Get("Host")
	if host == "" {
		host = r.cfg.Name
	}
	only := h.Query().Get("mount")
	var sources []icesource
	for _, a := range r.shows.allOnAir() {
		if only == "" || only == a.show.mount {
			sources = append(sources, describe(a, host))
		}
	}
	switch len(sources) {
	case 0:
	case 1:
		s.Source = sources[0]
	default:
		s.Source = sources
	}
	return statusAnswer{s}
}

func describe(a audible, host string) icesource {
	now, peak := a.feed.Count()
	listen := url.URL{Scheme: "http", Host: host, Path: a.show.mount}
	began := a.stream.began.UTC()
	return icesource{
		Info: a.stream.info, Bitrate: a.stream.bitrate(), Genre: a.stream.genre, Peak: peak, Listeners: now,
		URL: listen.String(), Description: a.stream.description, Name: a.stream.name, Type: a.feed.Type(),
		HomePage: a.stream.url, Start: began.Format(time.RFC1123Z), StartISO: began.Format(isoTime), Title: a.title,
	}
}
