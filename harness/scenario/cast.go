package scenario

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// cast is every host of a plan, and the words that stand for several of them.
type cast struct {
	servers []string            // balancers and recorders
	web     []string            // servers of the website and the API
	nodes   []string            // servers, those of the web and of streaming, and those of which there is one: redis
	hosts   []string            // nodes, dns, checkers, broadcasters, visitors
	sites   map[string][]string // a datacenter's nodes, with redis and its kin where they stand
	groups  map[string][]string // a group's broadcasters or visitors
}

func newCast(sys System, bs []Broadcaster, vs []Visitor) *cast {
	c := &cast{sites: map[string][]string{}, groups: map[string][]string{}}
	for _, dc := range sys.Datacenters {
		c.servers = append(c.servers, dc.nodesOf()...)
		c.sites[dc.Name] = dc.nodesOf()
	}
	c.nodes = slices.Clone(c.servers)
	for _, p := range sys.Pools() {
		if p.Site != streaming {
			c.web = append(c.web, p.Nodes...)
		}
		c.nodes = append(c.nodes, p.Nodes...)
		c.sites[p.In] = append(c.sites[p.In], p.Nodes...)
	}
	singles := sys.Singles()
	for _, name := range slices.Sorted(maps.Keys(singles)) {
		c.sites[singles[name]] = append(c.sites[singles[name]], name)
		c.nodes = append(c.nodes, name)
	}
	c.hosts = append(slices.Clone(c.nodes), "dns")
	for i := range sys.DNS.Checkers {
		c.groups["checkers"] = append(c.groups["checkers"], fmt.Sprintf("checker-%02d", i+1))
	}
	c.hosts = append(c.hosts, c.groups["checkers"]...)
	for _, b := range bs {
		c.groups[b.Group] = append(c.groups[b.Group], b.Name)
		c.hosts = append(c.hosts, b.Name)
	}
	for _, v := range vs {
		c.groups[v.Group] = append(c.groups[v.Group], v.Name)
		c.hosts = append(c.hosts, v.Name)
	}
	return c
}

// namesakes wants no group, and none of its members, named as a host that is there already.
func (b *builder) namesakes() {
	ours := map[string]bool{"dns": true}
	for _, host := range slices.Concat(b.cast.nodes, b.cast.groups["checkers"]) {
		ours[host] = true
	}
	var groups Names
	for _, g := range b.file.Broadcasters {
		groups = append(groups, g.Name)
	}
	for _, g := range b.file.Visitors {
		groups = append(groups, g.Name)
	}
	for _, g := range groups {
		all := append([]string{g.Value}, b.cast.groups[g.Value]...)
		if i := slices.IndexFunc(all, func(name string) bool { return ours[name] }); i >= 0 {
			b.add(g.Pos, "group %q takes the name of the host %s: call it something else", g.Value, all[i])
		}
	}
}

// pick finds the hosts that names mean among those allowed.
func (b *builder) pick(names Names, among []string, words ...map[string][]string) []string {
	var all []string
	for _, n := range names {
		if b.targets > maxTargets {
			b.add(n.Pos, "the steps name more than %d hosts in all", maxTargets)
			return nil
		}
		hosts := b.pickOne(n, among, words)
		b.targets += len(hosts)
		all = append(all, hosts...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (b *builder) pickOne(n Name, among []string, words []map[string][]string) []string {
	if n.Value == "" {
		return nil
	}
	var found [][]string
	for _, w := range words {
		if hosts, ok := w[n.Value]; ok {
			found = append(found, only(hosts, among))
		}
	}
	switch {
	case len(found) > 1:
		b.add(n.Pos, "%q is both a datacenter and a group: write %s/* or %s-*", n.Value, n.Value, n.Value)
		return nil
	case len(found) == 1 && len(found[0]) > 0:
		return found[0]
	case slices.Contains(among, n.Value):
		return []string{n.Value}
	}
	return b.glob(n, among, words)
}

// glob finds the hosts that a pattern matches, and tells when there are none.
func (b *builder) glob(n Name, among []string, words []map[string][]string) []string {
	var hits []string
	for _, host := range among {
		ok, err := path.Match(n.Value, host)
		if err != nil {
			b.add(n.Pos, "%q is no pattern: * ? and [12] are known", clip(n.Value))
			return nil
		}
		if ok {
			hits = append(hits, host)
		}
	}
	if left := leftOut(n.Value, among); left != "" {
		b.add(n.Pos, "%q does not reach beyond a slash and leaves out nodes of datacenters such as %s: write %q for those, and name others beside it", clip(n.Value), left, reaching(n.Value, left))
		return hits
	}
	switch {
	case len(hits) > 0:
	case strings.ContainsAny(n.Value, "*?["):
		b.add(n.Pos, "%q matches nothing here", clip(n.Value))
	default:
		known := slices.Clone(among)
		for _, w := range words {
			known = append(known, sortedKeys(w)...)
		}
		b.add(n.Pos, "unknown name %q%s", clip(n.Value), Meant(n.Value, known))
	}
	return hits
}

// leftOut is the first host beyond a slash that a pattern would match if * did not stop
// there; empty if there is none.
func leftOut(pattern string, among []string) string {
	if strings.Contains(pattern, "/") || !strings.Contains(pattern, "*") {
		return ""
	}
	for _, host := range among {
		flat := strings.Replace(host, "/", "|", 1)
		if ok, _ := path.Match(pattern, flat); ok && flat != host {
			return host
		}
	}
	return ""
}

// reaching is a pattern made to reach a host beyond a slash.
func reaching(pattern, host string) string {
	for _, p := range []string{"*/" + pattern, pattern + "/*"} {
		if ok, _ := path.Match(p, host); ok {
			return p
		}
	}
	return "*/*"
}

// only is what of some hosts is allowed.
func only(hosts, among []string) []string {
	var both []string
	for _, h := range hosts {
		if slices.Contains(among, h) {
			both = append(both, h)
		}
	}
	return both
}

// without is what of some hosts is not among others, sorted.
func without(hosts, others []string) []string {
	rest := slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return slices.Contains(others, h) })
	slices.Sort(rest)
	return rest
}

func sortedKeys(m map[string][]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
