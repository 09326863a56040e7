package notice

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/disk"
)

func TestReadable(t *testing.T) {
	n := Notice{Session: "s1", Mount: "/rome", Account: "anna", Tracks: []Track{{Key: "s1.mp3"}, {Key: "s1-2.ogg"}}}
	good := Mail{Subject: "Your show is ready", Text: "Your show /rome is in s1.mp3 and s1-2.ogg."}
	require.NoError(t, Readable(good, n))
	for name, c := range map[string]struct {
		change func(*Mail)
		want   string
	}{
		"nothing":          {func(m *Mail) { *m = Mail{} }, "its text is blank"},
		"white space":      {func(m *Mail) { m.Text = strings.Repeat(" \t\u00a0\u200b\n", 100) }, "its text is blank"},
		"rules and dashes": {func(m *Mail) { m.Text = strings.Repeat("-- ~~ __\n", 50) }, "its text is blank"},
		"no subject":       {func(m *Mail) { m.Subject = " " }, "its subject is blank"},
		"a hole":           {func(m *Mail) { m.Text += " It is <no value> long." }, "a hole"},
		"another show":     {func(m *Mail) { m.Text = strings.ReplaceAll(m.Text, "/rome", "/paris") }, "does not name the show"},
		"half of it":       {func(m *Mail) { m.Text = strings.ReplaceAll(m.Text, "s1-2.ogg", "") }, "does not tell of s1-2.ogg"},
	} {
		t.Run(name, func(t *testing.T) {
			m := good
			c.change(&m)
			require.ErrorContains(t, Readable(m, n), c.want)
		})
	}
}

func TestTemplates(t *testing.T) {
	c := Config{Domain: "deadair.test"}
	n := Notice{Session: "s1", Mount: "/rome", Account: "anna@example.org"}
	for _, e := range []struct{ text, subject, body string }{
		{"Subject: Über {{.Mount}}\n\nText", "Über /rome", "Text\n"},
		{"Text without one", "", "Text without one\n"},
		{"Subject: x", "x", "\n"},
		{"", "Your show /rome is ready", "Hello anna@example.org,\n\nyour show /rome is over, and this is its recording:\n\nIt stays there until you remove it.\n"},
	} {
		tmpl, err := parse(e.text)
		require.NoError(t, err)
		m, err := c.write(tmpl, n)
		require.NoError(t, err)
		require.Equal(t, Mail{ID: "s1@deadair.test", To: "anna@example.org", Subject: e.subject, Text: e.body}, m)
	}
	_, err := parse("{{if}}")
	require.ErrorContains(t, err, "read the notices' template")
	for _, bad := range []string{"{{.Nothing}}", "{{range $i, $x := .Session}}{{end}}" + strings.Repeat("x", maxText+1)} {
		tmpl, err := parse(bad)
		require.NoError(t, err)
		_, err = c.write(tmpl, n)
		require.ErrorContains(t, err, "write notice")
	}
}

// TestIDFollowsFromTheSession alone, and fits into a header whatever the session is.
func TestIDFollowsFromTheSession(t *testing.T) {
	c := Config{Domain: "deadair.test"}
	require.Equal(t, "0198c0de-7a@deadair.test", c.id("0198c0de-7a"))
	for _, hostile := range []string{"", "a b", "a>\r\nBcc: all", "ä", strings.Repeat("x", 65)} {
		require.Regexp(t, `^[0-9a-f]{32}@deadair\.test$`, c.id(hostile))
		require.Equal(t, c.id(hostile), c.id(hostile))
	}
}

// TestShorteningSurvivesDeath: a file that is put into the place of another one is one of
// both, whole, and goes on.
func TestShorteningSurvivesDeath(t *testing.T) {
	old := []line{{Over: "s1", How: sent}, {Over: "s2", How: sent}, {Due: &Notice{Session: "s3"}}}
	for step := 1; ; step++ {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		j := journal{disk: d.Mount()}
		for _, l := range old {
			require.NoError(t, j.add(l))
		}
		mounted := d.MountFor(step)
		j.disk = mounted
		died := j.rewrite(old[1:])
		mounted.Unmount()
		if step%2 == 0 {
			d.PowerCut()
		}
		j.disk = d.Mount() // whoever lives on after trouble goes on, as does whoever comes next
		next := line{Over: "s3", How: refused}
		require.NoError(t, j.add(next))
		j = journal{disk: d.Mount()}
		lines, err := j.read()
		require.NoError(t, err)
		require.Contains(t, [][]line{append(old[:3:3], next), append(old[1:3:3], next)}, lines, "step %d", step)
		if died == nil {
			return
		}
	}
}

// nameless is a disk that does not make the next name durable.
type nameless struct {
	env.Disk
	fails int
}

func (d *nameless) SyncDir(dir string) error {
	if d.fails > 0 {
		d.fails--
		return syscall.EIO
	}
	return d.Disk.SyncDir(dir)
}

// TestNewNameThatIsNotDurable is made so before anything is said to be.
func TestNewNameThatIsNotDurable(t *testing.T) {
	d, err := disk.New(disk.Config{})
	require.NoError(t, err)
	one := line{Over: "a session with a long name", How: sent}
	disk := &nameless{Disk: d.Mount()}
	j := journal{disk: disk}
	require.NoError(t, j.add(one))
	require.NoError(t, j.add(one))
	disk.fails = 1
	short := []line{{Over: "s1", How: sent}}
	require.ErrorIs(t, j.rewrite(short), syscall.EIO)
	require.NoError(t, j.add(one))
	d.PowerCut()
	j = journal{disk: d.Mount()}
	lines, err := j.read()
	require.NoError(t, err)
	require.Equal(t, append(short, one), lines)
}

// FuzzJournal: whatever is in the file, what is read can be written and is read again.
func FuzzJournal(f *testing.F) {
	f.Add(`{"due":{"session":"s1"}}` + "\n" + `{"over":"s1","how":"sent"}` + "\n")
	f.Add(`{"due":{"session":"s1"}}` + "\n" + `{"over":`)
	f.Add("\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		file, err := d.Mount().OpenFile(File, os.O_CREATE|os.O_WRONLY)
		require.NoError(t, err)
		_, err = file.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		j := journal{disk: d.Mount()}
		before, err := j.read()
		require.NoError(t, err)
		require.NoError(t, j.add(line{Over: "s2", How: sent}))
		after, err := j.read()
		require.NoError(t, err)
		require.Equal(t, append(before, line{Over: "s2", How: sent}), after)
		require.NoError(t, j.rewrite(after[len(before):]))
		short, err := j.read()
		require.NoError(t, err)
		require.Len(t, short, 1)
	})
}
