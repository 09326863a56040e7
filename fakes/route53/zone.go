package route53

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// zone is what never changes about the hosted zone.
type zone struct {
	name, apex string
	ttl        uint32
	soa        dns.SOA
	ns         []string
}

func newZone(cfg Config) zone {
	seconds := func(d time.Duration) uint32 { return uint32(d / time.Second) }
	ns := []string{"ns-1.route53.test.", "ns-2.route53.test."}
	return zone{
		name: cfg.Name, apex: cfg.Zone, ttl: seconds(cfg.TTL), ns: ns,
		soa: dns.SOA{
			Hdr: dns.RR_Header{Name: cfg.Zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: seconds(cfg.NegativeTTL)},
			Ns:  ns[0], Mbox: "hostmaster.route53.test.",
			Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: seconds(cfg.NegativeTTL),
		},
	}
}

// handle answers one query.
func (s *Server) handle(w dns.ResponseWriter, req *dns.Msg) {
	mode, frozen := s.faults.draw()
	if mode == ModeTimeout {
		return
	}
	answers := s.answers.Load()
	if frozen != nil {
		answers = frozen
	}
	resp := s.reply(req, source(w.RemoteAddr()), mode, answers)
	resp.Truncate(room(req, w.RemoteAddr()))
	if err := w.WriteMsg(resp); err != nil {
		s.cfg.Env.Log.Debug("write DNS answer", slog.Any("error", err))
	}
}

func (s *Server) reply(req *dns.Msg, from netip.Addr, mode Mode, answers *table) *dns.Msg {
	resp := new(dns.Msg).SetReply(req)
	resp.Compress = true
	subnet, rcode := edns(req, resp)
	switch {
	case req.Opcode != dns.OpcodeQuery:
		rcode = dns.RcodeNotImplemented
	case rcode != dns.RcodeSuccess:
	case !s.authoritative(req.Question[0]):
		rcode = dns.RcodeRefused
	case mode == ModeServfail:
		rcode = dns.RcodeServerFailure
	case mode == ModeNXDomain:
		return s.deny(resp, dns.RcodeNameError)
	}
	if rcode != dns.RcodeSuccess {
		resp.Rcode = rcode
		return resp
	}
	resp.Authoritative = true
	return s.answer(resp, s.place(from, subnet), answers)
}

// place finds where the client is, by its subnet if the resolver sent one and
// else by the resolver itself, and echoes how much of the subnet mattered.
func (s *Server) place(from netip.Addr, subnet *dns.EDNS0_SUBNET) string {
	if subnet == nil || subnet.SourceNetmask == 0 {
		place, _ := s.places.of(netip.PrefixFrom(from, from.BitLen()))
		return place
	}
	place, scope := s.places.of(prefix(subnet))
	subnet.SourceScope = uint8(scope)
	return place
}

// authoritative tells whether a question is for this zone.
func (s *Server) authoritative(q dns.Question) bool {
	if q.Qclass != dns.ClassINET || q.Qtype == dns.TypeAXFR || q.Qtype == dns.TypeIXFR {
		return false
	}
	return dns.IsSubDomain(s.zone.apex, q.Name)
}

// answer fills in what the zone knows about the question.
func (s *Server) answer(resp *dns.Msg, place string, answers *table) *dns.Msg {
	q := resp.Question[0]
	name := dns.CanonicalName(q.Name)
	header := func(rrtype uint16, ttl uint32) dns.RR_Header {
		return dns.RR_Header{Name: q.Name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
	}
	anything := q.Qtype == dns.TypeANY
	switch {
	case !dns.IsSubDomain(name, s.zone.name):
		return s.deny(resp, dns.RcodeNameError) // no such name, and nothing below it
	case name == s.zone.name && (q.Qtype == dns.TypeA || anything):
		for _, addr := range s.turn(place, answers) {
			resp.Answer = append(resp.Answer, &dns.A{Hdr: header(dns.TypeA, s.zone.ttl), A: addr.AsSlice()})
		}
	case name == s.zone.apex && q.Qtype == dns.TypeSOA:
		soa := s.zone.soa
		resp.Answer = append(resp.Answer, &soa)
	case name == s.zone.apex && (q.Qtype == dns.TypeNS || anything):
		for _, ns := range s.zone.ns {
			resp.Answer = append(resp.Answer, &dns.NS{Hdr: header(dns.TypeNS, 172800), Ns: ns})
		}
	default:
		return s.deny(resp, dns.RcodeSuccess)
	}
	return resp
}

// turn returns a place's addresses, each time starting with the next one.
func (s *Server) turn(place string, answers *table) []netip.Addr {
	addrs := answers.places[place].addrs
	n := int(s.turns[place].Add(1)-1) % len(addrs)
	return append(append(make([]netip.Addr, 0, len(addrs)), addrs[n:]...), addrs[:n]...)
}

// deny says that there is no such name or no such record.
func (s *Server) deny(resp *dns.Msg, rcode int) *dns.Msg {
	soa := s.zone.soa
	resp.Authoritative, resp.Rcode, resp.Ns = true, rcode, []dns.RR{&soa}
	return resp
}
