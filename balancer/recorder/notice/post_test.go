package notice_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/balancer/recorder/notice"
	"deadair/fakes/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blank is a template that writes nothing.
const blank = "Subject: Your show\n\n{{/* the text is somewhere else */}}"

// relay takes mails, unless it fails.
type relay struct {
	mails []notice.Mail
	fails int // how often, from now on
	err   error
	after func() // once a mail is taken
}

func (r *relay) Send(_ context.Context, m notice.Mail) error {
	if r.fails > 0 {
		r.fails--
		return r.err
	}
	r.mails = append(r.mails, m)
	if r.after != nil {
		r.after()
	}
	return nil
}

// ids counts mails by their Message-ID.
func (r *relay) ids() map[string]int {
	all := map[string]int{}
	for _, m := range r.mails {
		all[m.ID]++
	}
	return all
}

func config(d env.Disk, s notice.Sender) notice.Config {
	return notice.Config{
		Sender: s, Disk: d, Domain: "deadair.test", Backoff: 5 * time.Second, BackoffMost: time.Minute, GiveUp: 24 * time.Hour,
		Wall: time.Now, Rand: rand.New(rand.NewPCG(1, 2)), Log: slog.New(slog.DiscardHandler),
	}
}

func newDisk(t *testing.T) *disk.Disk {
	d, err := disk.New(disk.Config{})
	require.NoError(t, err)
	return d
}

// run opens a post and runs it until the returned function is called.
func run(t *testing.T, cfg notice.Config) (*notice.Post, func()) {
	t.Helper()
	p, err := notice.New(cfg)
	require.NoError(t, err)
	require.NoError(t, p.Open())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); p.Run(ctx) }()
	return p, func() { stop(); <-ended }
}

func about(n int) notice.Notice {
	s := fmt.Sprintf("0198c0de-%04d", n)
	return notice.Notice{Session: s, Mount: "/rome-01", Account: "rome-01", Tracks: []notice.Track{{Key: s + ".mp3", Seconds: 61.2, Gaps: 1}}}
}

func TestEachIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{}
		p, stop := run(t, config(newDisk(t).Mount(), r))
		for _, n := range []int{1, 2, 1, 2} { // whoever publishes may ask again
			require.NoError(t, p.Add(about(n)))
		}
		synctest.Wait()
		require.Equal(t, map[string]int{"0198c0de-0001@deadair.test": 1, "0198c0de-0002@deadair.test": 1}, r.ids())
		require.Equal(t, notice.Mail{
			ID: "0198c0de-0001@deadair.test", To: "rome-01@deadair.test", Subject: "Your show /rome-01 is ready",
			Text: "Hello rome-01,\n\nyour show /rome-01 is over, and this is its recording:\n\n  0198c0de-0001.mp3, 1m1s long\n" +
				"  Something is missing once: your connection to us was interrupted.\n\nIt stays there until you remove it.\n",
		}, r.mails[0])
		require.Equal(t, notice.Counts{Sent: 2}, p.Counts())
		stop()
	})
}

// TestBlankMailsAreHeldBack and each is sent once when there is a template that says
// something.
func TestBlankMailsAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, d := &relay{}, newDisk(t)
		p, stop := run(t, config(d.Mount(), r))
		require.NoError(t, p.SetTemplate(blank))
		for n := range 3 {
			require.NoError(t, p.Add(about(n)))
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Empty(t, r.mails)
		require.Equal(t, notice.Counts{Waiting: 3, Held: 3}, p.Counts())
		_, written := p.Template()
		require.Equal(t, 3, written, "what is held back is not written again and again")

		require.Error(t, p.SetTemplate("{{.Mount"), "what is no template leaves the old one")
		require.NoError(t, p.SetTemplate(""))
		synctest.Wait()
		require.Len(t, r.ids(), 3)
		require.Len(t, r.mails, 3)
		require.Equal(t, notice.Counts{Sent: 3}, p.Counts())
		stop()
	})
}

// TestGuardCanBeLeftOut is the system that sent blank mails for hours.
func TestGuardCanBeLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{}
		cfg := config(newDisk(t).Mount(), r)
		cfg.Template, cfg.Guard = blank, func(notice.Mail, notice.Notice) error { return nil }
		p, stop := run(t, cfg)
		require.NoError(t, p.Add(about(1)))
		synctest.Wait()
		require.Len(t, r.mails, 1)
		require.Empty(t, strings.TrimSpace(r.mails[0].Text))
		stop()
	})
}

func TestBusyRelayIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{fails: 4, err: errors.New("451")}
		began := time.Now()
		r.after = func() {
			require.Greater(t, time.Since(began), (5+10+20+40)*time.Second/2)
			require.LessOrEqual(t, time.Since(began), (5+10+20+40)*time.Second)
			r.after = nil
		}
		p, stop := run(t, config(newDisk(t).Mount(), r))
		require.NoError(t, p.Add(about(1)))
		require.NoError(t, p.Add(about(2)))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, map[string]int{"0198c0de-0001@deadair.test": 1, "0198c0de-0002@deadair.test": 1}, r.ids())
		stop()
	})
}

func TestWhatNobodyTakesIsGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		account string
		after   time.Duration
	}{
		"nobody of that name": {fmt.Errorf("550: %w", notice.ErrRefused), "rome-01", 0},
		"no address":          {nil, "rome 01\r\nBcc: all", 0},
		"never any room":      {errors.New("452"), "rome-01", 24*time.Hour + 2*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &relay{fails: 1 << 30, err: c.err}
				if c.err == nil {
					r.fails = 0
				}
				p, stop := run(t, config(newDisk(t).Mount(), r))
				n := about(1)
				n.Account = c.account
				require.NoError(t, p.Add(n))
				time.Sleep(c.after)
				synctest.Wait()
				require.Equal(t, notice.Counts{Refused: 1}, p.Counts())
				require.Empty(t, r.mails)
				stop()
			})
		})
	}
}

// TestNoticesSurviveDeath: of a post that dies at any of its changes of the disk, with and
// without a power cut, every notice that it was given is sent, and whatever is sent twice
// is the same mail.
func TestNoticesSurviveDeath(t *testing.T) {
	for step := 1; ; step++ {
		died := true
		synctest.Test(t, func(t *testing.T) {
			d, r := newDisk(t), &relay{}
			mounted := d.MountFor(step)
			p, stop := run(t, config(mounted, r))
			given := map[string]bool{}
			for n := range 3 {
				if p.Add(about(n)) == nil {
					given[about(n).Session+"@deadair.test"] = true
				}
				synctest.Wait()
			}
			died = p.Counts().Sent < 3
			stop()
			mounted.Unmount()
			if step%2 == 0 {
				d.PowerCut()
			}
			again, stop := run(t, config(d.Mount(), r))
			synctest.Wait()
			require.Zero(t, again.Counts().Waiting, "step %d", step)
			stop()
			require.LessOrEqual(t, len(r.mails)-len(r.ids()), 1, "step %d: one alone can be on its way", step)
			for id := range given {
				require.NotZero(t, r.ids()[id], "step %d: %s", step, id)
			}
		})
		if !died {
			require.Greater(t, step, 10)
			return
		}
	}
}

// TestSentIsDurableBeforeItIsForgotten: power that fails after a mail was dropped does not
// bring it back.
func TestSentIsDurableBeforeItIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := newDisk(t), &relay{}
		p, stop := run(t, config(d.Mount(), r))
		require.NoError(t, p.Add(about(1)))
		synctest.Wait()
		require.Zero(t, p.Counts().Waiting)
		stop()
		d.PowerCut()
		p, stop = run(t, config(d.Mount(), r))
		require.NoError(t, p.Add(about(1)))
		synctest.Wait()
		require.Len(t, r.mails, 1)
		stop()
	})
}

// TestWhatIsFoundIsMadeDurable: a line that a killed process had written, and not synced,
// is one that whoever asks again may rely on.
func TestWhatIsFoundIsMadeDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for step := 1; step < 6; step++ {
			d := newDisk(t)
			cfg := config(d.MountFor(step), &relay{})
			first, err := notice.New(cfg)
			require.NoError(t, err)
			require.NoError(t, first.Open())
			_ = first.Add(about(1)) // it dies in it, somewhere
			cfg.Disk.(*disk.Mounted).Unmount()

			cfg.Disk = d.Mount()
			second, err := notice.New(cfg)
			require.NoError(t, err)
			require.NoError(t, second.Open())
			require.NoError(t, second.Add(about(1)))
			d.PowerCut()

			cfg.Disk = d.Mount()
			third, err := notice.New(cfg)
			require.NoError(t, err)
			require.NoError(t, third.Open())
			require.Equal(t, 1, third.Counts().Waiting, "step %d", step)
		}
	})
}

// TestHeldNoticesSurviveARestart in which the template is mended.
func TestHeldNoticesSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := newDisk(t), &relay{}
		cfg := config(d.Mount(), r)
		cfg.Template = blank
		p, stop := run(t, cfg)
		require.NoError(t, p.Add(about(1)))
		synctest.Wait()
		require.Equal(t, 1, p.Counts().Held)
		stop()
		d.PowerCut()
		_, stop = run(t, config(d.Mount(), r))
		synctest.Wait()
		require.Len(t, r.mails, 1)
		stop()
	})
}

// TestFileStaysShort however many notices there were.
func TestFileStaysShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t)
		p, stop := run(t, config(d.Mount(), &relay{}))
		largest := int64(0)
		for n := range 5000 {
			require.NoError(t, p.Add(about(n)))
			synctest.Wait()
			info, err := d.Mount().Stat(notice.File)
			require.NoError(t, err)
			largest = max(largest, info.Size())
		}
		require.Equal(t, 5000, p.Counts().Sent)
		require.Less(t, largest, int64(512<<10))
		stop()
		r := &relay{}
		p, stop = run(t, config(d.Mount(), r))
		require.NoError(t, p.Add(about(4999)))
		require.NoError(t, p.Add(about(4100)))
		synctest.Wait()
		require.Empty(t, r.mails, "what was sent lately is known")
		stop()
	})
}
