package stack

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// example is an adapter of the repository.
func example(t *testing.T, kind, name string) scenario.Adapter {
	t.Helper()
	file := filepath.Join("..", "..", "adapters", name+".yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), 60, "an adapter is small")
	a, err := scenario.ParseAdapter(kind, file, text)
	require.NoError(t, err)
	require.NoError(t, CheckAdapter(a))
	return a
}

func TestAdaptersAreFilledIn(t *testing.T) {
	conf, err := json.Marshal(foreign{
		Name: "eu-west/balancer-1", Speed: 10, Sources: []foreignSource{{"/rome-1", "rome", "secret"}},
		Recorders: []foreignRecorder{{"eu_west_recorder_1", "127.9.0.1:8000", true}, {"us_east_recorder_1", "127.9.0.2:8000", false}},
	})
	require.NoError(t, err)
	place := world.Place{
		Node: world.Node{Name: "eu-west/balancer-1", Config: conf}, At: netip.MustParseAddrPort("127.0.0.1:4711"), Dir: t.TempDir(),
		Reach: map[string]string{"127.9.0.1:8000": "127.9.100.1:8000", "127.9.0.2:8000": "127.9.100.2:8000"},
	}
	args, err := arguments(example(t, "balancer", "haproxy"), place)
	require.NoError(t, err)
	require.Equal(t, []string{"-db", "-f", place.Dir + "/haproxy.cfg"}, args)
	text, err := os.ReadFile(filepath.Join(place.Dir, "haproxy.cfg"))
	require.NoError(t, err)
	require.Contains(t, string(text), "bind 127.0.0.1:4711\n")
	require.Contains(t, string(text), "server eu_west_recorder_1 127.9.100.1:8000 check inter 200ms fall 3 rise 2\n")
	require.Contains(t, string(text), "server us_east_recorder_1 127.9.100.2:8000 check inter 200ms fall 3 rise 2 backup\n")

	_, err = arguments(example(t, "recorder", "icecast"), place)
	require.NoError(t, err)
	text, err = os.ReadFile(filepath.Join(place.Dir, "icecast.xml"))
	require.NoError(t, err)
	require.Contains(t, string(text), "<mount-name>/rome-1</mount-name><username>rome</username><password>secret</password>")

	bad := scenario.Adapter{File: "x.yaml", Command: []string{"x", "{{.Lisen}}"}}
	require.ErrorContains(t, CheckAdapter(bad), "read adapter x.yaml: ")
	bad = scenario.Adapter{File: "x.yaml", Files: map[string]string{"../x": ""}}
	_, err = arguments(bad, place)
	require.ErrorContains(t, err, `file "../x" of x.yaml`)
}
