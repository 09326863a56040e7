package env

import (
	"context"
	crand "crypto/rand"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// keepAlive finds peers that vanished without a word: the first probe after 30 s
// of silence, the connection is given up after about another 30 s.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

// System is the Env of a server on the real operating system: its sockets, its
// clock, a disk rooted at dir (made on first use). Host is how the server calls itself;
// an empty dir is the working directory. A nil logger discards. Config is empty.
func System(host, dir string, logger *slog.Logger) Env {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	listen := net.ListenConfig{KeepAliveConfig: keepAlive}
	dial := net.Dialer{KeepAliveConfig: keepAlive}
	return Env{
		Host:         host,
		Listen:       listen.Listen,
		ListenPacket: listen.ListenPacket,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dial.DialContext(ctx, network, addr)
		},
		Disk:  OSDisk(dir),
		Wall:  time.Now,
		Rand:  cryptoRand,
		Phase: randomPhase,
		Log:   logger,
	}
}

// cryptoRand is unpredictable from outside: session names come from it.
func cryptoRand(string) *rand.Rand {
	var seed [32]byte
	crand.Read(seed[:]) // never fails: it ends the process instead
	return rand.New(rand.NewChaCha8(seed))
}

func randomPhase(loop string, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	return time.Duration(cryptoRand(loop).Int64N(int64(interval)))
}
