package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"deadair/balancer/recorder/notice"
	"deadair/balancer/recorder/publish"
)

func (c Config) validateMail() error {
	if c.Mail == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Mail); err != nil {
		return fmt.Errorf("mail: %q is no relay, such as 127.0.0.1:25", c.Mail)
	}
	if c.MailDomain == "" {
		return errors.New("mail-domain: notices need the domain that accounts belong to")
	}
	if c.Store == "" {
		return errors.New("mail: there is nothing to tell of without a store")
	}
	return nil
}

// poster makes what tells broadcasters that their show is published; nil when nobody is
// told.
func (r *Recorder) poster(parts Parts) (*notice.Post, error) {
	c := r.cfg
	if c.Mail == "" {
		return nil, nil
	}
	sender := notice.Sender(notice.SMTP{
		Relay: c.Mail, From: c.MailFrom, Helo: c.MailDomain, Deadline: c.MailDeadline, Dial: r.env.DialContext, Wall: r.env.Wall,
	})
	if parts.Sender != nil {
		sender = parts.Sender(sender)
	}
	return notice.New(notice.Config{
		Sender: sender, Guard: parts.Guard, Template: c.NoticeTemplate, Disk: r.env.Disk, Domain: c.MailDomain,
		Backoff: c.MailBackoff, BackoffMost: c.MailBackoffMost, GiveUp: c.MailGiveUp,
		Wall: r.env.Wall, Rand: r.env.Rand("notices"), Log: r.log,
	})
}

// tell has a broadcaster told of a show.
func (r *Recorder) tell(record publish.Record) error {
	n := notice.Notice{Session: record.Session, Mount: record.Mount, Account: record.Account}
	for _, t := range record.Edition.Tracks {
		n.Tracks = append(n.Tracks, notice.Track{Key: t.Key, Seconds: t.Seconds, Gaps: len(t.Gaps)})
	}
	return r.post.Add(n)
}

// maxTemplate is the longest template that operators can give, in bytes.
const maxTemplate = 64 << 10

// templateAnswer is what operators are told, and tell, of the template of notices: POST
// /template at the admin port with its JSON switches, GET /template answers it.
type templateAnswer struct {
	Text    string `json:"text"`    // "" is the one that is built in
	Written int    `json:"written"` // mails that were written from it, those included that were held back
}

func (r *Recorder) adminTemplate(w http.ResponseWriter, q *http.Request) {
	if r.post == nil {
		reply(w, http.StatusNotFound, map[string]string{"error": "this recorder tells nobody: give it a relay as mail"})
		return
	}
	if q.Method == http.MethodPost {
		var want templateAnswer
		err := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxTemplate)).Decode(&want)
		if err == nil {
			err = r.post.SetTemplate(want.Text)
		}
		if err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
	}
	text, written := r.post.Template()
	reply(w, http.StatusOK, templateAnswer{text, written})
}
