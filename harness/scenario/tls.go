package scenario

import "slices"

// Spoken lists the ways to speak from the oldest: SSL 3.0, then the versions of TLS.
func Spoken() []string { return []string{"ssl3", "1.0", "1.1", "1.2", "1.3"} }

// Floor is the oldest way to speak that any front should agree to. It is ours: in
// 2014 what was asked was the end of SSL 3.0.
const Floor = "1.2"

// Below tells whether a way to speak is older than the floor.
func Below(how string) bool {
	return slices.Index(Spoken(), how) < slices.Index(Spoken(), Floor)
}

// floors are what servers can be made to agree to at least.
func floors() []string { return Spoken()[:4] }

// checkVisited tells of visitors to what is not there.
func (b *builder) checkVisited(g VisitorGroup, v Visitor, sys System) {
	switch {
	case v.Ask == "ingest":
	case sys.Web == nil:
		b.add(g.Pos, "there is nothing to visit: give the system a website, such as web: {website: 4}")
	case v.Ask == streaming && (sys.Web.Edge == 0 || v.Speak != ""):
		b.add(g.Pos, "there is nothing to listen to: give the system servers that deliver, such as web: {edge: 2}, and speak in the clear")
	case v.Speak != "" && sys.Web.Floor == "":
		b.add(g.Pos, "nobody there speaks TLS: give the system's web a floor, such as web: {floor: 1.2}")
	}
}

// hardened are the web servers that a step has agree to less.
func (b *builder) hardened(s StepSpec) []string {
	if b.spec.Web != nil && b.spec.Web.Floor.Value == "" {
		b.add(s.Pos, "nobody there speaks TLS: give the system's web a floor, such as web: {floor: ssl3}")
	}
	return b.pick(s.Nodes, b.cast.web, b.cast.sites)
}

// Secure tells whether the balancers have a certificate: they do when somebody asks
// them for it.
func (p *Plan) Secure() bool {
	return slices.ContainsFunc(p.Visitors, func(v Visitor) bool { return v.Ask == "ingest" && v.Speak != "" })
}

// Speech names a way to speak as people do.
func Speech(how string) string {
	if how == "ssl3" {
		return "SSL 3.0"
	}
	return "TLS " + how
}
