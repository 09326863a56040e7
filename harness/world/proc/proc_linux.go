package proc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
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

// Waited tells how long each thread that a process has now has waited for a processor, since it
// began, while it could have run (sched-stats in the kernel's documentation). What a process that
// stands still misses is not waiting. A process that has ended has an error.
func Waited(pid int) (map[string]time.Duration, error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	all := make(map[string]time.Duration, len(threads))
	for _, t := range threads {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, t.Name()))
		if err != nil {
			continue // the thread has ended
		}
		waited, ok := parseSchedstat(stat)
		if !ok {
			return nil, fmt.Errorf("read how long thread %s waited: unknown form", t.Name())
		}
		all[t.Name()] = waited
	}
	return all, nil
}

// parseSchedstat finds the nanoseconds that a thread waited: the second of three numbers.
func parseSchedstat(stat []byte) (time.Duration, bool) {
	fields := strings.Fields(string(stat))
	if len(fields) != 3 {
		return 0, false
	}
	ns, err := strconv.ParseInt(fields[1], 10, 64)
	return time.Duration(ns), err == nil && ns >= 0
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
