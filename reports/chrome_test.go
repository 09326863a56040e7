package reports

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserMode is the variable that says whether a browser must be there: "required"
// or "off"; otherwise these tests are skipped where none is installed.
const browserMode = "DEADAIR_BROWSER"

// chrome is a browser for one test.
type chrome struct {
	t   *testing.T
	ctx context.Context

	mu   sync.Mutex // guards both
	sent []string   // requests for anything but the page itself
	said []string   // errors of the page, and dialogs that it opened
}

// newChrome starts a browser, which ends with the test.
func newChrome(t *testing.T) *chrome {
	t.Helper()
	mode := os.Getenv(browserMode)
	if mode == "off" {
		t.Skip(browserMode + " is off")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		require.NotEqual(t, "required", mode, "no Chromium is installed")
		t.Skip("no Chromium is installed")
	}
	c := &chrome{t: t}
	var end context.CancelFunc
	c.ctx, end = chromedp.NewContext(t.Context(), chromedp.WithListener(c.listen),
		chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(time.Minute)))
	t.Cleanup(end)
	require.NoError(t, chromedp.Do(c.ctx))
	call(c, network.Enable, network.EnableParams{})
	call(c, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	return c
}

// listen notes what a page must not do.
func (c *chrome) listen(ev any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(ev.Request.URL, "file:") && !strings.HasPrefix(ev.Request.URL, "blob:") {
			c.sent = append(c.sent, ev.Request.URL)
		}
	case *page.EventJavascriptDialogOpening:
		c.said = append(c.said, "dialog: "+ev.Message)
	case *runtime.EventExceptionThrown:
		c.said = append(c.said, ev.ExceptionDetails.Text)
	}
}

// run does steps, each within a time that even a busy machine needs.
func (c *chrome) run(steps ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.ctx, time.Minute)
	defer stop()
	require.NoError(c.t, chromedp.Do(ctx, steps...))
}

// call gives the page a command of the protocol.
func call[P, R any](c *chrome, cmd cdp.Command[P, R], params P) {
	c.t.Helper()
	c.run(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, cmd, params)
		return err
	}))
}

// open shows a page at a width.
func (c *chrome) open(file string, width int64) {
	c.t.Helper()
	c.run(chromedp.EmulateViewport(width, 900), chromedp.Navigate("file://"+file))
}

// worked tells the CPU seconds that the page's main thread has used so far. It is where a page
// without images and scripts of others spends its time, and a busy machine, which makes
// everything take longer, adds nothing to it.
func (c *chrome) worked() float64 {
	c.t.Helper()
	var metrics []*performance.Metric
	c.run(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		r, err := cdp.Call(ctx, tab, performance.GetMetrics, cdp.Empty{})
		metrics = r.Metrics
		return err
	}))
	for _, m := range metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	require.Fail(c.t, "Chromium does not tell TaskDuration")
	return 0
}

// ask evaluates an expression in the page.
func ask[V any](c *chrome, expression string) V {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[V](expression))
	require.NoError(c.t, err)
	return v
}

// until waits for an expression to hold in the page.
func (c *chrome) until(expression string) {
	c.t.Helper()
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Minute)))
	require.NoError(c.t, err, "%s", expression)
}

// quiet tells that no request left and nothing went wrong in the page.
func (c *chrome) quiet() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(c.t, c.sent, "a request left the page")
	require.Empty(c.t, c.said)
}

// saved writes a page to a file of its own.
func saved(t *testing.T, name string, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}
