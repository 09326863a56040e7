package audio

import "time"

// Bit rates of layer III in kbit/s by version and index; 0 is not allowed (index 0,
// the free format, tells no frame length).
var mp3Rates = [2][16]int{
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}, // MPEG 1
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},     // MPEG 2 and 2.5
}

// Sample rates in Hz by version bits and index; 0 is not allowed.
var mp3Samples = [4][4]int{
	{11025, 12000, 8000, 0},  // MPEG 2.5
	{},                       // reserved
	{22050, 24000, 16000, 0}, // MPEG 2
	{44100, 48000, 32000, 0}, // MPEG 1
}

// parseMP3 reads the four bytes of a layer III header. It answers yes for a good
// header even when the frame behind it is not all there.
func parseMP3(b []byte) (header, answer) {
	if b = b[:min(len(b), 4)]; len(b) < 4 {
		return header{}, prefix(b, 0x02)
	}
	if b[0] != 0xFF || b[1]&0xE6 != 0xE2 {
		return header{}, no
	}
	version, mono := b[1]>>3&3, b[3]>>6 == 3
	samples := mp3Samples[version][b[2]>>2&3]
	table, perFrame := mp3Rates[1], 576
	if version == 3 {
		table, perFrame = mp3Rates[0], 1152
	}
	rate := table[b[2]>>4]
	if samples == 0 || rate == 0 {
		return header{}, no
	}
	h := header{
		length:   perFrame/8*rate*1000/samples + int(b[2]>>1&1),
		duration: time.Duration(perFrame) * time.Second / time.Duration(samples),
		key:      1<<16 | uint32(b[1]&0x1E)<<8 | uint32(b[2]&0x0C),
	}
	if mono {
		h.key |= 1
	}
	return h, yes
}

// prefix tells whether fewer bytes than a header may be the beginning of one, by the
// sync pattern and the layer bits that both MP3 and ADTS have in their second byte.
func prefix(b []byte, layer byte) answer {
	if len(b) > 0 && b[0] != 0xFF {
		return no
	}
	if len(b) > 1 && b[1]&0xE6 != 0xE0|layer {
		return no
	}
	return more
}
