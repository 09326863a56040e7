package route53

import (
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// maxUDP is the largest datagram sent, whatever a resolver says it can take.
const maxUDP = 1232

// room is how many bytes an answer may have.
func room(req *dns.Msg, from net.Addr) int {
	if from.Network() != "udp" {
		return dns.MaxMsgSize
	}
	opt := req.IsEdns0()
	if opt == nil {
		return dns.MinMsgSize
	}
	return min(max(int(opt.UDPSize()), dns.MinMsgSize), maxUDP)
}

// source is the address of who asks.
func source(from net.Addr) netip.Addr {
	if a, ok := from.(interface{ AddrPort() netip.AddrPort }); ok {
		return a.AddrPort().Addr().Unmap()
	}
	a, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// edns answers the query's OPT record, if it has one. It returns the client
// subnet that the answer echoes, and what is wrong with the query.
func edns(req, resp *dns.Msg) (subnet *dns.EDNS0_SUBNET, rcode int) {
	var opt *dns.OPT
	for _, rr := range req.Extra {
		o, ok := rr.(*dns.OPT)
		if ok && opt != nil {
			return nil, dns.RcodeFormatError // RFC 6891: at most one
		}
		if ok {
			opt = o
		}
	}
	if opt == nil {
		return nil, dns.RcodeSuccess
	}
	resp.SetEdns0(maxUDP, opt.Do())
	if opt.Version() != 0 {
		return nil, dns.RcodeBadVers
	}
	for _, o := range opt.Option {
		sub, ok := o.(*dns.EDNS0_SUBNET)
		if !ok {
			continue
		}
		if sub.SourceScope != 0 || (sub.SourceNetmask > 0 && prefix(sub).Masked() != prefix(sub)) {
			return nil, dns.RcodeFormatError // RFC 7871, 7.1.2
		}
		echo := *sub
		resp.IsEdns0().Option = []dns.EDNS0{&echo}
		return &echo, dns.RcodeSuccess
	}
	return nil, dns.RcodeSuccess
}

func prefix(sub *dns.EDNS0_SUBNET) netip.Prefix {
	addr, _ := netip.AddrFromSlice(sub.Address)
	return netip.PrefixFrom(addr.Unmap(), int(sub.SourceNetmask))
}
