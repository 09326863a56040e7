package broadcaster

import (
	"fmt"
	"strings"
	"time"
)

// butt is BUTT 1.45 as it comes ("force reconnecting" is off), by reading its
// source: it looks twice a second whether it is still connected, waits a second,
// and then tries ten times a second as long as an error may pass. It connects as
// long as the system lets it. Most refusals end the show.
func butt() Persona {
	return Persona{
		Name: "butt",
		Forms: []Form{
			{Head: buttPutHead, Status: buttStatus, Judge: buttPutJudge},
			{Head: buttSourceHead, Status: buttStatus, Judge: buttSourceJudge},
		},
		Addresses: AllAddresses,
		Patience:  Patience{First: Endless, Again: Endless},
		Deadlines: Deadlines{Reply: 5 * time.Second, Write: 10 * time.Second},
		Waits: Waits{
			FirstRetry: Wait{For: time.Second, Tick: 500 * time.Millisecond},
			Retry:      Wait{For: 100 * time.Millisecond},
			AfterReply: 100 * time.Millisecond, // it sits on a failed connection before it closes it
		},
	}
}

func buttPutHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "PUT %s HTTP/1.1\r\n", r.Mount)
	return append(buttFields(dst, r), "Expect: 100-continue\r\n\r\n"...)
}

func buttSourceHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "SOURCE %s HTTP/1.0\r\n", r.Mount)
	return append(buttFields(dst, r), "\r\n"...)
}

func buttFields(dst []byte, r Request) []byte {
	kbit := r.Bitrate / 1000
	dst = fmt.Appendf(dst, "Authorization: Basic %s\r\nHost: %s:%d\r\n", r.basic(), r.Host, r.Port)
	dst = fmt.Appendf(dst, "User-Agent: butt 1.45.0\r\nContent-Type: %s\r\nice-bitrate: %d\r\n", r.Type, kbit)
	if r.Name == "" {
		dst = append(dst, "ice-name: no name\r\nice-public: 0\r\n"...)
	} else {
		dst = fmt.Appendf(dst, "ice-name: %s\r\nice-public: 0\r\nice-url: %s\r\nice-genre: %s\r\n", r.Name, r.URL, r.Genre)
		dst = appendField(dst, "ice-description", r.Description)
	}
	return fmt.Appendf(dst, "ice-audio-info: ice-bitrate=%d;ice-channels=%d;ice-samplerate=%d\r\n", kbit, r.Channels, r.SampleRate)
}

// buttStatus also looks behind a 100 for a refusal that came along with it.
func buttStatus(answer string) int {
	status := firstStatus(answer)
	if status != 100 {
		return status
	}
	for _, s := range []int{400, 403, 401} { // of several, the first of these counts
		if strings.Contains(answer, fmt.Sprintf(" %d ", s)) {
			return s
		}
	}
	return status
}

// buttPutJudge falls back to SOURCE where a server may not know PUT.
func buttPutJudge(r Reply) Verdict {
	if r.Class == EOF || r.Class == Reset || r.Status == 400 || r.Status == 404 {
		return NextForm
	}
	return buttSourceJudge(r)
}

func buttSourceJudge(r Reply) Verdict {
	if r.Class != Answered {
		return Again
	}
	switch r.Status {
	case 100, 200:
		return Accept
	case 0, 403:
		return Again
	default:
		return GiveUp
	}
}
