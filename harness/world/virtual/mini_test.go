package virtual_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// The mini system: workers that stream lines from clients, count them in Redis
// and ask an HTTP server, while links break and nodes die. A child plays it and
// prints every event, as a history has them: by time, then by witness.

// journal is what happened.
type journal struct {
	w     *virtual.World
	mu    sync.Mutex
	lines []line
}

// line is an event as one witness saw it. Several may see theirs at one instant,
// such as the connections of a node that ends, and who is first is left to chance.
type line struct {
	at      time.Duration
	witness string
	text    string
}

func (j *journal) add(witness, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line{j.w.Now(), witness, fmt.Sprintf(format, args...)})
}

func (j *journal) print() {
	slices.SortStableFunc(j.lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.witness, b.witness))
	})
	for _, l := range j.lines {
		fmt.Println(l.at.Nanoseconds(), l.witness, l.text)
	}
}

// outcome is an error's class, for texts differ with the order of goroutines.
func outcome(err error) string {
	var timeout net.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return "closed"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "broken"
	}
	return "other"
}

func miniHosts() []world.Host {
	hosts := []world.Host{
		{Name: "redis", Place: "Virginia"}, {Name: "web", Place: "Oregon"},
		{Name: "worker-1", Place: "Virginia"}, {Name: "worker-2", Place: "Ireland"}, {Name: "worker-3", Place: "Ireland"},
	}
	for i, place := range []string{"Rome", "London", "New York", "San Francisco", "New York", "New York"} {
		hosts = append(hosts, world.Host{Name: fmt.Sprintf("client-%d", i+1), Place: place})
	}
	return hosts
}

// playMini plays the system with the seed in its environment and prints the journal.
func playMini() {
	seed, _ := strconv.ParseUint(os.Getenv("MINI_SEED"), 10, 64)
	redis.SetLogger(quiet{})
	j := &journal{}
	err := virtual.GuardFrom(context.Background(), time.Date(2014, 10, 2, 0, 0, 0, 0, time.UTC), virtual.Limits{Still: 20 * time.Second}, func(ctx context.Context) {
		w, err := virtual.New(virtual.Config{Hosts: miniHosts(), Kinds: j.kinds(), Seed: seed, Watch: j.watch()})
		if err != nil {
			panic(err)
		}
		j.w = w
		ctx, end := context.WithCancel(ctx)
		j.play(ctx)
		end()
		if err := w.Close(); err != nil {
			panic(err)
		}
	})
	j.print()
	fmt.Println("end:", err)
}

// quiet is a logger for go-redis.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func (j *journal) watch() world.Watch {
	return world.Watch{
		NodeReady: func(n string) { j.add(n, "ready") },
		NodeEnded: func(n, class string) { j.add(n, "ended %s", class) },
		Conn:      func(c world.Conn) { j.add(c.From, "to %s:%d %s %v", c.To, c.Port, c.Class, c.Ended) },
	}
}

func (j *journal) kinds() world.Kinds {
	return world.Kinds{"redis": serveRedis, "web": serveWeb, "worker": func(ctx context.Context, e env.Env) error { return j.serveWorker(ctx, e) }}
}

func serveRedis(ctx context.Context, e env.Env) error {
	l, err := e.Listen(ctx, "tcp", ":6379")
	if err != nil {
		return err
	}
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	if c, err := m.Dial(); err == nil { // starts it without a listener
		c.Close()
	}
	defer m.Close()
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		c, err := l.Accept()
		if err != nil {
			return nil
		}
		m.Server().ServeConn(c)
	}
}

func serveWeb(ctx context.Context, e env.Env) error {
	l, err := e.Listen(ctx, "tcp", ":80")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.Copy(rw, r.Body) }), IdleTimeout: 20 * time.Second}
	context.AfterFunc(ctx, func() { s.Close() })
	s.Serve(l)
	return nil
}

