package proc

import (
	"bytes"
	"fmt"
	"os"
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
