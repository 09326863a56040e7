package fault

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	fake "deadair/fakes/redis"
	"deadair/harness/scenario"
	"deadair/harness/stack/console"
	"deadair/harness/world"
)

// RedisClients is how many clients a redis-server of ours takes while nothing is wrong.
const RedisClients = 1000

// redis has Redis refuse, in the way that the step names. Healing has it serve again.
func redis(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	how, err := illnessOf(s.RedisKind(), step.Answer)
	if err != nil {
		return nil, err
	}
	c, err := s.Console(ctx)
	if err != nil {
		return nil, err
	}
	a := &refusing{site: s, console: c, how: how}
	if a.before, err = how.refused(ctx, c); err == nil {
		err = tell(ctx, c, how.begin)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return a, nil
}

// illness is how a Redis is made to refuse, and how it is known what it refused.
type illness struct {
	begin, end [][]string
	refused    func(context.Context, *console.Console) (int, error)
}

// illnessOf finds what brings an answer about. A real server is brought into the
// state that answers so.
func illnessOf(kind, answer string) (illness, error) {
	if kind == scenario.RedisEmbedded {
		return illness{
			begin: [][]string{{fake.AnswerCommand, answer}}, end: [][]string{{fake.AnswerCommand, ""}},
			refused: func(ctx context.Context, c *console.Console) (int, error) {
				n, err := c.Do(ctx, fake.RefusedCommand)
				count, _ := n.(int)
				return count, err
			},
		}, nil
	}
	set := func(key, value string) []string { return []string{"CONFIG", "SET", key, value} }
	all := map[string]illness{
		"readonly": {
			begin:   [][]string{{"REPLICAOF", "127.0.0.1", "1"}}, // of nobody
			end:     [][]string{{"REPLICAOF", "NO", "ONE"}},
			refused: counted("errorstat_READONLY:count="),
		},
		"oom": {
			begin: [][]string{set("maxmemory", "1")}, end: [][]string{set("maxmemory", "0")},
			refused: counted("errorstat_OOM:count="),
		},
		"noauth": {
			begin:   [][]string{set("requirepass", "nobody knows"), {"CLIENT", "KILL", "TYPE", "normal"}}, // who is in stays in otherwise
			end:     [][]string{set("requirepass", "")},
			refused: counted("errorstat_NOAUTH:count="),
		},
		"maxclients": {
			begin: [][]string{set("maxclients", "1")}, end: [][]string{set("maxclients", strconv.Itoa(RedisClients))},
			refused: counted("rejected_connections:"),
		},
	}
	how, ok := all[answer]
	if kind != scenario.RedisServer || !ok {
		return illness{}, fmt.Errorf("a %s Redis cannot be told to answer %s", kind, answer)
	}
	return how, nil
}

// counted reads a number of the server's own statistics; one that is not there is zero.
func counted(name string) func(context.Context, *console.Console) (int, error) {
	return func(ctx context.Context, c *console.Console) (int, error) {
		info, err := c.Do(ctx, "INFO", "everything")
		if err != nil {
			return 0, err
		}
		text, _ := info.(string)
		_, rest, ok := strings.Cut(text, name)
		if !ok {
			return 0, nil
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		return strconv.Atoi(rest[:digits])
	}
}

// tell gives commands, each of which must be taken.
func tell(ctx context.Context, c *console.Console, commands [][]string) error {
	for _, words := range commands {
		if _, err := c.Do(ctx, words...); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(words, " "), err)
		}
	}
	return nil
}

// refusing is Redis while it refuses.
type refusing struct {
	site    Site
	console *console.Console // held from begin to end: for one more connection there may be no room; nil once it failed
	how     illness
	before  int // refused before the begin
	hit     int
	over    bool
}

// Touched asks Redis, which is the far end.
func (a *refusing) Touched() world.Touched {
	if !a.over && a.console != nil {
		n, err := a.how.refused(context.Background(), a.console)
		if err == nil {
			a.hit = max(a.hit, n-a.before)
		} else {
			a.leave()
		}
	}
	return world.Touched{Conns: a.hit}
}

// leave gives up the console.
func (a *refusing) leave() {
	if a.console != nil {
		_ = a.console.Close()
		a.console = nil
	}
}

// End tells Redis to serve again. If its process has ended meanwhile, so has what ailed it.
func (a *refusing) End(ctx context.Context) error {
	if a.over {
		return nil
	}
	a.over = true
	defer a.leave()
	if a.console != nil {
		err := tell(ctx, a.console, a.how.end)
		var refusal *console.Refusal
		if err == nil || errors.As(err, &refusal) {
			return err
		}
		a.leave()
	}
	if !a.site.World().Running("redis") {
		return nil
	}
	c, err := a.site.Console(ctx)
	if err != nil {
		return err
	}
	a.console = c
	return tell(ctx, c, a.how.end)
}
