package deadair_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryRuleCanBreak shows each rule a file that breaks it, and its nearest
// neighbour that does not.
func TestEveryRuleCanBreak(t *testing.T) {
	imports := func(pkg string, paths ...string) string {
		return "package " + pkg + "\nimport _ \"" + strings.Join(paths, "\"\nimport _ \"") + "\"\n"
	}
	examples := []struct{ rule, path, src, goodPath, goodSrc string }{
		{
			"balancer stands alone",
			"balancer/fleet/x.go", imports("fleet", "deadair/fakes/disk"),
			"balancer/fleet/x_test.go", imports("fleet", "deadair/fakes/disk"),
		}, {
			"icecast is a leaf",
			"balancer/icecast/x.go", imports("icecast", "deadair/balancer/env"),
			"balancer/x.go", imports("balancer", "deadair/balancer/env"),
		}, {
			"audio is a leaf",
			"balancer/audio/x.go", imports("audio", "deadair/balancer/icecast"),
			"balancer/audio/x.go", imports("audio", "io"),
		}, {
			"fakes stand in for outsiders",
			"fakes/route53/x.go", imports("route53", "deadair/balancer"),
			"fakes/route53/x.go", imports("route53", "deadair/balancer/env", "deadair/balancer/icecast", "deadair/fakes/disk"),
		}, {
			"scenario is a leaf",
			"harness/scenario/x.go", imports("scenario", "deadair/harness/history"),
			"harness/fault/x.go", imports("fault", "deadair/harness/scenario"),
		}, {
			"history is a leaf",
			"harness/history/x.go", imports("history", "deadair/harness/scenario"),
			"harness/history/x.go", imports("history", "os"),
		}, {
			"check reads evidence only",
			"harness/check/x.go", imports("check", "deadair/harness/world"),
			"harness/check/x.go", imports("check", "deadair/harness/history"),
		}, {
			"reports draw verdicts only",
			"reports/x.go", imports("reports", "deadair/harness/stack"),
			"reports/x.go", imports("reports", "deadair/harness/check", "deadair/harness/history"),
		}, {
			"toxiproxy stays in links",
			"harness/fault/x.go", imports("fault", "github.com/Shopify/toxiproxy/v2/toxics"),
			"harness/world/link/x.go", imports("link", "github.com/Shopify/toxiproxy/v2/toxics"),
		}, {
			"testcontainers stays in docker",
			"harness/world/loopback/x.go", imports("loopback", "github.com/testcontainers/testcontainers-go"),
			"harness/world/docker/x.go", imports("docker", "github.com/testcontainers/testcontainers-go"),
		}, {
			"containers have a tool of their own",
			"cmd/deadair/x.go", imports("main", "deadair/harness/world/docker"),
			"cmd/deadair/x.go", imports("main", "deadair/harness/world/docker/inside"),
		}, {
			"virtual time has one door",
			"harness/stack/x.go", imports("stack", "testing/synctest"),
			"harness/stack/x_test.go", imports("stack", "testing/synctest"),
		}, {
			"testing stays in tests",
			"harness/world/virtual/x.go", imports("virtual", "testing"),
			"balancer/session/sessiontest/x.go", imports("sessiontest", "testing"),
		}, {
			"judging does no I/O",
			"reports/x.go", imports("reports", "net/http"),
			"reports/x.go", imports("reports", "net/url"),
		}, {
			"judging has no clock",
			"harness/scenario/x.go", "package scenario\nimport \"time\"\nvar x = time.Now()",
			"harness/scenario/x.go", "package scenario\nimport \"time\"\nvar x = time.Second",
		}, {
			"randomness is injected",
			"fakes/route53/x_test.go", "package route53\nimport \"math/rand/v2\"\nvar x = rand.IntN(2)",
			"fakes/route53/x_test.go", "package route53\nimport \"math/rand/v2\"\nvar x = rand.New(rand.NewPCG(1, 2)).IntN(2)",
		}, {
			"randomness is injected",
			"fakes/route53/x.go", imports("route53", "math/rand"),
			"fakes/route53/x.go", imports("route53", "crypto/rand"),
		}, {
			"nothing happens on import",
			"cmd/deadair/x.go", "package main\nfunc init() {}",
			"cmd/deadair/x.go", "package main\ntype t int\nfunc (t) init() {}",
		},
	}
	shown := map[string]bool{}
	for _, e := range examples {
		t.Run(e.rule, func(t *testing.T) {
			broken := check(parse(t, e.path, e.src), rules())
			require.Len(t, broken, 1)
			require.Contains(t, broken[0], "but "+e.rule+": ")
			require.Empty(t, check(parse(t, e.goodPath, e.goodSrc), rules()))
		})
		shown[e.rule] = true
	}
	for _, r := range rules() {
		require.True(t, shown[r.name], "no example breaks the rule that %s", r.name)
	}
}