// serveWorker takes clients' lines, keeps them on disk, and has two loops.
func (j *journal) serveWorker(ctx context.Context, e env.Env) error {
	l, err := e.Listen(ctx, "tcp", ":9")
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	defer all.Wait()
	context.AfterFunc(ctx, func() { l.Close() })
	all.Go(func() { j.countInRedis(ctx, e) })
	all.Go(func() { j.askWeb(ctx, e) })
	for i := 0; ; i++ {
		c, err := l.Accept()
		if err != nil {
			return nil
		}
		all.Go(func() { j.take(ctx, e, c, strconv.Itoa(i)) })
	}
}

func (j *journal) take(ctx context.Context, e env.Env, c net.Conn, name string) {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer c.Close()
	f, err := e.Disk.OpenFile("lines-"+name, os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return
	}
	lines := 0
	for r := bufio.NewReader(c); ; lines++ {
		c.SetReadDeadline(time.Now().Add(8 * time.Second))
		line, err := r.ReadSlice('\n')
		if err != nil {
			j.add(e.Host+"/"+name, "took %d lines, then %s", lines, outcome(err))
			return
		}
		f.Write(line)
		c.Write([]byte{'.'})
	}
}

func (j *journal) countInRedis(ctx context.Context, e env.Env) {
	c := redis.NewClient(&redis.Options{
		Addr: j.w.Addr("redis").String() + ":6379", Dialer: e.DialContext, PoolSize: 3, MaxRetries: -1, DialerRetries: 1,
		DialTimeout: time.Second, ReadTimeout: time.Second, ContextTimeoutEnabled: true, Protocol: 2,
	})
	defer c.Close()
	every(ctx, e.Phase("count", 2*time.Second), 2*time.Second, func() {
		ctx, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
		defer cancel()
		n, err := c.Incr(ctx, "count").Result()
		j.add(e.Host, "count %d %s", n, outcome(err))
	})
}

func (j *journal) askWeb(ctx context.Context, e env.Env) {
	transport := &http.Transport{DialContext: e.DialContext, Protocols: new(http.Protocols), IdleConnTimeout: 15 * time.Second}
	transport.Protocols.SetHTTP1(true)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 900 * time.Millisecond}
	every(ctx, e.Phase("ask", 3*time.Second), 3*time.Second, func() {
		r, err := client.Post("http://"+j.w.Addr("web").String()+"/", "text/plain", strings.NewReader(e.Host))
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		j.add(e.Host, "ask %s", outcome(err))
	})
}

func every(ctx context.Context, phase, interval time.Duration, f func()) {
	t := time.NewTimer(phase)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
			t.Reset(interval)
		}
	}
}

