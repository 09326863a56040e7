package virtual_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// playRedis restarts Redis under an idle pool. go-redis keeps timers in a package
// variable, so each bubble with it needs a process of its own.
func playRedis() {
	redis.SetLogger(quiet{})
	err := virtual.Guard(context.Background(), virtual.Limits{}, func(ctx context.Context) {
		w, err := virtual.New(virtual.Config{
			Hosts: []world.Host{{Name: "redis", Place: "Virginia"}, {Name: "app", Place: "Ireland"}},
			Kinds: world.Kinds{"redis": serveRedis},
		})
		if err != nil {
			panic(err)
		}
		defer w.Close()
		c := redis.NewClient(&redis.Options{Addr: w.Addr("redis").String() + ":6379", Dialer: w.Env("app").DialContext, MaxRetries: -1, DialerRetries: 1})
		defer c.Close()
		incr := func() { fmt.Println(c.Incr(ctx, "count").Result()) }
		start := func() { fmt.Println(w.Start(ctx, world.Node{Name: "redis", Kind: "redis", Ports: []int{6379}})) }
		start()
		incr()
		incr()
		fmt.Println(w.Signal(ctx, "redis", world.Kill))
		start()
		time.Sleep(time.Second)
		incr()
	})
	fmt.Println(err)
}

func TestPoolsSeeThatAConnectionHasDied(t *testing.T) {
	require.Equal(t, "<nil>\n1 <nil>\n2 <nil>\n<nil>\n<nil>\n1 <nil>\n<nil>\n", child(t, "redis"))
}
