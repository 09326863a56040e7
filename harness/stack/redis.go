package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strconv"

	"deadair/fakes/redis"
	"deadair/harness/fault"
	"deadair/harness/scenario"
	"deadair/harness/stack/console"
	"deadair/harness/world"
)

// redisServer is the executable of a real Redis.
const redisServer = "redis-server"

// Programs is the table of a plan's nodes that are servers of somebody else's.
func Programs(p *scenario.Plan) world.Programs {
	all := world.Programs{
		kindRedisServer: {
			Path: redisServer,
			// What it was told is written before it answers, and so survives a kill. It
			// starts no processes of its own, which would outlive it.
			Args: func(p world.Place) ([]string, error) {
				return []string{
					"--bind", p.At.Addr().String(), "--port", strconv.Itoa(int(p.At.Port())), "--protected-mode", "no",
					"--dir", p.Dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
					"--maxclients", strconv.Itoa(fault.RedisClients), "--daemonize", "no", "--logfile", "",
				}, nil
			},
			Ready: func(ctx context.Context, conn net.Conn) error {
				_, err := console.New(conn).Do(ctx, "PING")
				return err
			},
		},
	}
	for _, a := range p.Foreign {
		all[a.Kind] = adapted(a)
	}
	return all
}

// CheckRedis tells why no plan can be played with the Redis named, as scenario's
// UseRedis takes it.
func CheckRedis(which string) error {
	switch which {
	case "", scenario.RedisEmbedded:
		return nil
	case scenario.RedisServer:
		if _, err := exec.LookPath(redisServer); err != nil {
			return fmt.Errorf("--redis server: %s is not installed here: install it, or use --redis embedded", redisServer)
		}
		return nil
	}
	return checkURL(which)
}

// RedisKind is which Redis stands behind the index.
func (s *Stack) RedisKind() string { return s.plan.RedisKind() }

// Console opens a connection to Redis, as an operator would.
func (s *Stack) Console(ctx context.Context) (*console.Console, error) {
	conn, err := s.operator.DialContext(ctx, "tcp", s.at(redisHost, redisPort))
	if err != nil {
		return nil, fmt.Errorf("open a console on redis: %w", err)
	}
	return console.New(conn), nil
}

// IndexKeys is how many keys Redis holds, as an operator asks.
func (s *Stack) IndexKeys(ctx context.Context) (int, error) {
	c, err := s.Console(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	answer, err := c.Do(ctx, "DBSIZE")
	if err != nil {
		return 0, err
	}
	n, ok := answer.(int)
	if !ok {
		return 0, fmt.Errorf("count the keys of redis: it answered %v", answer)
	}
	return n, nil
}

// redisPart is Redis, behind the index.
func redisPart() part {
	hosts := func(p *scenario.Plan, dc scenario.Datacenter) []string {
		return append(single(redisHost)(p, dc), single(replicaHost)(p, dc)...)
	}
	return part{kind: kindRedis, serve: redis.Serve, hosts: hosts, node: redisNode}
}

// redisNode is the node of Redis, unless it is a foreign one.
func redisNode(s *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	switch s.plan.RedisKind() {
	case scenario.RedisEmbedded:
		return s.embeddedRedis(name)
	case scenario.RedisServer:
		return &world.Node{Name: name, Kind: kindRedisServer, Ports: []int{redisPort}}, nil
	}
	return nil, nil
}

// embeddedRedis is a Redis of ours. Of two either can be the other's replica, in time.
func (s *Stack) embeddedRedis(name string) (*world.Node, error) {
	var cfg redis.Config
	if name == replicaHost {
		cfg.ReplicaOf = s.at(redisHost, redisPort)
	}
	n := &world.Node{Name: name, Kind: kindRedis, Config: json.RawMessage("{}"), Ports: []int{redisPort}}
	if s.plan.System.Replica == "" {
		return n, nil
	}
	for _, other := range redisHosts() {
		if other != name {
			n.Dials = append(n.Dials, s.at(other, redisPort))
		}
	}
	cfg = cfg.WithDefaults()
	if err := scale(&cfg, s.plan.Speed); err != nil {
		return nil, err
	}
	var err error
	n.Config, err = json.Marshal(cfg)
	return n, err
}
