package suite

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"deadair/reports"
)

// toxiproxyPath is the library whose toxics break links on real sockets.
const toxiproxyPath = "github.com/Shopify/toxiproxy/v2"

// Environment tells what this program is and on what it runs. What a system does
// not tell stays empty.
func Environment() reports.Environment {
	e := reports.Environment{
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Kernel: firstLine("/proc/sys/kernel/osrelease"), CPU: model(), LoadBefore: load(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return e
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			e.Commit = s.Value
		case "vcs.modified":
			e.Changed = s.Value == "true"
		}
	}
	for _, d := range info.Deps {
		if d.Path == toxiproxyPath {
			e.Toxiproxy = d.Version
		}
	}
	return e
}

// load is how many processes were runnable on average of the last minute.
func load() float64 {
	first, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0 // this system does not tell
	}
	return n
}

// model is the processor's name.
func model() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(first)
}
