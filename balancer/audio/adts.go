package audio

import "time"

// Sample rates in Hz by ADTS index.
var adtsSamples = [13]int{
	96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
}

// parseADTS reads the seven bytes of an ADTS header. It answers yes for a good header
// even when the frame behind it is not all there.
func parseADTS(b []byte) (header, answer) {
	if len(b) < 7 {
		return header{}, prefix(b, 0x00)
	}
	index := int(b[2] >> 2 & 15)
	if b[0] != 0xFF || b[1]&0xF6 != 0xF0 || index >= len(adtsSamples) {
		return header{}, no
	}
	length := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
	least := 9 // header and checksum
	if b[1]&1 == 1 {
		least = 7
	}
	if length <= least {
		return header{}, no
	}
	samples := 1024 * (1 + int(b[6]&3))
	return header{
		length:   length,
		duration: time.Duration(samples) * time.Second / time.Duration(adtsSamples[index]),
		// Version, profile, sample rate and channels do not change within a stream.
		key: 2<<24 | uint32(b[1]&0x08)<<16 | uint32(b[2]&0xFD)<<8 | uint32(b[3]&0xC0),
	}, yes
}
