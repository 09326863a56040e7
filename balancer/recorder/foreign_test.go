package recorder_test

import (
	"io/fs"
	"os"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/manifest"
)

// TestForeignDirectoriesAreLeftAlone when the recorder starts, even if they are empty:
// only what a recorder can have begun is removed.
func TestForeignDirectoriesAreLeftAlone(t *testing.T) {
	const made = "019a0c3f5e217d10c34bd9aa01ee"
	for name, c := range map[string]struct {
		dir, file, holds string // file: "" for none
		kept             bool
		errors           string // that the recorder counts
	}{
		"of the file system":       {"lost+found", "", "", true, "0"},
		"hidden":                   {".snapshots", "", "", true, "0"},
		"of the operator":          {"archive", "", "", true, "0"},
		"of the operator, in use":  {"archive", "2019.tar", "x", true, "1"},
		"hex, but no id":           {"019a0c3f5e21", "", "", true, "0"},
		"as long as an id":         {"archive-of-2019-and-of-2020-", "", "", true, "0"},
		"begun":                    {made, "", "", false, "0"},
		"begun, with a manifest":   {made, manifest.File, "", false, "0"},
		"begun, with a torn line":  {made, manifest.File, `{"type":"sess`, false, "0"},
		"with audio of who knows":  {made, "1-1.mp3", "x", true, "1"},
		"not an id, torn manifest": {"archive", manifest.File, `{"type":"sess`, true, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				m := g.disk.Mount()
				require.NoError(t, m.MkdirAll(c.dir))
				if c.file != "" {
					f, err := m.OpenFile(path.Join(c.dir, c.file), os.O_CREATE|os.O_WRONLY)
					require.NoError(t, err)
					_, err = f.Write([]byte(c.holds))
					require.NoError(t, err)
					require.NoError(t, f.Close())
				}
				m.Unmount()
				g.start()
				_, err := g.mount.Stat(path.Join(c.dir, c.file))
				if c.kept {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, fs.ErrNotExist)
				}
				_, metrics := g.admin("GET", "/metrics")
				require.Contains(t, metrics, "deadair_recorder_disk_errors_total "+c.errors+"\n")
			})
		})
	}
}
