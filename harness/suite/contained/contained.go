// Package contained has the runs of a suite played in containers.
//
// It turns a plan into what package docker needs and links with it, which programs
// whose processes start often must not: the suite itself knows nothing of it.
package contained

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
	"deadair/harness/world/docker"
)

// World is the world of containers.
func World() suite.World { return suite.World{Name: "docker", Play: play} }

// play plays a plan in containers.
func play(ctx context.Context, p *scenario.Plan, dir string, tell io.Writer) error {
	cfg, err := config(p, dir)
	if err != nil {
		return err
	}
	cfg.Told = func(line []byte) { tell.Write(append(line, '\n')) } //nolint:errcheck // a parent that is gone ends us another way
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := docker.Run(ctx, cfg); err != nil {
		return fmt.Errorf("play in containers: %w", err)
	}
	return nil
}

// config is what a plan needs in containers.
func config(p *scenario.Plan, dir string) (docker.Config, error) {
	var plan bytes.Buffer
	if err := p.Write(&plan); err != nil {
		return docker.Config{}, err
	}
	cfg := docker.Config{Dir: dir, Plan: plan.Bytes(), Programs: programs(p)}
	nodes := stack.Machines(p)
	for _, h := range stack.Hosts(p) {
		cfg.Hosts = append(cfg.Hosts, docker.Host{Name: h.Name, Datacenter: nodes[h.Name]})
	}
	return cfg, nil
}

// programs names the servers of somebody else's that a plan's nodes are.
func programs(p *scenario.Plan) []string {
	if p.RedisKind() == scenario.RedisServer {
		return []string{docker.Redis}
	}
	return nil
}
