//go:build !linux

package proc

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Settled cannot be told here.
func Settled(int, netip.AddrPort) bool { return true }

// Waited cannot be told here.
func Waited(int) (map[string]time.Duration, error) { return nil, errors.ErrUnsupported }

// look asks ps for a process' state letter and the second it began in.
func look(pid int) (state, began string, err error) {
	out, err := exec.Command("ps", "-o", "state=,lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", "", fmt.Errorf("ask ps for %d: %w", pid, err)
	}
	state, began, ok := strings.Cut(strings.TrimSpace(string(out)), " ")
	if !ok || state == "" {
		return "", "", fmt.Errorf("ask ps for %d: unknown form", pid)
	}
	return state[:1], strings.TrimSpace(began), nil
}
