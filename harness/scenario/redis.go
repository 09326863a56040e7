package scenario

import (
	"fmt"
	"slices"
)

// Kinds of Redis that can stand behind the session index.
const (
	RedisEmbedded = "embedded" // the fake of this project
	RedisServer   = "server"   // an installed redis-server, as a node of the world
	RedisForeign  = "foreign"  // one that is not ours, named by its URL
)

// UseRedis has the plan played with another Redis: embedded, server, or the URL of
// a foreign one. Its error tells why it cannot be.
func (p *Plan) UseRedis(which string) error {
	if which == RedisEmbedded || which == "" {
		p.Redis = ""
		return nil
	}
	if p.World == "virtual" {
		return fmt.Errorf("%s %s: a Redis that is not embedded is a process, and there are none in the %s world: use --world loopback", p.Scenario, p.Variant, p.World)
	}
	if p.System.Replica != "" {
		return fmt.Errorf("%s %s: its Redis fails over, which only the embedded one is set up for: use --redis embedded", p.Scenario, p.Variant)
	}
	for _, s := range p.Steps {
		if why := s.refusedBy(which); why != "" {
			return fmt.Errorf("%s %s: line %d: %s: %s", p.Scenario, p.Variant, s.Line, s.Sentence(), why)
		}
	}
	p.Redis = which
	return nil
}

// refusedBy tells why a step cannot be done to a Redis, or nothing.
func (s Step) refusedBy(which string) string {
	switch {
	case which != RedisServer && slices.Contains(s.Nodes, "redis"):
		return "a Redis that is not ours can be broken only on the way to it: use --redis server or embedded"
	case slices.Contains([]string{"loading", "misconf"}, s.Answer):
		return "a redis-server cannot be told to answer " + s.Answer + ": use --redis embedded"
	}
	return ""
}

// RedisKind is which Redis the plan is played with.
func (p *Plan) RedisKind() string {
	switch p.Redis {
	case "":
		return RedisEmbedded
	case RedisServer:
		return RedisServer
	}
	return RedisForeign
}
