package vnet_test

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world/virtual"
	"deadair/harness/world/virtual/vnet"
)

// ends gives a benchmark a network 20 ms across; ns/op is work on the wall's
// clock, for waits cost nothing in a bubble.
func bench(b *testing.B, f func(client, server *vnet.Process)) {
	b.ReportAllocs()
	err := virtual.InBubble(func() {
		n := vnet.New(apart(20 * time.Millisecond))
		n.AddHost("server", netip.MustParseAddr("10.0.0.1"))
		n.AddHost("client", netip.MustParseAddr("10.0.0.2"))
		server := n.Process("server")
		f(n.Process("client"), server)
		server.Kill()
		time.Sleep(time.Second)
	})
	require.NoError(b, err)
}

func serve(p *vnet.Process, handle func(net.Conn)) {
	l, err := p.Listen(context.Background(), "tcp", ":80")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go handle(c)
		}
	}()
}

// BenchmarkWriteHop is one write of 1 kB each 100 ms, its way, and its read.
func BenchmarkWriteHop(b *testing.B) {
	bench(b, func(client, server *vnet.Process) {
		serve(server, func(c net.Conn) { io.CopyBuffer(struct{ io.Writer }{io.Discard}, c, make([]byte, 4096)); c.Close() })
		c, err := client.DialContext(context.Background(), "tcp", "10.0.0.1:80")
		if err != nil {
			panic(err)
		}
		buf := make([]byte, 1024)
		for range b.N {
			c.Write(buf)
			time.Sleep(100 * time.Millisecond)
		}
		c.Close()
	})
}

// BenchmarkWriteHopWithDeadlines moves the deadlines of both ends each time, as servers do.
func BenchmarkWriteHopWithDeadlines(b *testing.B) {
	bench(b, func(client, server *vnet.Process) {
		serve(server, func(c net.Conn) {
			defer c.Close()
			for buf := make([]byte, 4096); ; {
				c.SetReadDeadline(time.Now().Add(30 * time.Second))
				if _, err := c.Read(buf); err != nil {
					return
				}
			}
		})
		c, err := client.DialContext(context.Background(), "tcp", "10.0.0.1:80")
		if err != nil {
			panic(err)
		}
		buf := make([]byte, 1024)
		for range b.N {
			c.SetWriteDeadline(time.Now().Add(5 * time.Second))
			c.Write(buf)
			time.Sleep(100 * time.Millisecond)
		}
		c.Close()
	})
}

// BenchmarkProbe is connect, request, answer and close, every 10 s.
func BenchmarkProbe(b *testing.B) {
	bench(b, func(client, server *vnet.Process) {
		serve(server, func(c net.Conn) {
			c.Read(make([]byte, 512))
			io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
			c.Close()
		})
		buf := make([]byte, 512)
		for range b.N {
			c, err := client.DialContext(context.Background(), "tcp", "10.0.0.1:80")
			if err != nil {
				panic(err)
			}
			io.WriteString(c, "GET /health HTTP/1.0\r\n\r\n")
			for err == nil {
				_, err = c.Read(buf)
			}
			c.Close()
			time.Sleep(10 * time.Second)
		}
	})
}

// BenchmarkDatagram is a question and its answer.
func BenchmarkDatagram(b *testing.B) {
	bench(b, func(client, server *vnet.Process) {
		s, err := server.ListenPacket(context.Background(), "udp", ":53")
		if err != nil {
			panic(err)
		}
		go func() {
			for buf := make([]byte, 512); ; {
				n, from, err := s.ReadFrom(buf)
				if err != nil {
					return
				}
				s.WriteTo(buf[:n], from)
			}
		}()
		buf := make([]byte, 512)
		for range b.N {
			c, err := client.DialContext(context.Background(), "udp", "10.0.0.1:53")
			if err != nil {
				panic(err)
			}
			c.Write(buf[:60])
			c.Read(buf)
			c.Close()
		}
	})
}
