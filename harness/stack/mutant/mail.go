package mutant

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/notice"
)

// onMail is a mutant of how recorders send mails.
func onMail(name, doc string, wrap func(notice.Sender) notice.Sender) Mutant {
	return Mutant{Name: name, Doc: doc, Recorder: func(_ *recorder.Config, _ *env.Env, p *recorder.Parts) { p.Sender = wrap }}
}

// mailBelieved has a mail count as sent whatever the relay said.
func mailBelieved() Mutant {
	return onMail("mail-believed", "a mail counts as sent once the relay was asked to take it", func(s notice.Sender) notice.Sender { return believing{s} })
}

type believing struct{ notice.Sender }

// Send implements notice.Sender.
func (b believing) Send(ctx context.Context, m notice.Mail) error {
	_ = b.Sender.Send(ctx, m) // it was asked
	return nil
}

// mailRenamed has each try be a mail of its own.
func mailRenamed() Mutant {
	return onMail("mail-renamed", "a mail that is sent again has another Message-ID", func(s notice.Sender) notice.Sender { return &renamed{Sender: s} })
}

type renamed struct {
	notice.Sender
	tries atomic.Int64
}

// Send implements notice.Sender.
func (r *renamed) Send(ctx context.Context, m notice.Mail) error {
	m.ID = fmt.Sprintf("%d.%s", r.tries.Add(1), m.ID)
	return r.Sender.Send(ctx, m)
}

// noticesForgotten has the notices that wait be lost with the process.
func noticesForgotten() Mutant {
	return Mutant{Name: "notices-forgotten", Doc: "what broadcasters are to be told is kept in memory only",
		Recorder: func(_ *recorder.Config, e *env.Env, _ *recorder.Parts) { e.Disk = noticeless{e.Disk} }}
}

// noticeless is a disk on which notices are not found again.
type noticeless struct{ env.Disk }

// OpenFile implements env.Disk.
func (d noticeless) OpenFile(name string, flag int) (env.File, error) {
	if name == notice.File && flag == os.O_RDONLY {
		return nil, os.ErrNotExist
	}
	return d.Disk.OpenFile(name, flag)
}

// guardNeverOpens has a recorder that has held a mail back never send one again.
func guardNeverOpens() Mutant {
	return Mutant{Name: "guard-never-opens", Doc: "once a mail was blank, none is sent any more",
		Recorder: func(_ *recorder.Config, _ *env.Env, p *recorder.Parts) {
			var shut atomic.Bool
			p.Guard = func(m notice.Mail, n notice.Notice) error {
				if err := notice.Readable(m, n); err != nil || shut.Load() {
					shut.Store(true)
					return errors.Join(err, errors.New("mails are shut"))
				}
				return nil
			}
		}}
}
