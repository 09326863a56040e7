//go:build linux

package realclient_test

import "fmt"

// libshouts are programs on libshout. After a loss it makes one attempt that is real.
func libshouts() []client {
	return []client{
		{name: "ezstream", program: "ezstream", titles: true, returns: true, prepare: func(s show) ([]string, error) { return s.ezstream("<tls>none</tls>") }},
		{name: "ezstream-tls", program: "ezstream", returns: true, prepare: func(s show) ([]string, error) {
			return s.ezstream("<tls>required</tls><ca_file>" + s.chain + "</ca_file>")
		}},
		{name: "ices2", program: "ices2", returns: true, prepare: show.ices2},
	}
}

func (s show) ezstream(tls string) ([]string, error) {
	config, err := s.file("ezstream.xml", fmt.Sprintf(`<ezstream>
<servers><server><name>default</name><protocol>HTTP</protocol><hostname>%s</hostname><port>%d</port>
<user>%s</user><password>%s</password>%s<reconnect_attempts>5</reconnect_attempts></server></servers>
<streams><stream><name>default</name><mountpoint>%s</mountpoint><format>MP3</format></stream></streams>
<intakes><intake><name>default</name><type>playlist</type><filename>%s/tracks.m3u</filename></intake></intakes>
</ezstream>
`, ingest, ingestPort, s.account, password, tls, s.mount, s.media))
	return []string{"ezstream", "-v", "-c", config}, err
}

func (s show) ices2() ([]string, error) {
	config, err := s.file("ices.xml", fmt.Sprintf(`<ices>
<background>0</background><logpath>%s</logpath><logfile>ices.log</logfile><loglevel>4</loglevel><consolelog>1</consolelog>
<stream>
<metadata><name>Ann</name><genre>pop</genre><description>Show</description></metadata>
<input><module>playlist</module><param name="type">basic</param><param name="file">%s/tracks.txt</param></input>
<instance><hostname>%s</hostname><port>%d</port><username>%s</username><password>%s</password><mount>%s</mount>
<reconnectdelay>2</reconnectdelay><reconnectattempts>5</reconnectattempts></instance>
</stream></ices>
`, s.dir, s.media, ingest, ingestPort, s.account, password, s.mount))
	return []string{"ices2", config}, err
}
