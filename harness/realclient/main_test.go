//go:build linux

package realclient_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// inParallel is how many worlds stand at once. Their clients mostly wait.
const inParallel = "12"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", inParallel); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// TestRealClients has every client meet every fault, and logs a line for each.
func TestRealClients(t *testing.T) {
	need(t, "ip", "ss", "nsenter", "unshare", "mount", "ffmpeg")
	bin, media := build(t), sounds(t)
	certify(t, bin)
	results, stage := &table{}, newStage(t)
	t.Cleanup(func() {
		results.log(t)
		if n := int(stage.unclear.Load()); n*10 > len(results.rows) {
			t.Errorf("%d of %d prove nothing: this machine is too busy", n, len(results.rows))
		}
	})
	for _, c := range clients() {
		for _, f := range faults() {
			row := results.add(c, f)
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				row.outcome = "skipped"
				need(t, c.program)
				stage.meet(t, func(t testing.TB) {
					row.begin()
					play(t, row, newWorld(t, bin, 0), c, f, media)
				}, func(why string) { row.outcome = why })
			})
		}
	}
}

// need skips the test where something is missing, or fails it where that must not be.
func need(t *testing.T, commands ...string) {
	t.Helper()
	const variable = "DEADAIR_REAL_CLIENTS"
	mode := os.Getenv(variable)
	if mode == "off" {
		t.Skip(variable + "=off")
	}
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	} else if s, err := newSpace(); err != nil {
		missing = append(missing, fmt.Sprintf("network namespaces (%v)", err))
	} else {
		s.file.Close()
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			missing = append(missing, c)
		}
	}
	switch {
	case len(missing) == 0:
	case mode == "required":
		t.Fatalf("missing: %s, and %s=required", strings.Join(missing, ", "), variable)
	default:
		t.Skipf("missing: %s", strings.Join(missing, ", "))
	}
}

// build builds the servers and returns where they are.
func build(t *testing.T) (dir string) {
	dir = t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir, "deadair/cmd/balancer", "deadair/cmd/recorder").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// sounds makes what clients play that cannot make sound: short tracks with titles for
// ezstream, long ones for ices2, which begins the next after a loss.
func sounds(t *testing.T) (dir string) {
	dir = t.TempDir()
	var list []string
	record := func(name string, options ...string) string {
		path := filepath.Join(dir, name)
		argv := slices.Concat([]string{"-nostdin", "-v", "error"}, options, []string{path})
		out, err := exec.Command("ffmpeg", argv...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return path
	}
	write := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(list, "\n")+"\n"), 0o644))
		list = nil
	}
	sound := record("sound.mp3", append(noise(), "-t", "4", "-c:a", "libmp3lame", "-b:a", "128k")...)
	for i := range 12 { // none comes twice while a test waits
		title := fmt.Sprintf("Track %d", i+1)
		list = append(list, record(title+".mp3", "-i", sound, "-c", "copy", "-metadata", "artist=Ann", "-metadata", "title="+title))
	}
	write("tracks.m3u")
	for i := range 3 {
		list = append(list, record(fmt.Sprintf("long-%d.ogg", i+1), append(noise(), "-t", "30", "-c:a", "libvorbis", "-q:a", "3")...))
	}
	write("tracks.txt")
	return dir
}
