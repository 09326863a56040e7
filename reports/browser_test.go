package reports

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// pageFile is the page of a film with the scene's verdict.
func pageFile(t *testing.T, f *film) string {
	return saved(t, "report.html", func(b *bytes.Buffer) error {
		return WritePage(b, Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict(), Source: []byte("schema: 1\ntitle: x\n")}))
	})
}

// TestBrowserOpensABigPageFast: 10,000 events and more, in less than 2 MB and a second.
func TestBrowserOpensABigPageFast(t *testing.T) {
	c := newChrome(t)
	f := crowd(2500)
	es := f.history()
	require.Greater(t, len(es), 10_000)
	file := saved(t, "report.html", func(b *bytes.Buffer) error {
		return WritePage(b, Compute(Judged{Plan: f.plan, Events: es, Verdict: check.Judge(f.plan, es)}))
	})
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(2<<20))
	var took, worked []float64
	for range 5 {
		c.open(file, 1280)
		worked = append(worked, c.worked())
		took = append(took, ask[float64](c, `performance.getEntriesByType('navigation')[0].loadEventEnd`))
	}
	slices.Sort(took)
	slices.Sort(worked)
	t.Logf("%d events, %d bytes: open after %.0f ms, of which the page worked %.0f ms (least of 5)",
		len(es), info.Size(), took[0], worked[0]*1000)
	require.Positive(t, worked[0])
	require.Less(t, worked[0], 1.0, "seconds of work until the page is open")
	require.Positive(t, ask[int](c, `document.querySelectorAll('tr[id^="ev-"]').length`))
	c.quiet()
}

// TestBrowserKeepsNamesText, whatever they want to be.
func TestBrowserKeepsNamesText(t *testing.T) {
	c := newChrome(t)
	f := scene()
	for _, n := range hostile {
		f.plan.Broadcasters = append(f.plan.Broadcasters, scenario.Broadcaster{Name: n, Group: n, Persona: n, From: n, Bitrate: 8000, OnAir: 10 * time.Second, OffAir: f.plan.End})
		f.show(n, eu1)
		f.disk("eu-west/recorder-1", n, 10*time.Second, 40*time.Second)
		f.add(history.Event{At: minute, Node: n, Kind: history.Lost, Peer: n, Class: n})
		f.went(scenario.Step{ID: n, Do: n, Nodes: []string{n}, At: minute}, minute, 0)
	}
	f.plan.Title, f.plan.Scenario, f.plan.Variant = hostile[0], hostile[1], hostile[5]
	r := NewRun(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})
	r.Events, r.Dir, r.Date = 1, hostile[3], hostile[0]
	status := saved(t, "index.html", func(b *bytes.Buffer) error { return writeStatus(b, Summary{Runs: []Run{r}}) })
	for _, file := range []string{pageFile(t, f), status} {
		c.open(file, 1280)
		text := ask[string](c, `document.documentElement.textContent`)
		require.Contains(t, text, hostile[0])
		require.Zero(t, ask[int](c, `document.querySelectorAll('img, iframe, [onerror]').length`))
		require.Zero(t, ask[int](c, `[...document.links].filter(a => !/^file:/.test(a.href)).length`))
	}
	c.open(pageFile(t, f), 1280)
	c.run(chromedp.KeyEvent("/"), chromedp.KeyEvent("script"))
	c.until(`!!document.querySelector('#found tr')`)
	require.Contains(t, ask[string](c, `document.getElementById('found').textContent`), hostile[0])
	c.quiet()
}

// TestBrowserNeedsNoSideways: no page is wider than the screen.
func TestBrowserNeedsNoSideways(t *testing.T) {
	c := newChrome(t)
	a, b := pair()
	change := Compare(a, b)
	files := map[string]string{
		"run":     pageFile(t, scene()),
		"big run": saved(t, "report.html", func(w *bytes.Buffer) error { return WritePage(w, crowd(10_000).page()) }),
		"status":  saved(t, "index.html", func(w *bytes.Buffer) error { return WriteStatus(w, service(), &change) }),
		"compare": saved(t, "compare.html", func(w *bytes.Buffer) error { return WriteComparisonPage(w, change) }),
	}
	for name, file := range files {
		for _, width := range []int64{390, 1280} {
			c.open(file, width)
			require.LessOrEqual(t, ask[int64](c, `document.documentElement.scrollWidth`), width, "%s at %d", name, width)
		}
	}
	c.quiet()
}