// stream is a client: lines each 100 ms or so to a worker, and again when that breaks.
func (j *journal) stream(ctx context.Context, name string, workers []string) {
	e := j.w.Env(name)
	rng := e.Rand("line")
	wait(ctx, e.Phase("stream", time.Second))
	for try := 0; ctx.Err() == nil; try++ {
		worker := workers[rng.IntN(len(workers))]
		dial, cancel := context.WithTimeout(ctx, 5*time.Second)
		c, err := e.DialContext(dial, "tcp", j.w.Addr(worker).String()+":9")
		cancel()
		j.add(name, "try %d %s %s", try, worker, outcome(err))
		sent := 0
		for err == nil && ctx.Err() == nil {
			c.SetDeadline(time.Now().Add(4 * time.Second))
			_, err = fmt.Fprintln(c, strings.Repeat("la", rng.IntN(500)))
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
			sent++
			wait(ctx, time.Duration(200+rng.IntN(300))*time.Millisecond)
		}
		if c != nil {
			c.Close()
		}
		j.add(name, "sent %d, then %s", sent, outcome(err))
		wait(ctx, time.Duration(500+rng.IntN(2000))*time.Millisecond)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// play is the scenario: everything that the world can do, over four minutes.
func (j *journal) play(ctx context.Context) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	workers := []string{"worker-1", "worker-2", "worker-3"}
	nodes := map[string]world.Node{"redis": {Kind: "redis", Ports: []int{6379}}, "web": {Kind: "web", Ports: []int{80}}}
	for _, w := range workers {
		nodes[w] = world.Node{Kind: "worker", Ports: []int{9}}
	}
	start := func(name string) {
		n := nodes[name]
		n.Name = name
		must(j.w.Start(ctx, n))
	}
	for _, name := range append([]string{"redis", "web"}, workers...) {
		start(name)
	}
	j.w.Zero()
	var clients []string
	var all sync.WaitGroup
	playing, end := context.WithCancel(ctx)
	for _, h := range miniHosts()[5:] {
		clients = append(clients, h.Name)
		all.Go(func() { j.stream(playing, h.Name, workers) })
	}
	j.faults(ctx, must, start, clients, workers)
	end()
	all.Wait()
}

func (j *journal) faults(ctx context.Context, must func(error), start func(string), clients, workers []string) {
	broken := func(f world.LinkFault, d time.Duration) {
		b, err := j.w.Break(f)
		must(err)
		time.Sleep(d)
		b.Heal()
		j.add("harness", "%s touched %+v", f.Kind, b.Touched())
		time.Sleep(10 * time.Second)
	}
	signal := func(name string, s, undo world.Signal) {
		must(j.w.Signal(ctx, name, s))
		time.Sleep(10 * time.Second)
		if undo != "" {
			must(j.w.Signal(ctx, name, undo))
		} else {
			start(name)
		}
		time.Sleep(10 * time.Second)
	}
	time.Sleep(20 * time.Second)
	broken(world.LinkFault{Kind: "cut", From: clients, To: workers}, time.Second)
	broken(world.LinkFault{Kind: "blackhole", From: workers, To: []string{"redis"}, Conns: "existing"}, 15*time.Second)
	broken(world.LinkFault{Kind: "stall", From: clients[:3], To: workers, Direction: "back"}, 3*time.Second)
	broken(world.LinkFault{Kind: "refuse", From: clients, To: workers[:1]}, 5*time.Second)
	signal("web", world.Kill, "")
	signal("worker-2", world.Pause, world.Resume)
	broken(world.LinkFault{Kind: "delay", From: workers, To: []string{"redis", "web"}, Delay: 300 * time.Millisecond}, 10*time.Second)
	signal("worker-3", world.Powercut, "")
	broken(world.LinkFault{Kind: "throttle", From: clients, To: workers, Rate: 2000}, 10*time.Second)
	signal("redis", world.Kill, "")
	signal("worker-1", world.Stop, "")
	broken(world.LinkFault{Kind: "blackhole", From: clients, To: workers}, 10*time.Second)
}

// Twenty runs, with all that may not matter different: the collector's pace and how busy the machine is.
func TestMiniSystemPlaysTheSameEveryTime(t *testing.T) {
	idle := make(chan struct{})
	defer close(idle)
	var played [2]map[string]int
	for seed := range played {
		played[seed] = map[string]int{}
		for i, gogc := range []string{"25", "50", "100", "100", "200", "400", "800", "800", "off", "off"} {
			if seed == 1 && i == 5 {
				go spinUntil(idle)
			}
			journal := child(t, "mini", "GOGC="+gogc, "MINI_SEED="+strconv.Itoa(seed))
			require.Contains(t, journal, "end: <nil>")
			played[seed][journal]++
		}
		require.Len(t, played[seed], 1, "different journals of seed %d", seed)
	}
	for journal := range played[0] {
		require.Zero(t, played[1][journal], "another seed, another course")
		for _, word := range []string{"broken", "timeout", "refused", "reset true", "eof true", "ended killed", "ended stopped", "count", "ask ok"} {
			require.Contains(t, journal, word, "the system was exercised")
		}
	}
}

func spinUntil(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default: //nolint:staticcheck // it spins: what is asked is who else gets to run
		}
	}
}
