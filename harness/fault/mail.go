package fault

import (
	"context"

	"deadair/fakes/mail"
	"deadair/harness/scenario"
)

// blankTemplate writes a mail that says nothing.
const blankTemplate = "Subject: Your show\n\n{{/* the text has moved to another file */}}\n"

// mailing has mails to broadcasters fail, in the way that the step names: what recorders
// write is blank, or the relay misbehaves. Healing has all of them work again.
func mailing(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	if step.Answer != scenario.BlankMail {
		return tellAll(ctx, s, step.Nodes, "fault", mail.State{Fault: mail.Fault(step.Answer)})
	}
	return tellAll(ctx, s, step.Nodes, "template", struct {
		Text string `json:"text"`
	}{blankTemplate})
}
