package host

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

// rand is a generator of the run's seed, the host and the purpose: the same as in every other world.
func (h *Host) rand(purpose string) *rand.Rand {
	return rand.New(rand.NewChaCha8(h.digest("rand", h.cfg.Name, purpose)))
}

// phase is a hash of the same, below the interval.
func (h *Host) phase(loop string, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	d := h.digest("phase", h.cfg.Name, loop)
	return time.Duration(binary.BigEndian.Uint64(d[:])>>1) % interval
}

// digest is what the seed makes of some words.
func (h *Host) digest(words ...string) (d [sha256.Size]byte) {
	m := hmac.New(sha256.New, binary.BigEndian.AppendUint64(nil, h.cfg.Seed))
	for _, word := range words {
		m.Write(append([]byte(word), 0)) // no two lists of words read alike
	}
	m.Sum(d[:0])
	return d
}
