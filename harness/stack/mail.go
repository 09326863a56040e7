package stack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"deadair/balancer/recorder"
	"deadair/fakes/mail"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// mailDomain is where broadcasters have their mailboxes.
const mailDomain = "deadair.test"

// mailPart is the relay through which broadcasters are told that their show is published.
func mailPart() part {
	return part{kind: kindMail, serve: mail.Serve, hosts: single(mailHost), node: mailNode, asked: true}
}

func mailNode(_ *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	data, err := json.Marshal(mail.Config{Name: "mail." + mailDomain, Admin: adminAddr()})
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kindMail, Config: data, Ports: []int{mailPort, adminPort}}, nil
}

// telling tells a recorder where the relay is, if the plan has one, and returns whom it
// dials for that.
func (s *Stack) telling(cfg *recorder.Config) (dials []string) {
	if s.plan.System.Mail == nil {
		return nil
	}
	cfg.Mail, cfg.MailDomain = s.at(mailHost, mailPort), mailDomain
	return []string{cfg.Mail}
}

// collectMails reads the relay's disk: who was written what. Sessions are those that the
// store has.
func (s *Stack) collectMails(sessions map[string]bool) error {
	if s.plan.System.Mail == nil {
		return nil
	}
	mails, err := mail.Read(s.world.Disk(mailHost))
	if err != nil {
		return err
	}
	now, wall := s.world.Now(), s.world.Env(mailHost).Wall()
	for _, m := range mails {
		at := time.Duration(float64(now-wall.Sub(m.At)) * s.plan.Speed)
		e := history.Event{
			At: max(at, 1), Node: mailHost, Kind: history.MailTaken, File: m.ID, Bytes: int64(len(m.Text)),
			Class: "ok", Session: sessionIn(m, sessions),
		}
		if !strings.ContainsFunc(m.Text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			e.Class = "blank"
		}
		for _, to := range m.To {
			e.Subject = s.mailbox(to)
			s.log.Add(e)
		}
	}
	s.log.Add(history.Event{Node: mailHost, Kind: history.MailsRead, Count: len(mails)})
	return nil
}

// mailbox is the broadcaster whose address it is, or the address if it is nobody's.
func (s *Stack) mailbox(to string) string {
	for _, b := range s.plan.Broadcasters {
		if to == b.Account+"@"+mailDomain {
			return b.Name
		}
	}
	return to
}

// sessionIn is the session that a mail's text names, or else its Message-ID; "" for none.
func sessionIn(m mail.Mail, sessions map[string]bool) string {
	for _, text := range []string{m.Text, m.ID} {
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if sessions[word] {
				return word
			}
		}
	}
	return ""
}
