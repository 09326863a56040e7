//go:build linux

package realclient_test

import "fmt"

// liquidsoaps are Liquidsoap's ways to be a source client. The fragile ones end with
// their connection: closing what is lost they write once more, and do not catch the error.
func liquidsoaps() []client {
	base := client{program: "liquidsoap", titles: true, returns: true, last: true}
	fragile := base
	fragile.returns = false
	secret := fragile
	secret.titles = false // nobody can read them off the wire
	shoutcast := base
	shoutcast.mount = "/anna" // SHOUTcast has no mounts: the user gives it one
	named := func(c client, name, options string) client {
		c.name = name
		c.prepare = func(s show) ([]string, error) { return s.liquidsoap(options) }
		return c
	}
	const login = `user="anna", password="` + password + `"`
	return []client{
		named(base, "liquidsoap", login),
		named(base, "liquidsoap-put", login+`, method="put"`),
		named(fragile, "liquidsoap-chunked", login+`, method="put", chunked=true`),
		named(secret, "liquidsoap-tls", login+`, protocol="https"`),
		// With its titles it sends the password alone: the user has to be part of it.
		named(shoutcast, "liquidsoap-icy", `password="anna:`+password+`", protocol="icy"`),
	}
}

// liquidsoap has a new title every second, if titles are what the show is about.
func (s show) liquidsoap(options string) ([]string, error) {
	titles := ""
	if s.titles {
		titles = `
count = ref(0)
thread.run.recurrent(delay=1., fun () -> begin
  count := !count + 1
  show.insert_metadata([("artist", "Ann"), ("title", "Track #{!count}")])
  1.
end)`
	}
	script, err := s.file("show.liq", fmt.Sprintf(`
settings.init.allow_root.set(true)
show = insert_metadata(sine())
%s
output.icecast(%%mp3(bitrate=128), %s, host=%q, port=%d, mount=%q, name="Ann", show)
`, titles, options, ingest, ingestPort, s.mount))
	// The standard library of its language takes seconds to load; the output is no part of it.
	return []string{"liquidsoap", "--no-stdlib", script}, err
}
