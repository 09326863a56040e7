//go:build linux

package realclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"deadair/balancer/env"
)

// space is a network namespace without a name. It lives as long as its descriptor and
// the processes in it, so whatever ends the test leaves nothing behind.
type space struct{ file *os.File }

func newSpace() (space, error) {
	var s space
	err := onThread(func() error {
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			s.file, err = os.Open("/proc/thread-self/ns/net")
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("make a network namespace: %w", err)
	}
	return s, nil
}

// onThread runs f on a thread whose network namespace f may change.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		err = f()
		back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET)
		if back == nil {
			runtime.UnlockOSThread() // otherwise the thread ends with this goroutine
		}
		done <- errors.Join(err, back)
	}()
	return <-done
}

// do runs f inside. Sockets that f opens stay there.
func (s space) do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// inhabitants are the processes inside.
func (s space) inhabitants() (pids []string) {
	here, err := s.file.Stat()
	if err != nil {
		return nil
	}
	paths, _ := filepath.Glob("/proc/[0-9]*/ns/net") // the pattern is good
	for _, path := range paths {
		if there, err := os.Stat(path); err == nil && os.SameFile(here, there) {
			pids = append(pids, strings.Split(path, "/")[2])
		}
	}
	return pids
}

// path is where other programs find the namespace.
func (s space) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), s.file.Fd()) }

// command is a program inside.
func (s space) command(argv ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=" + s.path()}, argv...)...)
}

// run runs a program inside and returns what it said.
func (s space) run(stdin string, argv ...string) (string, error) {
	cmd := s.command(argv...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return string(out), nil
}

// env is the world of a fake that stands inside.
func (s space) env(host, dir string) env.Env {
	e := env.System(host, dir, nil)
	listen, packet, dial := e.Listen, e.ListenPacket, e.DialContext
	e.Listen = func(ctx context.Context, network, addr string) (l net.Listener, err error) {
		err = s.do(func() error { l, err = listen(ctx, network, addr); return err })
		return l, err
	}
	e.ListenPacket = func(ctx context.Context, network, addr string) (p net.PacketConn, err error) {
		err = s.do(func() error { p, err = packet(ctx, network, addr); return err })
		return p, err
	}
	e.DialContext = func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = s.do(func() error { c, err = dial(ctx, network, addr); return err })
		return c, err
	}
	return e
}

// join connects the servers' namespace with the client's.
func join(servers, client space) error {
	var b strings.Builder
	fmt.Fprintf(&b, "link set lo up\nlink add line type veth peer name line netns %s\n", client.path())
	for _, addr := range append([]string{gateway}, balancerAddrs()...) {
		fmt.Fprintf(&b, "addr add %s/24 dev line\n", addr)
	}
	b.WriteString("link set line up\n")
	if _, err := servers.run(b.String(), "ip", "-batch", "-"); err != nil {
		return err
	}
	_, err := client.run(fmt.Sprintf("link set lo up\naddr add %s/24 dev line\nlink set line up\nroute add default via %s\n", home, gateway), "ip", "-batch", "-")
	return err
}
