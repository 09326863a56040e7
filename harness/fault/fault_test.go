package fault

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/mail"
	fake "deadair/fakes/redis"
	"deadair/harness/scenario"
)

func TestTableIsTheOneOfScenarios(t *testing.T) {
	require.Equal(t, scenario.FaultNames(), slices.Sorted(maps.Keys(Table())))
}

// TestFaultsOfMail: what a scenario may ask of the relay is what it can do, and a blank
// template has a subject alone.
func TestFaultsOfMail(t *testing.T) {
	var names []string
	for _, f := range mail.Faults() {
		names = append(names, string(f))
	}
	require.ElementsMatch(t, scenario.MailFaults(), append(names, scenario.BlankMail))
	tmpl, err := template.New("").Parse(blankTemplate)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, tmpl.Execute(&out, nil))
	require.Equal(t, "Subject: Your show", strings.TrimSpace(out.String()))
}

// TestAnswersOfRedis: what a scenario may ask of Redis the fake can do, and a
// server all but what a plan refuses it.
func TestAnswersOfRedis(t *testing.T) {
	r, err := fake.New(fake.Config{}, env.Env{})
	require.NoError(t, err)
	for _, answer := range scenario.RedisAnswers() {
		require.NoError(t, r.SetAnswer(fake.Answer(answer)))
		_, err := illnessOf(scenario.RedisEmbedded, answer)
		require.NoError(t, err)
		p := &scenario.Plan{World: "loopback", Steps: []scenario.Step{{Do: "redis", Nodes: []string{"redis"}, Answer: answer}}}
		_, err = illnessOf(scenario.RedisServer, answer)
		require.Equal(t, p.UseRedis(scenario.RedisServer) == nil, err == nil, "%s: %v", answer, err)
		_, err = illnessOf(scenario.RedisForeign, answer)
		require.Error(t, err)
	}
}
