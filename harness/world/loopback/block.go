package loopback

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
)

const (
	// claimPort is what a run listens on at 127.<run>.255.254 to hold its block.
	claimPort = 7001
	// blocks is how many runs fit on a machine that has all of 127/8.
	blocks = 254
	// hostsPerBlock and linksPerBlock follow from the address plan: hosts at
	// 127.<run>.0.1 to .99.250, links at 127.<run>.100.1 to .249.250.
	hostsPerBlock = 100 * 250
	linksPerBlock = 150 * 250

	// Where addresses are mapped, a run holds 127.0.0.1:<mappedClaim+run> and its
	// links have ports of a range of its own, below those that systems give out by themselves.
	mappedBlocks = 16
	mappedClaim  = 9700
	mappedFirst  = 10_000
	mappedLinks  = 1_300
)

// errFull means that every block is taken.
var errFull = errors.New("no address block is free: as many runs as the machine has addresses for are alive, or a program listens on one port of all addresses: end it")

// block is the part of 127/8 that belongs to one run, held until close. Its
// addresses collide with those of no other run on the machine.
type block struct {
	run    int
	mapped bool // every real socket is on 127.0.0.1
	claim  net.Listener

	mu    sync.Mutex
	links int         // given out so far
	ports map[int]int // that links get, by the one that is wished for: one each per sort of server
}

// claimBlock takes the first free block. Mapped is chosen where the system has no 127/8.
func claimBlock(mapped bool) (*block, error) {
	if !mapped {
		b, err := claimFirst(blocks, func(run int) string { return fmt.Sprintf("127.%d.255.254:%d", run, claimPort) })
		if err == nil || !errors.Is(err, syscall.EADDRNOTAVAIL) {
			return b, err
		}
	}
	b, err := claimFirst(mappedBlocks, func(run int) string { return fmt.Sprintf("127.0.0.1:%d", mappedClaim+run) })
	if err != nil {
		return nil, err
	}
	b.mapped = true
	return b, nil
}

func claimFirst(n int, addr func(run int) string) (*block, error) {
	var taken error
	for run := 1; run <= n; run++ {
		ln, err := net.Listen("tcp4", addr(run))
		if err == nil {
			return &block{run: run, claim: ln, ports: map[int]int{}}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("claim an address block: %w", err)
		}
		taken = err
	}
	return nil, fmt.Errorf("claim an address block: %w: %w", errFull, taken)
}

func (b *block) close() error { return b.claim.Close() }

// host is the logical address of the i-th host, from 0.
func (b *block) host(i int) netip.Addr { return b.address(0, i) }

// address is the i-th address from 127.<run>.<first>.1 on, 250 to each third number.
func (b *block) address(first, i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(b.run), byte(first + i/250), byte(1 + i%250)})
}

// bind is where the sockets of a host with a logical address really are.
func (b *block) bind(logical netip.Addr) netip.Addr {
	if b.mapped {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return logical
}

// link is the address of the next link's listener, which nothing else takes
// while the link is closed. Each link has an address of its own and, if it is
// free, its target's port, or one of the run's ports where addresses are mapped.
func (b *block) link(port int) (netip.AddrPort, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.mapped {
		if b.links == linksPerBlock {
			return netip.AddrPort{}, fmt.Errorf("a run has at most %d links", linksPerBlock)
		}
		if port < 1024 {
			port += 10_000 // below, only the superuser may listen
		}
		free, err := b.freePort(port)
		if err != nil {
			return netip.AddrPort{}, err
		}
		b.links++
		return netip.AddrPortFrom(b.address(100, b.links-1), uint16(free)), nil
	}
	for b.links < mappedLinks {
		at := netip.AddrPortFrom(b.bind(netip.Addr{}), uint16(mappedFirst+(b.run-1)*mappedLinks+b.links))
		b.links++
		ln, err := net.Listen("tcp4", at.String())
		if err != nil {
			continue // another program has it
		}
		return at, ln.Close()
	}
	return netip.AddrPort{}, fmt.Errorf("a run has at most %d links where addresses are mapped", mappedLinks)
}

// freePort is the port for links to one: the same, unless a program of this machine
// listens on it at all addresses. It is tried once, at an address where no link listens:
// a process that is being started has all sockets of this one for an instant, also those
// that are closed, and what is tried at a link's address could not be opened then.
func (b *block) freePort(wish int) (int, error) {
	if port, ok := b.ports[wish]; ok {
		return port, nil
	}
	at := fmt.Sprintf("127.%d.255.253:", b.run)
	ln, err := net.Listen("tcp4", at+strconv.Itoa(wish))
	if errors.Is(err, syscall.EADDRINUSE) {
		ln, err = net.Listen("tcp4", at+"0")
	}
	if err != nil {
		return 0, fmt.Errorf("find a link a port: %w", err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	b.ports[wish] = port
	return port, ln.Close()
}
