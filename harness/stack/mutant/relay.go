package mutant

import (
	"net"
	"slices"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
)

// Every how many writes on the way to a recorder something goes wrong.
const wrongEvery = 40

// relayLoses has the way from balancer to recorder lose a write now and then.
func relayLoses() Mutant {
	return onRelay("relay-loses", "bytes are lost between balancer and recorder", func(c net.Conn, b []byte) (int, error) {
		return len(b), nil
	})
}

// relayDoubles has it deliver a write twice now and then.
func relayDoubles() Mutant {
	return onRelay("relay-doubles", "bytes arrive twice at the recorder", func(c net.Conn, b []byte) (int, error) {
		if n, err := c.Write(b); err != nil {
			return n, err
		}
		return c.Write(b)
	})
}

func onRelay(name, doc string, wrong func(net.Conn, []byte) (int, error)) Mutant {
	return Mutant{Name: name, Doc: doc, Balancer: func(cfg balancer.Config, e *env.Env, _ *balancer.Parts) error {
		dialer(e, isRecorder(cfg), func(c net.Conn) net.Conn { return &flawed{Conn: c, wrong: wrong} })
		return nil
	}}
}

// isRecorder tells the addresses of recorders from others.
func isRecorder(cfg balancer.Config) func(addr string) bool {
	return func(addr string) bool {
		return slices.ContainsFunc(cfg.Recorders, func(r fleet.Recorder) bool { return r.Addr == addr })
	}
}

// flawed is a connection on which every so many writes go wrong. It hides that
// it is a socket, so that every byte goes through Write.
type flawed struct {
	net.Conn
	writes int
	wrong  func(net.Conn, []byte) (int, error)
}

func (f *flawed) Write(b []byte) (int, error) {
	if f.writes++; f.writes%wrongEvery == 0 {
		return f.wrong(f.Conn, b)
	}
	return f.Conn.Write(b)
}

// CloseWrite keeps half-close.
func (f *flawed) CloseWrite() error {
	if c, ok := f.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return f.Conn.Close()
}
