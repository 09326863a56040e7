package reports

import (
	"fmt"
	"strings"

	"deadair/harness/scenario"
)

// deed tells a step as a person on call would.
func deed(s scenario.Step) string {
	if said := deedToNodes(s); said != "" {
		return said
	}
	nodes, link := few(s.Nodes), few(s.From)+" and "+few(s.To)
	only := map[string]string{"existing": " (connections that exist)", "new": " (new connections)"}[s.Conns]
	switch s.Do {
	case "cut":
		return "all connections between " + link + " are reset"
	case "refuse":
		return "new connections from " + few(s.From) + " to " + few(s.To) + " are refused"
	case "stall":
		return "nothing gets through between " + link + only + "; bytes are held back"
	case "blackhole":
		return "what is sent between " + link + " vanishes" + only
	case "delay":
		return fmt.Sprintf("the way between %s takes %v longer, one way%s", link, s.Delay, only)
	case "throttle":
		return fmt.Sprintf("the way between %s carries no more than %d bytes a second%s", link, s.Rate, only)
	case "redis":
		return "Redis lives, and answers " + strings.ToUpper(s.Answer)
	case "store":
		return "the object store lives and fails: " + s.Answer
	case "mail":
		return mailDeed(s)
	case "dns":
		how := map[string]string{"servfail": "fail", "timeout": "get no answer", "nxdomain": "are told that there is no such name"}[s.Answer]
		return fmt.Sprintf("%d%% of the questions to DNS about %s %s", s.Share, few(s.Zones), how)
	case "answer":
		return fmt.Sprintf("%s%s %d to every request", nodes, verb(s.Nodes, " answers", " answer"), s.Status)
	case "rollout":
		return "operators change the roll-out: " + scenario.Led(s.Answer)
	case "harden":
		return "operators have " + nodes + " agree to nothing older than " + scenario.Speech(s.Answer)
	case "drop":
		return plural(len(s.Who), "broadcaster") + verb(s.Who, " loses its", " lose their") + " own connection, as a home network does"
	}
	return s.Sentence()
}

// deedToNodes tells a step that is done to processes; "" for another.
func deedToNodes(s scenario.Step) string {
	nodes := few(s.Nodes)
	switch s.Do {
	case "kill":
		return nodes + verb(s.Nodes, " dies", " die") + ": its ports refuse"
	case "deploy":
		return nodes + verb(s.Nodes, " is", " are") + " asked to end, and started as today's version"
	case "restart":
		return nodes + verb(s.Nodes, " is", " are") + " restarted"
	case "pause":
		return nodes + verb(s.Nodes, " freezes", " freeze") + ": connections are accepted, nobody answers"
	case "stop":
		return nodes + verb(s.Nodes, " is", " are") + " asked to end"
	case "powercut":
		return nodes + verb(s.Nodes, " loses", " lose") + " power, and what was not synced"
	case "outage":
		return nodes + verb(s.Nodes, " is", " are") + " gone at once, and nothing on any way there is answered"
	case "vanish":
		return nodes + verb(s.Nodes, " is", " are") + " off the network: processes live, and nothing on any way there is answered"
	case "drain":
		return "an operator takes " + nodes + " out for new shows; shows on air go on"
	case "undrain":
		return "an operator puts " + nodes + " back for new shows"
	}
	return ""
}

// mailDeed tells how the mail fails.
func mailDeed(s scenario.Step) string {
	switch s.Answer {
	case scenario.BlankMail:
		return "the template of the mails to broadcasters breaks, and writes nothing"
	case "reply-lost":
		return "the relay for mails takes them, and its answers are lost"
	}
	return "the relay for mails lives and takes none: " + s.Answer
}

// undone tells that what a step did is over.
func undone(s scenario.Step) string {
	switch s.Do {
	case "kill", "stop", "powercut", "outage":
		return few(s.Nodes) + verb(s.Nodes, " is", " are") + " started again"
	case "vanish":
		return few(s.Nodes) + verb(s.Nodes, " is", " are") + " on the network again"
	case "pause":
		return few(s.Nodes) + verb(s.Nodes, " goes", " go") + " on as if nothing had been"
	case "drain":
		return "an operator puts " + few(s.Nodes) + " back for new shows"
	case "skew":
		return "the clock of " + few(s.Nodes) + " is right again"
	case "answer":
		return few(s.Nodes) + verb(s.Nodes, " works", " work") + " again"
	case "dns":
		return "DNS answers all questions about " + few(s.Zones) + " again"
	case "redis":
		return "Redis answers as it should again"
	case "store":
		return "the object store does its work again"
	case "mail":
		if s.Answer == scenario.BlankMail {
			return "the template of the mails is mended"
		}
		return "the relay for mails does its work again"
	}
	if len(s.From) > 0 {
		return "the way between " + few(s.From) + " and " + few(s.To) + " is whole again"
	}
	return "over: " + s.Sentence()
}

func verb(names []string, one, many string) string {
	if len(names) == 1 {
		return one
	}
	return many
}

// few names hosts: up to three, or the first and how many more. Health checkers are all alike.
func few(names []string) string {
	const most = 3
	var words []string
	for _, n := range names {
		if kind, ok := strings.CutPrefix(n, "checker-"); ok && kind != "" {
			n = "the health checkers"
		}
		if len(words) == 0 || words[len(words)-1] != n {
			words = append(words, n)
		}
	}
	switch {
	case len(words) == 0:
		return "nobody"
	case len(words) == 1:
		return words[0]
	case len(words) <= most:
		return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
	}
	return fmt.Sprintf("%s and %d more", words[0], len(words)-1)
}
