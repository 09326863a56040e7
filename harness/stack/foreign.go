package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// foreign is what the templates of an adapter are given.
type foreign struct {
	Name       string // eu-west/balancer-1
	Datacenter string
	Listen     string // ip:port
	IP, Port   string
	Dir        string // its folder
	Sources    []foreignSource
	Recorders  []foreignRecorder // of a balancer, the nearest first
	Speed      float64           // divides its waits
}

// foreignSource is a show that will come.
type foreignSource struct{ Mount, Account, Password string }

// foreignRecorder is a recorder as a balancer of somebody else's reaches it.
type foreignRecorder struct {
	Name string // without what is no letter or digit
	Addr string // ip:port
	Near bool   // in the balancer's datacenter
}

// Wait is a length of incident time, such as "5m", in milliseconds of the server's clock.
func (f foreign) Wait(d string) (string, error) {
	length, err := time.ParseDuration(d)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%dms", max(1, int64(float64(length.Milliseconds())/f.Speed))), nil
}

// foreignNode is a node that is a server of somebody else's.
func (s *Stack) foreignNode(kind string, dc scenario.Datacenter, name string) (*world.Node, error) {
	f := foreign{Name: name, Datacenter: dc.Name, Speed: s.plan.Speed}
	for _, b := range s.plan.Broadcasters {
		f.Sources = append(f.Sources, foreignSource{b.Mount, b.Account, b.Password})
	}
	var dials []string
	if kind == kindBalancer {
		near := scenario.Nearness(dc.Place, s.plan.System.Datacenters)
		all := slices.Clone(s.plan.System.Datacenters)
		slices.SortStableFunc(all, func(a, b scenario.Datacenter) int { return slices.Index(near, a.Name) - slices.Index(near, b.Name) })
		for _, other := range all {
			for _, r := range recordersOf(other) {
				at := s.at(r, IngestPort)
				f.Recorders = append(f.Recorders, foreignRecorder{plainName(r), at, other.Name == dc.Name})
				dials = append(dials, at)
			}
		}
	}
	data, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kind, Config: data, Ports: []int{IngestPort}, Dials: dials}, nil
}

func plainName(node string) string { return strings.NewReplacer("/", "_", "-", "_").Replace(node) }

// adapted is an adapter as a program of the world.
func adapted(a scenario.Adapter) world.Program {
	return world.Program{
		Path:    a.Command[0],
		Args:    func(p world.Place) ([]string, error) { return arguments(a, p) },
		Settles: a.Settles,
		Ready: func(ctx context.Context, conn net.Conn) error {
			return answers(ctx, conn, a.Health)
		},
	}
}

// arguments writes a server's files and returns the arguments of its start.
func arguments(a scenario.Adapter, p world.Place) ([]string, error) {
	var f foreign
	if err := json.Unmarshal(p.Node.Config, &f); err != nil {
		return nil, fmt.Errorf("read its configuration: %w", err)
	}
	f.Listen, f.IP, f.Port, f.Dir = p.At.String(), p.At.Addr().String(), strconv.Itoa(int(p.At.Port())), p.Dir
	for i, r := range f.Recorders {
		f.Recorders[i].Addr = p.Reach[r.Addr]
	}
	for name, text := range a.Files {
		local, err := filepath.Localize(name)
		if err != nil {
			return nil, fmt.Errorf("file %q of %s: %w", name, a.File, err)
		}
		content, err := expand(text, f)
		if err == nil {
			err = os.WriteFile(filepath.Join(p.Dir, local), []byte(content), 0o644)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s of %s: %w", name, a.File, err)
		}
	}
	var args []string
	for _, arg := range a.Command[1:] {
		arg, err := expand(arg, f)
		if err != nil {
			return nil, fmt.Errorf("command of %s: %w", a.File, err)
		}
		args = append(args, arg)
	}
	return args, nil
}

func expand(text string, f foreign) (string, error) {
	t, err := template.New("adapter").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, f); err != nil {
		return "", err
	}
	return b.String(), nil
}

// CheckAdapter tells why an adapter's templates cannot be used.
func CheckAdapter(a scenario.Adapter) error {
	f := foreign{Speed: 1, Sources: []foreignSource{{}}, Recorders: []foreignRecorder{{}}}
	for _, text := range slices.Concat(a.Command, valuesOf(a.Files)) {
		if _, err := expand(text, f); err != nil {
			return fmt.Errorf("read adapter %s: %w", a.File, err)
		}
	}
	return nil
}

func valuesOf(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// answers asks for a path, and wants 200.
func answers(ctx context.Context, conn net.Conn, path string) error {
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+conn.RemoteAddr().String()+path, nil)
	if err != nil {
		return err
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return nil
}

// healthPath is where the checkers of DNS ask a balancer.
func (s *Stack) healthPath() string {
	if a := s.plan.ForeignOf(kindBalancer); a != nil {
		return a.Health
	}
	return "/health"
}
