package child

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"deadair/fakes/disk"
	"deadair/harness/world"
	"deadair/harness/world/host"
)

// Exit codes of a child. A node that returns an error is exitFailed.
const (
	exitFailed = 1
	exitWire   = 2 // it was not started by a harness, or does not know the node's kind
	exitOrphan = 3 // the harness has gone
)

// Run runs the node if this process is a child, and then ends the process.
// Otherwise it returns at once. It must be called first thing in main and TestMain.
func Run(kinds world.Kinds) {
	if len(os.Args) < 2 || os.Args[1] != Arg {
		return
	}
	os.Exit(run(kinds))
}

// run is the main of a child.
func run(kinds world.Kinds) int {
	wire, err := inherited()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitWire
	}
	words := json.NewDecoder(wire)
	var m Message
	if err := words.Decode(&m); err != nil || m.Spec == nil {
		fmt.Fprintln(os.Stderr, "read the node's specification:", err)
		return exitWire
	}
	spec := *m.Spec
	serve := kinds[spec.Kind]
	if serve == nil {
		fmt.Fprintf(os.Stderr, "run %s: this program knows no kind %q\n", spec.Node, spec.Kind)
		return exitWire
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	zero := new(atomic.Int64)
	zero.Store(spec.Zero)
	log := slog.New(&clock{Handler: slog.NewJSONHandler(os.Stderr, nil), zero: zero}).With("node", spec.Node)
	out := newOutbox(wire)
	ill := new(disk.Trouble)
	ill.Set(spec.Disk)
	ill.Tell(func(hits int) { out.offer(Message{Do: DiskHit, Hits: hits}) })
	go obey(words, zero, ill)

	h := host.New(host.Config{
		Name: spec.Node, Addr: spec.Addr, Bind: spec.Bind, Dir: spec.Dir,
		Seed: spec.Seed, Conf: spec.Conf, Log: log, Net: &network{spec: spec, out: out},
	})
	e := h.Env()
	slow := &slowness{tell: func(took time.Duration) { out.offer(Message{Do: DiskSlow, Took: took}) }}
	e.Disk = ill.On(watchedDisk{e.Disk, slow})
	err = serve(ctx, e)
	if err != nil {
		log.Error("node failed", "error", err)
	}
	out.flush()
	if err != nil {
		return exitFailed
	}
	return 0
}

// obey does what the harness tells. The end of the wire is the end of the process.
func obey(words *json.Decoder, zero *atomic.Int64, ill *disk.Trouble) {
	for {
		var m Message
		if err := words.Decode(&m); err != nil {
			os.Exit(exitOrphan)
		}
		switch {
		case m.Do == Zero:
			zero.Store(m.Zero)
		case m.Do == DiskFault && m.Disk != nil:
			ill.Set(*m.Disk)
		}
	}
}

// maxWaiting is how many messages to the harness may wait for the wire.
const maxWaiting = 1024

// outbox sends messages to the harness in order.
type outbox struct {
	messages chan Message
	flushed  chan struct{}
}

func newOutbox(wire net.Conn) *outbox {
	o := &outbox{messages: make(chan Message, maxWaiting), flushed: make(chan struct{})}
	go o.send(json.NewEncoder(wire))
	return o
}

func (o *outbox) send(wire *json.Encoder) {
	for m := range o.messages {
		if m.Do == farewell {
			close(o.flushed)
			return
		}
		if wire.Encode(m) != nil {
			return // the harness has gone; obey ends the process
		}
	}
}

// add queues a message that must arrive. It waits while the queue is full.
func (o *outbox) add(m Message) { o.messages <- m }

// offer queues a message unless the queue is full.
func (o *outbox) offer(m Message) {
	select {
	case o.messages <- m:
	default:
	}
}

// flush returns when all that was queued before is sent.
func (o *outbox) flush() {
	o.add(Message{Do: farewell})
	<-o.flushed
}
