package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// What an update says of many events alike.

func (b *post) lost(x *entry) string {
	if len(x.who) == 1 {
		return fmt.Sprintf("1 of %s loses its connection (%s)", plural(len(b.plan.Broadcasters), "broadcaster"), b.groups(x))
	}
	return fmt.Sprintf("%s of %s lose their connection (%s)", number(len(x.who)), plural(len(b.plan.Broadcasters), "broadcaster"), b.groups(x))
}

func (b *post) gaveUp(x *entry) string {
	return plural(len(x.who), "client") + " will not try again: the show is over (" + b.groups(x) + ")"
}

func (b *post) vain(x *entry, peer string) string {
	who := plural(len(x.who), "broadcaster") + " cannot get through"
	if peer == "" {
		return who + ": the name does not resolve"
	}
	return fmt.Sprintf("%s: %s takes none of %s", who, peer, plural(x.n, "attempt"))
}

// requests tells of requests that failed as one did.
func (b *post) requests(x *entry, e history.Event) string {
	how := map[string]string{"answered": fmt.Sprintf("are answered %d by %s", e.Status, e.Peer), "unresolved": "fail, for the name does not resolve"}[e.Class]
	if how == "" {
		how = "fail at " + cmp.Or(e.Peer, "nobody") + " (" + e.Class + ")"
	}
	s := fmt.Sprintf("requests for %s %s: of %s", e.Subject, how, b.asking(x))
	if x.last-x.at >= time.Minute {
		s += ", until " + clockTime(b.plan, x.last)
	}
	return s
}

// hit is how many broadcasters a step really hit: some may not have been on air. Where
// nothing was told of it, it is all.
func (b *post) hit(s scenario.Step) int {
	for _, e := range b.es {
		if e.Kind == history.FaultTouched && e.Fault == s.ID {
			return min(e.Count, len(s.Who))
		}
	}
	return len(s.Who)
}

// deaf tells of listeners who hear nothing.
func (b *post) deaf(x *entry, e history.Event) string {
	how := map[string]string{"unresolved": "the name does not resolve", "timeout": "nothing comes from " + e.Peer}[e.Class]
	if how == "" {
		how = cmp.Or(e.Peer, "nobody") + " does not deliver (" + e.Class + ")"
	}
	s := fmt.Sprintf("%s nothing for a while: %s", plural(len(x.who), "listener")+verb(slices.Sorted(maps.Keys(x.who)), " hears", " hear"), how)
	if x.last-x.at >= time.Minute {
		s += ", until " + clockTime(b.plan, x.last)
	}
	return s
}

// asking counts who asks: visitors, and apps of broadcasters.
func (b *post) asking(x *entry) string {
	apps := 0
	for _, s := range b.plan.Broadcasters {
		apps += bit(x.who[s.Name])
	}
	visitors := plural(len(x.who)-apps, "visitor")
	switch apps {
	case 0:
		return visitors
	case len(x.who):
		return plural(apps, "app")
	}
	return visitors + " and " + plural(apps, "app")
}

func (b *post) back(x *entry) string {
	s := fmt.Sprintf("%s on air again (%s)", areOf(len(x.who), "broadcaster"), b.groups(x))
	if d := b.between(x.at, x.last); d >= time.Second {
		s += ", the last one " + span(d) + " after the first"
	}
	return s
}

func (b *post) tracks(x *entry) string {
	s := areOf(x.n, "track") + " published"
	if d := b.between(x.at, x.last); d >= time.Second {
		s += ", the last one " + span(d) + " after the first"
	}
	return s
}

// mail tells of mails: those that say nothing are what users notice.
func (b *post) mail(i int, e history.Event) {
	if e.Class == "blank" {
		b.group(i, e, like{"blank mails", stageImpact, 4, time.Minute, func(x *entry) string {
			if x.n == 1 {
				return "a blank mail goes out"
			}
			return plural(x.n, "blank mail") + " go out"
		}})
		return
	}
	b.group(i, e, like{"mails", stageRecovery, 2, time.Minute, func(x *entry) string {
		return plural(x.n, "broadcaster") + verb(make([]string, x.n), " is", " are") + " told by mail that their show is published"
	}})
}

func areOf(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return plural(n, noun) + " are"
}

// groups names the groups of those whom an update is about.
func (b *post) groups(x *entry) string {
	count := map[string]int{}
	var order []string
	for _, one := range b.plan.Broadcasters {
		if !x.who[one.Name] {
			continue
		}
		if count[one.Group]++; count[one.Group] == 1 {
			order = append(order, one.Group)
		}
	}
	const most = 3
	more := len(order) - most
	order = order[:min(len(order), most)]
	for i, g := range order {
		if len(order) > 1 {
			order[i] = fmt.Sprintf("%s %d", g, count[g])
		}
	}
	s := strings.Join(order, ", ")
	if more > 0 {
		s += " and " + plural(more, "group") + " more"
	}
	return cmp.Or(s, "nobody of the plan")
}
