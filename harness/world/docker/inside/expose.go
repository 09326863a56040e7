package inside

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"deadair/harness/world/realtime"
)

// Expose lets programs outside of the harness reach a node's port at the address of the
// node's container, as if they stood on the host from. Its guard passes them on to the stage,
// where that host's link begins. It ends with the container.
func (w *World) Expose(ctx context.Context, from, to string, port int) (netip.AddrPort, error) {
	for _, h := range w.stage.Hosts {
		if h.Name != to || !h.Addr.IsValid() {
			continue
		}
		at, err := w.ExposeAt(ctx, h.Gate, from, to, port)
		if err == nil {
			err = w.stage.wire(ctx, Message{Do: Expose, Node: to, Port: port, At: at})
		}
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("expose %s at port %d: %w", to, port, err)
		}
		return netip.AddrPortFrom(h.Addr, uint16(port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("expose %s: it has no container", to)
}

// Doors are the stage's addresses in the networks: each answers who is there.
func (w *World) Doors(context.Context, string, string, int) (all []realtime.Door, _ error) {
	seen := map[netip.Addr]bool{}
	for _, h := range w.stage.Hosts {
		if at := netip.AddrPortFrom(h.Gate, askedPort); h.Addr.IsValid() && !seen[h.Gate] {
			seen[h.Gate] = true
			all = append(all, realtime.Door{In: h.In, UDP: at, TCP: at})
		}
	}
	return all, nil
}

// expose passes who connects to a port on to the stage, for as long as the guard lives.
func (g *guard) expose(m Message) error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp4", ":"+strconv.Itoa(m.Port))
	if err != nil {
		return err
	}
	go realtime.Forward(context.Background(), l, m.At.String())
	return nil
}
