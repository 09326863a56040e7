package scenario

import (
	"bytes"
	"flag"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

func TestDescribe(t *testing.T) {
	var b bytes.Buffer
	for _, v := range []string{"today", "bigger"} {
		require.NoError(t, Describe(&b, expand(t, v, "virtual", 1, 1)))
		b.WriteString("\n----\n")
	}
	golden(t, "testdata/describe.golden", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	if *update {
		require.NoError(t, os.WriteFile(name, got, 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestBounds(t *testing.T) {
	f := flood(t)
	f.System = SystemSpec{} // the preset
	p, err := Expand(f, "control", "virtual", 1, 1)
	require.NoError(t, err)
	p.Timing.Trip = 0
	ms := func(s float64) float64 { return math.Round(s*1000) / 1000 }
	seconds := func(b Bound) [2]float64 { return [2]float64{ms(b.Min().Seconds()), ms(b.Max().Seconds())} }
	require.Equal(t, [2]float64{ms(22), ms(33)}, seconds(p.OutOfAnswers(false)))
	require.Equal(t, [2]float64{ms(22), ms(51)}, seconds(p.OutOfAnswers(true)))
	require.Equal(t, [2]float64{ms(22), ms(39.5)}, seconds(p.BackInAnswers(false)))
	one := p.Broadcasters[4] // butt
	flush := p.Timing.Flush.Seconds()
	require.Equal(t, [2]float64{ms(1 - flush), ms(1.5 + flush + 0.144)}, seconds(p.Reconnect(one, false)))
	require.Equal(t, [2]float64{ms(1 - flush), ms(1.5 + flush + 0.144 + 2)}, seconds(p.Reconnect(one, true)), "claim, ask and dial deadlines")
	one.Resolver = "honest"
	require.Equal(t, [2]float64{ms(22 - flush), ms(33 + 10 + 0.2 + flush)}, seconds(p.Failover(one, false)))
	require.Equal(t, ms(51+10+0.2+2*130+flush), ms(p.Failover(one, true).Max().Seconds()), "an attempt lasts as long as the client lets it, at each of two silent balancers")
	one.Resolver = "clamp:300s"
	require.InDelta(t, 33+300+0.2+flush, p.Failover(one, false).Max().Seconds(), 0.001)
	one.Resolver = "pinned"
	require.InDelta(t, 33+10+0.2+flush, p.Failover(one, false).Max().Seconds(), 0.001, "a resolver that never forgets is not granted its habit")
	require.InDelta(t, 6+1.5+flush+0.144+2, p.Relayed(one).Max().Seconds(), 0.001)
	require.Equal(t, "4s = first retry 1s + admission 3s", Bound{{"a", -1, 0}, {"first retry", 0, time.Second}, {"admission", 0, 3 * time.Second}}.String())
}
