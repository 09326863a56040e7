package scenario

// PropertyForm is how a property is spelled under expect. What it means, and the
// sentence for people, is package check's.
type PropertyForm struct {
	Name      string
	Takes     []string // the limits it takes
	Needs     []string // those it cannot do without
	Always    bool     // judged whether a file expects it or not
	Component string   // of the service, whose state it tells; "" for recording
	Shares    bool     // at-most is a share
}

// Properties is every property that expect can name.
func Properties() []PropertyForm {
	return []PropertyForm{
		{Name: "nearest-datacenter", Component: "dns", Takes: []string{"broadcasters"}},
		{Name: "available-server", Takes: []string{"broadcasters"}},
		{Name: "cohort-routed", Takes: []string{"broadcasters"}},
		{Name: "capacity-respected", Takes: []string{"nodes"}},
		{Name: "cross-datacenter-failover", Takes: []string{"broadcasters"}},
		{Name: "sticky-reconnect", Takes: []string{"broadcasters"}},
		{Name: "first-reconnect-answered", Takes: []string{"broadcasters"}},
		{Name: "lost-for-good", Takes: []string{"broadcasters"}},
		{Name: "recovered-within", Takes: []string{"within", "share", "broadcasters"}, Needs: []string{"within"}},
		{Name: "admission-within", Takes: []string{"within", "share", "broadcasters"}, Needs: []string{"within"}},
		{Name: "dead-air", Takes: []string{"at-most", "broadcasters"}},
		{Name: "recording-intact", Always: true, Takes: []string{"broadcasters"}},
		{Name: "single-writer", Always: true, Takes: []string{"broadcasters"}},
		{Name: "published-once", Component: "publishing", Takes: []string{"broadcasters"}},
		{Name: "publish-delay", Component: "publishing", Takes: []string{"within", "broadcasters"}, Needs: []string{"within"}},
		{Name: "notice-sent", Component: "mail", Takes: []string{"within", "broadcasters"}, Needs: []string{"within"}},
		{Name: "no-blank-mail", Component: "mail", Takes: []string{"broadcasters"}},
		{Name: "health-honest", Component: "dns", Takes: []string{"within", "nodes"}, Needs: []string{"within"}},
		{Name: "pool-converges", Component: "dns", Takes: []string{"within", "nodes"}},
		{Name: "returns-to-pool", Component: "dns", Takes: []string{"within", "nodes"}},
		{Name: "no-flapping", Component: "dns", Takes: []string{"nodes"}},
		{Name: "fault-weighed", Component: "dns", Takes: []string{"nodes"}},
		{Name: "error-rate", Component: "website", Shares: true, Takes: []string{"at-most", "within", "visitors"}, Needs: []string{"at-most", "within"}},
		{Name: "listeners-on-air", Component: "streaming", Takes: []string{"share", "within", "visitors"}},
		{Name: "tls-floor", Component: "website", Takes: []string{"visitors"}},
		{Name: "untouched", Takes: []string{"broadcasters"}, Needs: []string{"broadcasters"}},
		{Name: "no-unexplained-disconnect", Always: true, Takes: []string{"broadcasters"}},
	}
}

// PropertyNamed finds a property in the table.
func PropertyNamed(name string) (PropertyForm, bool) {
	for _, p := range Properties() {
		if p.Name == name {
			return p, true
		}
	}
	return PropertyForm{}, false
}

// PropertyNames lists the table.
func PropertyNames() []string {
	var names []string
	for _, p := range Properties() {
		names = append(names, p.Name)
	}
	return names
}
