package broadcaster

import (
	"fmt"
	"strings"
	"time"
)

// liquidsoap is Liquidsoap 2.1 with output.icecast as it comes. It retries after
// 3 s, for ever and whatever the answer, but reckons in whole seconds: that makes
// 3 to 4 s after a loss and 4 s after an attempt that failed quickly. Of a name it
// knows the last address only.
func liquidsoap() Persona {
	return Persona{
		Name:      "liquidsoap",
		Forms:     []Form{{Head: liquidsoapSourceHead, Judge: liquidsoapJudge}},
		Addresses: LastAddress,
		Patience:  Patience{First: Endless, Again: Endless},
		Deadlines: Deadlines{Connect: 5 * time.Second, Reply: 30 * time.Second, Write: 30 * time.Second},
		Waits:     Waits{FirstRetry: Wait{3 * time.Second, time.Second}, Retry: Wait{3 * time.Second, time.Second}},
	}
}

// liquidsoapPut is liquidsoap with method="put". It insists on the 100: a 200
// in its place is an error.
func liquidsoapPut() Persona {
	p := liquidsoap()
	p.Name = "liquidsoap-put"
	p.Forms = []Form{{Head: liquidsoapPutHead, Judge: liquidsoapPutJudge}}
	return p
}

// liquidsoapChunked is liquidsoap with method="put" and chunked=true: HTTP/1.1,
// and a Host field with nothing in it. When its connection is lost it ends: closing,
// it writes a last chunk and does not catch the error.
func liquidsoapChunked() Persona {
	p := liquidsoap()
	p.Name = "liquidsoap-chunked"
	p.Forms = []Form{{Head: liquidsoapChunkedHead, Judge: liquidsoapPutJudge, Chunk: "%X\r\n"}}
	p.Patience.Again = 0
	return p
}

// liquidsoapICY is liquidsoap with protocol="icy", that is SHOUTcast v1 on the
// next port, by reading the source of its library (cry): it waits for OK behind the
// password before it tells anything of its stream. The account stands in front of
// the password, which is the only place for it.
func liquidsoapICY() Persona {
	p := liquidsoap()
	p.Name = "liquidsoap-icy"
	p.Forms = []Form{{Head: liquidsoapPassword, Status: icyStatus, Judge: liquidsoapJudge, Ready: liquidsoapICYFields, Port: 1}}
	return p
}

func liquidsoapSourceHead(dst []byte, r Request) []byte {
	return liquidsoapFields(appendField(fmt.Appendf(dst, "SOURCE %s HTTP/1.0\r\n", r.Mount), "ice-url", r.URL), "", r)
}

func liquidsoapPutHead(dst []byte, r Request) []byte {
	return liquidsoapFields(appendField(fmt.Appendf(dst, "PUT %s HTTP/1.0\r\n", r.Mount), "ice-url", r.URL), "100-continue", r)
}

func liquidsoapChunkedHead(dst []byte, r Request) []byte {
	dst = appendField(fmt.Appendf(dst, "PUT %s HTTP/1.1\r\n", r.Mount), "ice-url", r.URL)
	return liquidsoapFields(append(dst, "Transfer-Encoding: chunked\r\nHost: \r\n"...), "100-continue", r)
}

// liquidsoapFields appends the fields from ice-name on in an order it was seen to
// use; there is no Host.
func liquidsoapFields(dst []byte, expect string, r Request) []byte {
	dst = appendField(dst, "ice-name", r.Name)
	dst = appendField(dst, "Expect", expect)
	dst = appendField(dst, "Authorization", "Basic "+r.basic())
	dst = appendField(dst, "ice-description", r.Description)
	dst = append(dst, "ice-public: 0\r\nUser-Agent: Liquidsoap/2.1.3 (Unix; OCaml 4.13.1)\r\n"...)
	dst = appendField(dst, "ice-genre", r.Genre)
	dst = fmt.Appendf(dst, "ice-audio-info: channels=%d;samplerate=%d;bitrate=%d\r\n", r.Channels, r.SampleRate, r.Bitrate/1000)
	return fmt.Appendf(dst, "Content-Type: %s\r\n\r\n", r.Type)
}

func liquidsoapPassword(dst []byte, r Request) []byte {
	return fmt.Appendf(dst, "%s:%s\r\n", r.Account, r.Password)
}

// liquidsoapICYFields appends what follows the OK. There is no blank behind a colon.
func liquidsoapICYFields(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "icy-name:%s\r\n", r.Name)
	if r.URL != "" {
		dst = fmt.Appendf(dst, "icy-url:%s\r\n", r.URL)
	}
	dst = append(dst, "icy-pub:0\r\n"...)
	if r.Genre != "" {
		dst = fmt.Appendf(dst, "icy-genre:%s\r\n", r.Genre)
	}
	return fmt.Appendf(dst, "icy-br:%d\r\ncontent-type:%s\r\n\r\n", r.Bitrate/1000, r.Type)
}

// icyStatus makes a code of SHOUTcast's OK.
func icyStatus(answer string) int {
	if strings.HasPrefix(answer, "OK") {
		return 200
	}
	return 0
}

func liquidsoapJudge(r Reply) Verdict {
	if r.Status/100 == 2 {
		return Accept
	}
	return Again
}

func liquidsoapPutJudge(r Reply) Verdict {
	if r.Status == 100 {
		return Accept
	}
	return Again
}
