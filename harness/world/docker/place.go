package docker

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"

	"deadair/harness/world/docker/inside"
)

// Each network of a run has 254 addresses of 10.213.0.0/16: .1 is the engine's own,
// .2 the stage, hosts come from .10 on.
const (
	stageByte = 2
	firstByte = 10
	lastByte  = 254
	subnets   = 256
)

// between is the network that belongs to no datacenter. Only the stage is in it, and what a person puts there.
const between = ""

// place is a network.
type place struct {
	id, name string
	subnet   netip.Prefix
	hosts    byte // addresses given out
}

func (p *place) at(last byte) netip.Addr {
	a := p.subnet.Addr().As4()
	a[3] = last
	return netip.AddrFrom4(a)
}

// place makes a network of the first subnet that nobody uses, from one on.
func (r *run) place(ctx context.Context, from int) (*place, int, error) {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer cancel()
	for n := from; n < subnets; n++ {
		p := &place{subnet: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(n), 0}), 24)}
		made, err := tcnetwork.New(ctx, tcnetwork.WithLabels(r.labels()), tcnetwork.WithIPAM(&network.IPAM{
			Config: []network.IPAMConfig{{Subnet: p.subnet, Gateway: p.at(1)}},
		}))
		if err == nil {
			p.id, p.name = made.ID, made.Name
			return p, n + 1, nil
		}
		if !inUse(err) {
			return nil, 0, fmt.Errorf("make a network: %w", err)
		}
	}
	return nil, 0, errors.New("make a network: all of 10.213.0.0/16 is in use: end other runs, or remove what is left of them with deadair cleanup")
}

// inUse tells that an engine refused a subnet because a network has it.
func inUse(err error) bool {
	return strings.Contains(err.Error(), "overlaps with") || strings.Contains(err.Error(), "conflicts with network")
}

// lay makes the networks of a run and gives its hosts their addresses.
func (r *run) lay(ctx context.Context) error {
	next, err := 0, error(nil)
	for _, dc := range append([]string{between}, r.datacenters()...) {
		if r.places[dc], next, err = r.place(ctx, next); err != nil {
			return err
		}
	}
	for _, h := range r.Hosts {
		at := inside.Host{Name: h.Name, In: h.Datacenter}
		if h.Datacenter != "" {
			p := r.places[h.Datacenter]
			if firstByte+int(p.hosts) > lastByte {
				return fmt.Errorf("%s has more than %d nodes", h.Datacenter, lastByte-firstByte+1)
			}
			at.Addr, at.Gate = p.at(firstByte+p.hosts), p.at(stageByte)
			p.hosts++
		}
		r.opening.Hosts = append(r.opening.Hosts, at)
	}
	return nil
}

// datacenters names those that have nodes, in order.
func (r *run) datacenters() []string {
	var all []string
	for _, h := range r.Hosts {
		if h.Datacenter != "" && !slices.Contains(all, h.Datacenter) {
			all = append(all, h.Datacenter)
		}
	}
	return all
}

// endpoint is an address in a network, and names for who asks the engine's DNS there.
func endpoint(at netip.Addr, aliases ...string) *network.EndpointSettings {
	return &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: at}, Aliases: aliases}
}

// join puts a container into a network, at an address.
func (r *run) join(ctx context.Context, p *place, container string, at netip.Addr, aliases ...string) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	_, err = r.engine.NetworkConnect(ctx, p.id, client.NetworkConnectOptions{Container: container, EndpointConfig: endpoint(at, aliases...)})
	if err != nil {
		return fmt.Errorf("join a network: %w", err)
	}
	return nil
}

// unplug takes the node's container off its network. A server of somebody else's beside
// the guard has the same one.
func (n *node) unplug(ctx context.Context) error {
	dc, _ := n.run.where(n.name)
	if _, err := n.run.engine.NetworkDisconnect(ctx, n.run.places[dc].id, client.NetworkDisconnectOptions{Container: n.guard.GetContainerID(), Force: true}); err != nil {
		return fmt.Errorf("leave a network: %w", err)
	}
	n.tell(inside.Message{Do: inside.Wired})
	return nil
}

// plug puts it back, with its address and its names, unless it is there.
func (n *node) plug(ctx context.Context) error {
	dc, at := n.run.where(n.name)
	i, err := n.run.engine.ContainerInspect(ctx, n.guard.GetContainerID(), client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("look at its networks: %w", err)
	}
	if _, there := i.Container.NetworkSettings.Networks[n.run.places[dc].name]; !there {
		if err := n.run.join(ctx, n.run.places[dc], n.guard.GetContainerID(), at, alias(n.name)); err != nil {
			return err
		}
	}
	n.tell(inside.Message{Do: inside.Wired})
	return nil
}
