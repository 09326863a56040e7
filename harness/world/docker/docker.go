// Package docker is the world of containers: each node is a container of its own,
// each datacenter a network.
//
// It drives the engine: networks, containers, images, and what is left of killed
// runs. The run itself is played in a container, the stage, by package inside; the
// two talk over the stage's standard streams, and so do the stage and the nodes, by
// way of this package. Nothing of this machine's is mounted or listened on, so the
// engine may be on another one. It is the only package that imports testcontainers, which
// takes long to start: binaries whose processes start often must not link it.
package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/moby/client"

	"deadair/harness/world/docker/inside"
)

// Host is a host of a run.
type Host struct {
	Name       string
	Datacenter string // where its container stands; none for a host that the stage plays
}

// Config is what a run needs. Those from Log on may be left out.
type Config struct {
	Dir      string          // where what the run leaves goes: history, logs, disks; must exist
	Plan     json.RawMessage // what the stage plays
	Hosts    []Host
	Programs []string          // of somebody else's that its nodes are
	Told     func(line []byte) // each line that the stage has for who started the run
	Log      *slog.Logger      // for people

	Hold  bool          // the plan is not played but held up for a person, until ctx ends
	Typed <-chan string // the person's lines for the stage; may be nil
}

// run is a run in progress.
type run struct {
	Config
	engine  *engine
	id      string // of eight letters
	harness string // who plays it
	images  map[string]string
	volume  string
	places  map[string]*place // by datacenter
	opening inside.Opening
	text    *os.File // what guards say for people
	stage   *wire
	nodes   map[string]*node
}

// Run plays a run in containers and returns when it has ended and all of it is
// removed. When ctx ends the run heals and ends early; the error then is ctx's cause.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &run{Config: cfg, places: map[string]*place{}, nodes: map[string]*node{}, opening: inside.Opening{Plan: cfg.Plan}}
	if cfg.Hold {
		r.opening.Hold = cfg.Dir
	}
	err := r.prepare(ctx)
	if err != nil {
		return err
	}
	defer r.engine.Close()
	defer r.text.Close()
	err = r.play(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx) // what it interrupted is no news
	}
	return errors.Join(err, r.clear(context.WithoutCancel(ctx)))
}

// prepare finds what the run needs. It makes nothing.
func (r *run) prepare(ctx context.Context) (err error) {
	var id [4]byte
	rand.Read(id[:])
	r.id = hex.EncodeToString(id[:])
	r.volume = "deadair-" + r.id
	if r.harness, err = self(); err != nil {
		return err
	}
	if r.engine, err = reach(ctx); err != nil {
		return err
	}
	if r.images, err = r.engine.images(ctx, r.Programs); err != nil {
		return errors.Join(err, r.engine.Close())
	}
	r.text, err = os.OpenFile(filepath.Join(r.Dir, "logs", "docker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return errors.Join(fmt.Errorf("open a log: %w", err), r.engine.Close())
	}
	return nil
}

// play makes all there is to make, lets the stage play, and takes home what it leaves.
func (r *run) play(ctx context.Context) error {
	if err := r.lay(ctx); err != nil {
		return err
	}
	if err := r.makeVolume(ctx); err != nil {
		return err
	}
	box, err := r.raise(ctx)
	if err != nil {
		return err
	}
	r.stage = &wire{box: box}
	obeying, stop := context.WithCancel(context.WithoutCancel(ctx)) // a run that is asked to end still orders its nodes about
	defer stop()
	made := r.makeNodes(ctx, obeying)
	defer func() { stop(); <-made }()

	if err := r.stage.say(inside.Opened(r.opening)); err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { r.stage.say(inside.Asked()) }) //nolint:errcheck // a stage that has ended needs no word
	defer release()
	go r.passOn(obeying)
	ended, err := r.listen()
	if err != nil {
		return err
	}
	r.dismiss()
	played := error(nil)
	switch {
	case ended.Stopped && ended.Err == "":
		played = context.Cause(ctx)
	case ended.Stopped:
		played = fmt.Errorf("%w: %s", context.Cause(ctx), ended.Err)
	case ended.Err != "":
		played = errors.New(ended.Err)
	}
	return errors.Join(played, r.takeHome(context.WithoutCancel(ctx), box))
}

func (r *run) makeVolume(ctx context.Context) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if _, err := r.engine.VolumeCreate(ctx, client.VolumeCreateOptions{Name: r.volume, Labels: r.labels()}); err != nil {
		return fmt.Errorf("make a volume: %w", err)
	}
	return nil
}

// passOn tells the stage what is typed.
func (r *run) passOn(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-r.Typed:
			r.stage.say(inside.Typed(line)) //nolint:errcheck // a stage that has ended needs no word
		}
	}
}

// raise starts the stage, in all networks.
func (r *run) raise(ctx context.Context) (*box, error) {
	home := r.places[between]
	b, err := r.make(ctx, order{name: "stage", image: nodeImage, args: []string{inside.StageArg}, place: home, at: home.at(stageByte), text: os.Stderr})
	if err != nil {
		return nil, err
	}
	for _, dc := range slices.Sorted(maps.Keys(r.places)) {
		if dc == between {
			continue
		}
		if err := r.join(ctx, r.places[dc], b.GetContainerID(), r.places[dc].at(stageByte)); err != nil {
			return nil, err
		}
	}
	if err := b.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the stage: %w", err)
	}
	return b, nil
}

// listen does what the stage says, until the run is over.
func (r *run) listen() (inside.End, error) {
	for {
		var m inside.Message
		if err := r.stage.box.out.Decode(&m); err != nil {
			return inside.End{}, r.lost(err)
		}
		switch end, line := m.Said(); {
		case end != nil:
			return *end, nil
		case line != nil:
			r.Told(line)
		case r.nodes[m.Node] != nil:
			r.nodes[m.Node].inbox <- m
		}
	}
}

// dismiss has the nodes' containers end by themselves, all at once, for no process runs in them
// any more. To remove one that runs takes the engine longest, and meanwhile there is something
// to take home.
func (r *run) dismiss() {
	for _, n := range r.nodes {
		select {
		case <-n.made:
		default:
			continue
		}
		if n.err == nil {
			_ = n.guard.wire.CloseWrite() // one that does not end is removed as it is
		}
	}
}

// lost tells why a stage says nothing any more.
func (r *run) lost(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), reachLimit)
	defer cancel()
	if _, down := r.engine.Ping(ctx, client.PingOptions{}); down != nil {
		return fmt.Errorf("%w (%w)", errLost, down)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the stage's container ended: logs/harness.log tells more")
	}
	return fmt.Errorf("hear the stage: %w", err)
}

// clear removes all that the run made.
func (r *run) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	all, err := r.engine.things(ctx, runLabel+"="+r.id)
	if err == nil {
		err = r.engine.remove(ctx, all)
	}
	if err != nil {
		return fmt.Errorf("clear up (deadair cleanup tries again): %w", err)
	}
	return nil
}
