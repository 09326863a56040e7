package broadcaster

import (
	"fmt"
	"time"
)

// ffmpeg is ffmpeg 5.1 as a command line usually has it:
//
//	-f mp3 icecast://ACCOUNT:PASSWORD@HOST:PORT/MOUNT
//
// It does not reconnect: it ends with its first refusal or its first loss. It
// never stops waiting for an answer or for room to write. Redirects are not followed here.
func ffmpeg() Persona {
	return Persona{
		Name:      "ffmpeg",
		Forms:     []Form{{Head: ffmpegPutHead, Judge: ffmpegJudge}},
		Preamble:  ffmpegTag,
		Addresses: AllAddresses,
		Patience:  Patience{First: 1},
		Deadlines: Deadlines{Connect: 5 * time.Second, NextAddress: 200 * time.Millisecond},
	}
}

// ffmpegFifo is ffmpeg with its fifo muxer, the one form of it that reconnects:
//
//	-f fifo -fifo_format mp3 -drop_pkts_on_overflow 1 -attempt_recovery 1
//	-recovery_wait_time 1 -max_recovery_attempts 0 -recover_any_error 1
//	icecast://ACCOUNT:PASSWORD@HOST:PORT/MOUNT
//
// The first recovery follows a loss at once, the others a second after the last
// one failed, for ever and whatever the answer.
func ffmpegFifo() Persona {
	p := ffmpeg()
	p.Name = "ffmpeg-fifo"
	p.Patience = Patience{First: Endless, Again: Endless}
	p.Waits = Waits{Retry: Wait{For: time.Second}}
	return p
}

// ffmpegLegacy is ffmpeg with -legacy_icecast 1: it sends SOURCE and, not
// reading the answer, its stream.
func ffmpegLegacy() Persona {
	p := ffmpeg()
	p.Name = "ffmpeg-legacy"
	p.Forms = []Form{{Head: ffmpegLegacyHead, Judge: ffmpegJudge, Blind: true}}
	return p
}

// ffmpegHTTP is ffmpeg with an output http://…, which knows nothing of Icecast:
// it asks without credentials, and after a 401 sends its chunked stream with
// them, not reading the second answer.
func ffmpegHTTP() Persona {
	p := ffmpeg()
	p.Name = "ffmpeg-http"
	p.Forms = []Form{
		{Head: ffmpegPostHead, Judge: ffmpegChallengeJudge, Chunk: "%x\r\n", Question: true},
		{Head: ffmpegPostAgainHead, Judge: ffmpegJudge, Chunk: "%x\r\n", Blind: true},
	}
	return p
}

// ffmpegTag is the ID3 tag that its mp3 muxer writes whenever it is opened.
const ffmpegTag = "ID3\x04\x00\x00\x00\x00\x00#" +
	"TSSE\x00\x00\x00\x0f\x00\x00\x03Lavf59.27.100" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func ffmpegPutHead(dst []byte, r Request) []byte {
	return ffmpegIce(ffmpegFields(fmt.Appendf(dst, "PUT %s HTTP/1.1\r\n", r.Mount), "100-continue", r), r)
}

func ffmpegLegacyHead(dst []byte, r Request) []byte {
	return ffmpegIce(ffmpegFields(fmt.Appendf(dst, "SOURCE %s HTTP/1.1\r\n", r.Mount), "", r), r)
}

func ffmpegPostHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", r.Mount)
	return append(ffmpegFields(dst, "100-continue", r), "\r\n"...)
}

func ffmpegPostAgainHead(dst []byte, r Request) []byte {
	dst = fmt.Appendf(dst, "POST %s HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", r.Mount)
	return fmt.Appendf(ffmpegFields(dst, "", r), "Authorization: Basic %s\r\n\r\n", r.basic())
}

// ffmpegFields appends the fields that all its forms have.
func ffmpegFields(dst []byte, expect string, r Request) []byte {
	dst = append(dst, "User-Agent: Lavf/59.27.100\r\nAccept: */*\r\n"...)
	dst = appendField(dst, "Expect", expect)
	return fmt.Appendf(dst, "Connection: close\r\nHost: %s:%d\r\nContent-Type: %s\r\nIcy-MetaData: 1\r\n", r.Host, r.Port, r.Type)
}

// ffmpegIce appends the fields of its icecast protocol, and ends the head.
func ffmpegIce(dst []byte, r Request) []byte {
	dst = appendField(dst, "Ice-Name", r.Name)
	dst = appendField(dst, "Ice-Description", r.Description)
	dst = appendField(dst, "Ice-URL", r.URL)
	dst = appendField(dst, "Ice-Genre", r.Genre)
	return fmt.Appendf(dst, "Ice-Public: 0\r\nAuthorization: Basic %s\r\n\r\n", r.basic())
}

// appendField appends a header line, none for an empty value.
func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return fmt.Appendf(dst, "%s: %s\r\n", name, value)
}

// ffmpegJudge takes 100 or 200, whichever comes first; the other may follow.
func ffmpegJudge(r Reply) Verdict {
	if r.Status == 100 || r.Status/100 == 2 {
		return Accept
	}
	return Again
}

func ffmpegChallengeJudge(r Reply) Verdict {
	if r.Status == 401 {
		return NextForm
	}
	return ffmpegJudge(r)
}
