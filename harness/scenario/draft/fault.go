package draft

// fault makes a step of what was broken, how, and where.
func (d *Draft) fault(what, how string, where []string, text string) Fault {
	dc := where[0]
	switch what {
	case "redis":
		return redis(how, dc)
	case "dns":
		d.assume("What was wrong with DNS is made up: broadcasters get no answer from it.")
		return Fault{Step: lasting("blackhole", near(dc), "dns", ""), Lasts: true, Site: dc, Drops: true}
	case "balancer":
		return node(how, dc, "balancer", quoted(howMany(text, dc, "balancer")))
	case "recorder":
		return node(how, dc, "recorder", quoted(howMany(text, dc, "recorder")))
	case "broadcaster":
		return Fault{Step: "drop: {broadcasters: " + near(dc) + ", share: 50%}", Site: dc}
	case "datacenter":
		if how == "unreachable" || how == "slow" {
			return d.network(how, where)
		}
		return Fault{Step: "kill: " + quoted(dc+"/*"), Lasts: true, Site: dc, DNS: true}
	case "network":
		return d.network(how, where)
	case "publishing":
		return publishing(how, dc)
	}
	d.assume("This scaffold has no fault for %s: a recorder dies in its place. See deadair schema for what there is.", what)
	return node("down", dc, "recorder", dc+"/recorder-1")
}

// redis is a fault of the session index.
func redis(how, dc string) Fault {
	f := Fault{Step: "kill: redis", Lasts: true, Site: dc, Drops: true}
	switch how {
	case "readonly", "maxclients":
		f.Step = "redis: " + how
	case "frozen":
		f.Step = "pause: redis"
	case "unreachable", "refused":
		f.Step = lasting("blackhole", dc, "redis", "")
	case "slow":
		f.Step = lasting("delay", dc, "redis", "")
	}
	return f
}

// publishing is a fault of the object store that finished shows go to.
func publishing(how, dc string) Fault {
	f := Fault{Step: "store: unavailable", Lasts: true, Site: dc, Store: true}
	switch how {
	case "unreachable", "refused":
		f.Step = lasting("blackhole", `"`+dc+`/recorder-*"`, "store", "")
	case "slow":
		f.Step = "store: slow"
	}
	return f
}

// node is a fault of a server.
func node(how, dc, kind, which string) Fault {
	f := Fault{Step: "kill: " + which, Lasts: true, Site: dc, DNS: kind == "balancer"}
	from := near(dc)
	if kind == "recorder" {
		from = `"` + dc + `/balancer-*"`
	}
	switch how {
	case "frozen":
		f.Step = "pause: " + which
	case "restart":
		f.Step, f.Lasts, f.DNS = "restart: "+which, false, false
	case "power":
		f.Step = "powercut: " + which
	case "unreachable":
		f.Step, f.DNS = lasting("blackhole", from, which, ""), false
	case "slow":
		f.Step, f.DNS, f.Drops = lasting("delay", from, which, ""), false, true
	case "refused":
		f.Step, f.DNS, f.Drops = lasting("refuse", from, which, ""), false, true
	case "drops":
		f.Step, f.Lasts, f.DNS = "cut: {from: "+from+", to: "+which+"}", false, false
	}
	return f
}

// network is a fault between two datacenters, or of the way into one.
func (d *Draft) network(how string, where []string) Fault {
	name := "stall"
	if how == "slow" {
		name = "delay"
	}
	dc := where[0]
	if len(where) > 1 {
		return Fault{Step: lasting(name, quoted(dc+"/*"), quoted(where[1]+"/*"), ""), Lasts: true, Site: dc, Drops: true}
	}
	d.assume("What the network did is made up: nothing gets through to the balancers of %s, neither from broadcasters nor from health checkers.", dc)
	return Fault{Step: lasting(name, "["+near(dc)+", checkers]", quoted(dc+"/balancer-*"), ""), Lasts: true, Site: dc}
}

// near is the group of broadcasters beside a datacenter.
func near(dc string) string {
	return map[string]string{"us-east": "new-york", "us-west": "seattle"}[dc] + map[string]string{"eu-west": "rome"}[dc]
}
