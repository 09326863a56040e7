package scenario

import (
	"maps"
	"slices"
)

// checkSettings refuses the settings of servers that the harness makes itself: a server
// would obey what the plan, and so the judge, knows nothing of.
func (d *decoder) checkSettings(s SystemSpec) {
	d.refuseOurs("balancer", s.Balancer, oursOfBalancers())
	d.refuseOurs("recorder", s.Recorder, oursOfRecorders())
}

// refuseOurs refuses some settings of a kind of server. Ours tells what to write in their place.
func (d *decoder) refuseOurs(server string, given Settings, ours map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		if s, ok := given.find(key); ok {
			d.add(s.Pos, "%q of a %s is the harness' to set: %s", key, server, ours[key])
		}
	}
}

// What is written in the place of a setting that is the harness'.
const (
	leaveOut  = "leave it out"
	sayStore  = "say where the store is, such as store: {in: us-east} of the system"
	sayMail   = "say where the relay is, such as mail: {in: us-east} of the system"
	sayRedis  = "say where Redis is, with redis and redis-replica of the system"
	saySites  = "say how many there are where, with balancers, recorders and datacenters of the system"
	sayLogins = "it makes an account of each broadcaster, or say accounts: us-east of the system for a service"
)

// oursOfRecorders are the settings of recorders that the harness makes.
func oursOfRecorders() map[string]string {
	return map[string]string{
		"capacity": "write capacity beside it, of the system or of a datacenter",
		"name":     leaveOut, "datacenter": leaveOut, "listen": leaveOut, "public": leaveOut, "admin": leaveOut,
		"peers": saySites,
		"store": sayStore, "store-bucket": sayStore, "store-key": sayStore, "store-secret": sayStore,
		"mail": sayMail, "mail-domain": sayMail,
	}
}

// oursOfBalancers are the settings of balancers that the harness makes.
func oursOfBalancers() map[string]string {
	return map[string]string{
		"name": leaveOut, "datacenter": leaveOut, "listen": leaveOut, "shoutcast": leaveOut, "admin": leaveOut, "tls": leaveOut,
		"redis": sayRedis, "redis-sentinels": sayRedis, "redis-master": sayRedis, "redis-cluster": sayRedis, "redis-keys": sayRedis,
		"recorders": saySites, "peers": saySites, "near": "say where datacenters stand, with place",
		"accounts": sayLogins, "accounts-file": sayLogins, "auth": sayLogins,
		"rollout": "say old-recorders of the system, and have a step such as rollout: pro",
		"dns-ttl": "write ttl of dns", "check-interval": "write interval of dns", "check-threshold": "write threshold of dns",
	}
}
