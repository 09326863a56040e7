package broadcaster

import (
	"fmt"
	"time"
)

// darkice is DarkIce 1.3 with reconnect = yes. It knows the first address only.
// Ten tries follow a loss at once, then one a second, for ever. A refusal ends a
// show that has not begun; of a later one it takes no notice, and sends its audio
// to whoever refused it until that closes the connection.
func darkice() Persona {
	return Persona{
		Name:     "darkice",
		Forms:    []Form{{Head: darkiceHead, Judge: darkiceJudge, Late: 39}},
		SendsOn:  true,
		Patience: Patience{First: 1, Again: Endless, Rush: 10},
		Waits:    Waits{Retry: Wait{For: time.Second}},
	}
}

// darkiceHead has bare line feeds but for the last two line ends.
func darkiceHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "SOURCE %s HTTP/1.0\nContent-type: %s\nAuthorization: Basic %s\n", r.Mount, r.Type, r.basic())
	dst = fmt.Appendf(dst, "User-Agent: DarkIce/1.3 (http://code.google.com/p/darkice/)\nice-bitrate: %d\nice-public: 0", r.Bitrate/1000)
	for _, f := range [][2]string{{"ice-name", r.Name}, {"ice-description", r.Description}, {"ice-url", r.URL}, {"ice-genre", r.Genre}} {
		if f[1] != "" {
			dst = fmt.Appendf(dst, "\n%s: %s", f[0], f[1])
		}
	}
	return append(dst, "\r\n\r\n"...)
}

// darkiceJudge takes a 200 only.
func darkiceJudge(r Reply) Verdict {
	if r.Status == 200 {
		return Accept
	}
	return Again
}
