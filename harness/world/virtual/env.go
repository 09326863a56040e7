package virtual

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/virtual/vnet"
)

// env is what a process on a host is given.
func (w *World) env(h *host, p *vnet.Process, d env.Disk) env.Env {
	return env.Env{
		Host:         h.Name,
		Listen:       p.Listen,
		ListenPacket: p.ListenPacket,
		DialContext:  p.DialContext,
		Disk:         d,
		Wall:         h.wall,
		Rand:         func(purpose string) *rand.Rand { return rand.New(rand.NewChaCha8(w.digest("rand", h.Name, purpose))) },
		Phase:        func(loop string, interval time.Duration) time.Duration { return w.phase(h, loop, interval) },
		Log:          w.cfg.Log(h.Name),
	}
}

var _ world.Clocks = (*World)(nil)

// SetClock implements world.Clocks.
func (w *World) SetClock(hostName string, by time.Duration) { w.host(hostName).skew.Store(int64(by)) }

// wall is what the host's clock shows.
func (h *host) wall() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) }

// digest is what the seed makes of some words.
func (w *World) digest(words ...string) (d [sha256.Size]byte) {
	m := hmac.New(sha256.New, binary.BigEndian.AppendUint64(nil, w.cfg.Seed))
	for _, word := range words {
		m.Write(append([]byte(word), 0))
	}
	m.Sum(d[:0])
	return d
}

const (
	grain        = time.Millisecond // intervals are multiples of it, as a rule
	loopsPerHost = 256
)

// phase spreads loops over their interval. Below a grain each host has nanoseconds
// of its own, among which a loop's name chooses, not the order in which goroutines
// come to ask: loops of two hosts whose intervals are whole grains never meet.
func (w *World) phase(h *host, loop string, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	d := w.digest("phase", h.Name, loop)
	at := time.Duration(binary.BigEndian.Uint64(d[:])>>1) % interval
	own := time.Duration(h.index*loopsPerHost+int(d[8])) % grain
	return (at.Truncate(grain) + own) % interval
}
