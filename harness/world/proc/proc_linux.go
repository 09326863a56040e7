package proc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// look reads a process' state letter and its begin: the boot's id and the clock ticks since then.
func look(pid int) (state, began string, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", err
	}
	state, ticks, ok := parseStat(stat)
	if !ok {
		return "", "", fmt.Errorf("read /proc/%d/stat: unknown form", pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", "", err
	}
	return state, strings.TrimSpace(string(boot)) + "/" + ticks, nil
}

// Settled tells whether somebody listens at an IPv4 address while all threads of a process wait.
func Settled(pid int, at netip.AddrPort) bool {
	sockets, err := os.ReadFile("/proc/net/tcp")
	if err != nil || !listens(sockets, at) {
		return false
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, t := range threads {
		stat, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		if state, _, ok := parseStat(stat); !ok || state != "S" {
			return false
		}
	}
	return true
}

// listens tells whether a table of sockets, as the kernel writes it (proc_net_tcp in its
// documentation), has one that listens at an IPv4 address, of its own or of all.
func listens(sockets []byte, at netip.AddrPort) bool {
	ip := at.Addr().As4()
	own := fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), at.Port())
	all := fmt.Sprintf("%08X:%04X", 0, at.Port())
	for line := range strings.Lines(string(sockets)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[3] == "0A" && (fields[1] == own || fields[1] == all) {
			return true
		}
	}
	return false
}

// parseStat finds the state letter (field 3) and the begin (field 22) of a process.
func parseStat(stat []byte) (state, ticks string, ok bool) {
	// The second field is the program's name in parentheses, which may contain anything.
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if end < 0 || len(fields) < 20 {
		return "", "", false
	}
	return fields[0], fields[19], true
}
