package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"deadair/harness/world/proc"
)

// Labels of all that a run makes.
const (
	runLabel     = "deadair.run"
	harnessLabel = "deadair.harness" // machine, pid and begin of who plays it
)

// atOnce is how many things the engine is asked to do at once. Each is several short processes,
// and where others want the processors too, few at a time get few of their turns.
const atOnce = 12

func (r *run) labels() map[string]string {
	return map[string]string{runLabel: r.id, harnessLabel: r.harness}
}

// self names this process so that it cannot be mistaken for another one.
func self() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this machine: %w", err)
	}
	p, ok := proc.Identify(os.Getpid())
	if !ok {
		return "", errors.New("this process cannot be identified")
	}
	return fmt.Sprintf("%s %d %s", name, p.PID, p.Began), nil
}

// thing is something that a run made and the engine has.
type thing struct {
	kind, id, name string
	run, harness   string
	runs           bool
}

// things lists what runs made: containers, then networks and volumes, which containers hold.
func (e *engine) things(ctx context.Context, label string) ([]thing, error) {
	filter := client.Filters{}.Add("label", label)
	var all []thing
	cs, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	for _, c := range cs.Items {
		name := strings.TrimPrefix(strings.Join(c.Names, " "), "/")
		all = append(all, thing{"container", c.ID, name, c.Labels[runLabel], c.Labels[harnessLabel], c.State == "running" || c.State == "paused"})
	}
	ns, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	for _, n := range ns.Items {
		all = append(all, thing{"network", n.ID, n.Name, n.Labels[runLabel], n.Labels[harnessLabel], false})
	}
	vs, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	for _, v := range vs.Items {
		all = append(all, thing{"volume", v.Name, v.Name, v.Labels[runLabel], v.Labels[harnessLabel], false})
	}
	return all, nil
}

// remove removes things, containers first. One that is gone already is no error.
func (e *engine) remove(ctx context.Context, all []thing) error {
	var mu sync.Mutex
	var errs []error
	for _, kinds := range [][]string{{"container"}, {"network", "volume"}} {
		var group errgroup.Group
		group.SetLimit(atOnce)
		for _, x := range all {
			if x.kind != kinds[0] && x.kind != kinds[len(kinds)-1] {
				continue
			}
			group.Go(func() error {
				if err := e.removeOne(ctx, x); err != nil && !errdefs.IsNotFound(err) {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, fmt.Errorf("remove %s %s: %w", x.kind, x.name, err))
				}
				return nil
			})
		}
		group.Wait() //nolint:errcheck // the functions return none
	}
	return errors.Join(errs...)
}

func (e *engine) removeOne(ctx context.Context, x thing) (err error) {
	switch x.kind {
	case "container":
		_, err = e.ContainerRemove(ctx, x.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	case "network":
		_, err = e.NetworkRemove(ctx, x.id, client.NetworkRemoveOptions{})
	case "volume":
		_, err = e.VolumeRemove(ctx, x.id, client.VolumeRemoveOptions{Force: true})
	}
	return err
}

// Cleanup removes what killed runs left in the engine and tells what it did, one
// sentence each. Runs that live are left alone. Where no engine answers there is
// nothing to remove.
func Cleanup(ctx context.Context) (report []string, err error) {
	e, err := reach(ctx)
	if err != nil {
		return nil, nil
	}
	defer e.Close()
	all, err := e.things(ctx, runLabel)
	if err != nil {
		return nil, err
	}
	machine, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name this machine: %w", err)
	}
	runs := map[string][]thing{}
	var order []string
	for _, x := range all {
		if runs[x.run] == nil {
			order = append(order, x.run)
		}
		runs[x.run] = append(runs[x.run], x)
	}
	var errs []error
	for _, id := range order {
		if who := alive(runs[id], machine); who != "" {
			report = append(report, fmt.Sprintf("left alone: the run of %s is alive", who))
			continue
		}
		if err := e.remove(ctx, runs[id]); err != nil {
			errs = append(errs, err)
			continue
		}
		report = append(report, "removed "+counted(runs[id])+" of a run")
	}
	return report, errors.Join(errs...)
}

// alive names who plays the run that things belong to, if that process lives. What
// is played on another machine is taken to live as long as a container runs, for those end with it.
func alive(all []thing, machine string) string {
	var at string
	var p proc.Process
	if _, err := fmt.Sscan(all[0].harness, &at, &p.PID, &p.Began); err != nil {
		return ""
	}
	if at == machine {
		if p.Runs() {
			return fmt.Sprintf("process %d", p.PID)
		}
		return ""
	}
	for _, x := range all {
		if x.runs {
			return fmt.Sprintf("process %d on %s", p.PID, at)
		}
	}
	return ""
}

// counted tells how many things of each kind there are.
func counted(all []thing) string {
	var parts []string
	for _, kind := range []string{"container", "network", "volume"} {
		n := 0
		for _, x := range all {
			if x.kind == kind {
				n++
			}
		}
		if n == 1 {
			parts = append(parts, "1 "+kind)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, kind))
		}
	}
	return strings.Join(parts, ", ")
}
