package reports

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSystemsStandSideBySide(t *testing.T) {
	ours := Run{Scenario: "film", Variant: "today", World: "loopback", Expected: "pass", Verdict: "pass", AsExpected: true, Events: 9, Dir: "film/today.loopback"}
	ours.Properties = []Property{{Name: "dead-air", Verdict: "pass"}, {Name: "sticky-reconnect", Verdict: "pass"}}
	theirs := ours
	theirs.Foreign, theirs.Verdict, theirs.AsExpected, theirs.Dir = "HAProxy + Icecast", "fail", false, "film/today.loopback.haproxy-icecast"
	theirs.Properties = []Property{{Name: "sticky-reconnect", Verdict: "fail", Sentence: "rome-1 came back to another recorder."}}
	s := Summary{Runs: []Run{ours}, Foreign: []Run{theirs}}

	all := beside(s)
	require.Len(t, all, 1)
	require.Equal(t, []string{"", "HAProxy + Icecast"}, []string{all[0].Columns[0].Name, all[0].Columns[1].Name})
	require.Equal(t, []systemRow{
		{"dead-air", []systemCell{{Verdict: "pass", Class: "good", Sign: "✓"}, {}}},
		{"sticky-reconnect", []systemCell{{Verdict: "pass", Class: "good", Sign: "✓"}, {"fail", "bad", "✗", "rome-1 came back to another recorder."}}},
	}, all[0].Rows)

	var page bytes.Buffer
	require.NoError(t, WriteStatus(&page, s, nil))
	require.Contains(t, page.String(), "Systems side by side")
	require.Contains(t, page.String(), "rome-1 came back to another recorder.")
	require.Contains(t, page.String(), `href="film/today.loopback.haproxy-icecast/report.html"`)

	page.Reset()
	require.NoError(t, WriteStatus(&page, Summary{Runs: []Run{ours}}, nil))
	require.NotContains(t, page.String(), "Systems side by side")
	require.Empty(t, beside(Summary{Runs: []Run{ours}}))
}
