package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWaysToSpeak(t *testing.T) {
	text := strings.NewReplacer("website: 4", "floor: ssl3", "every: 5s", "speak: 1.3", "ask: api", "ask: ingest, speak: ssl3").Replace(visited) + `timeline:
  - {at: 1m, harden: {nodes: "*/web-*", floor: 1.1}}
expect: [tls-floor]
variants:
  today: {verdict: pass}
  later: {system: {web: {floor: 1.2}}, verdict: pass}
`
	p := planOf(t, text)
	require.Equal(t, "ssl3", p.System.Web.Floor)
	require.Equal(t, "1.3", p.Visitors[0].Speak)
	require.Equal(t, "ingest.deadair.test", p.Visitors[3].Site)
	require.True(t, p.Secure(), "somebody asks the ingest for it")
	require.Equal(t, "eu-west/web-1 eu-west/web-2 agrees to nothing older than TLS 1.1", p.Steps[0].Sentence())

	p = planOf(t, strings.Replace(text, "ask: ingest, speak: ssl3", "ask: ingest", 1))
	require.False(t, p.Secure())
}

func TestBelowTheFloor(t *testing.T) {
	for how, below := range map[string]bool{"ssl3": true, "1.0": true, "1.1": true, "1.2": false, "1.3": false} {
		require.Equal(t, below, Below(how), how)
	}
}