// TestBrowserKeys go from finding to finding.
func TestBrowserKeys(t *testing.T) {
	c := newChrome(t)
	file := pageFile(t, scene())
	c.open(file, 1280)
	hash := func() string { return ask[string](c, `location.hash`) }
	all := ask[[]string](c, `[...document.querySelectorAll('[data-finding]')].map(f => '#' + f.id)`)
	require.Len(t, all, 2)
	for _, step := range []struct{ key, want string }{{"j", all[0]}, {"j", all[1]}, {"j", all[0]}, {"k", all[1]}, {"k", all[0]}, {"f", all[0]}} {
		c.run(chromedp.KeyEvent(step.key))
		require.Equal(t, step.want, hash(), "after %s", step.key)
	}
	require.Equal(t, all[0], ask[string](c, `'#' + document.activeElement.id`))
	c.run(chromedp.KeyEvent("/"))
	require.Equal(t, "search", ask[string](c, `document.activeElement.id`))
	c.run(chromedp.KeyEvent("j"))
	require.Equal(t, all[0], hash(), "who types is not sent away")
	c.quiet()
}

// TestBrowserFindsEveryEvent, also one that is not listed.
func TestBrowserFindsEveryEvent(t *testing.T) {
	c := newChrome(t)
	f := crowd(10_000)
	es := f.history()
	file := pageFile(t, f)
	c.open(file, 1280)
	hidden := -1
	for i := range es {
		if !ask[bool](c, fmt.Sprintf(`!!document.getElementById('ev-%d')`, i)) {
			hidden = i
			break
		}
	}
	require.Positive(t, hidden, "all are listed")
	c.run(chromedp.Navigate("about:blank"), chromedp.Navigate(fmt.Sprintf("file://%s#ev-%d", file, hidden)))
	c.until(fmt.Sprintf(`!!document.getElementById('ev-%d')`, hidden))
	require.Contains(t, ask[string](c, fmt.Sprintf(`document.getElementById('ev-%d').textContent`, hidden)), string(es[hidden].Kind))
}

// TestBrowserReadsWithoutScript all that there is to read.
func TestBrowserReadsWithoutScript(t *testing.T) {
	c := newChrome(t)
	call(c, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	c.open(pageFile(t, scene()), 1280)
	text := ask[string](c, `document.body.innerText`)
	require.Empty(t, ask[string](c, `document.documentElement.className`), "the script did not run")
	for _, want := range []string{"Failed as it did in 2014", "What happened", "Why", "Findings", "Recovery", "Blast radius", "0 of 9", "Spacetime"} {
		require.Contains(t, text, want)
	}
	for _, not := range []string{"copy", "Search the whole history", "keys:"} {
		require.NotContains(t, text, not, "what needs a script is not shown")
	}
	c.quiet()
}

// contrast is the least contrast of some texts with what is behind them.
const contrast = `(() => {
  const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const rgb = (s) => s.match(/[\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  let least = 21, who = '';
  for (const e of document.querySelectorAll('p, td, th, dd, dt, a, .badge, .soft, time, li, summary, .state')) {
    if (!e.offsetParent || !e.textContent.trim() || e.matches('.bar')) continue;
    const a = lum(rgb(getComputedStyle(e).color).slice(0, 3)), b = lum(behind(e));
    const r = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (r < least) { least = r; who = e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40); }
  }
  return least.toFixed(2) + ' ' + who;
})()`

// TestBrowserTextIsLegible, light and dark.
func TestBrowserTextIsLegible(t *testing.T) {
	c := newChrome(t)
	for _, scheme := range []string{"light", "dark"} {
		call(c, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		for _, file := range []string{pageFile(t, scene()), saved(t, "index.html", func(w *bytes.Buffer) error { return writeStatus(w, service()) })} {
			c.open(file, 1280)
			got := ask[string](c, contrast)
			var ratio float64
			_, err := fmt.Sscanf(got, "%f", &ratio)
			require.NoError(t, err)
			require.GreaterOrEqual(t, ratio, 4.5, "%s: %s", scheme, strings.TrimSpace(got))
		}
	}
	c.quiet()
}
