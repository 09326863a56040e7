package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// mailed is a valid file with mails; tests append to it.
const mailed = minimal + "system: {store: {in: us-east}, mail: {in: us-west}}\n"

func TestMails(t *testing.T) {
	p := planOf(t, mailed+`timeline:
  - {at: 1m, mail: blank, for: 1m}
  - {at: 3m, mail: reply-lost, for: 1m}
  - {at: 5m, kill: mail, for: 1m}
  - {at: 7m, cut: {from: us-east, to: mail}}
expect: [{notice-sent: {within: 1m}}]
variants:
  today: {system: {mail: {in: us-east}}, verdict: pass}
`)
	require.Equal(t, "us-east", p.System.Singles()["mail"])
	require.Len(t, p.Steps[0].Nodes, 9, "what is written is the recorders'")
	require.Contains(t, p.Steps[0].Nodes, "us-west/recorder-3")
	require.Equal(t, "mail fails: blank, for 1m0s", p.Steps[0].Sentence())
	for _, s := range p.Steps[1:3] {
		require.Equal(t, []string{"mail"}, s.Nodes)
	}
	require.Contains(t, p.Steps[3].From, "mail", "it stands there")
	require.Equal(t, []string{"mail"}, p.Affects)
}

func TestMailsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nowhere":          {minimal + "system: {store: {in: us-east}, mail: {in: us-est}}\n", `x.yaml:5:43: unknown datacenter "us-est" (did you mean "us-east"?)`},
		"nothing to tell":  {minimal + "system: {mail: {in: us-east}}\n", `x.yaml:5:16: there is nothing to tell of: give the system a store`},
		"no mail to fail":  {minimal + "timeline: [{at: 1m, mail: blank}]\n", `x.yaml:5:12: there is no mail to fail: give the system a relay`},
		"another fault":    {mailed + "timeline: [{at: 1m, mail: blnk}]\n", `x.yaml:6:27: mails do not fail by "blnk" (did you mean "blank"?)`},
		"a group's name":   {minimal + "visitors: [{name: mail, from: Rome}]\n", `"mail" is no name for a group`},
		"no limit":         {mailed + "expect: [notice-sent]\n", `notice-sent needs "within"`},
		"limit of a blank": {mailed + "expect: [{no-blank-mail: {within: 1m}}]\n", `no-blank-mail does not take "within"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}
