package draft

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// YAML is the draft as a scenario file.
func (d Draft) YAML() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "schema: 1\ntitle: %s\n", text(d.Title))
	if !d.Date.IsZero() {
		fmt.Fprintf(&b, "date: %s\n", d.Date.Format(time.DateOnly))
	}
	zero := max(0, d.Begin-lead)
	if d.Clock {
		fmt.Fprintf(&b, "starts: %sZ   # what the clock shows at the run's zero\n", spell(zero))
	}
	d.story(&b)
	d.list(&b)
	if d.Fault.Affects != "" {
		fmt.Fprintf(&b, "affects: [%s]\n", d.Fault.Affects)
	}
	d.documented(&b)
	if d.Fault.Store {
		fmt.Fprintf(&b, "system: {store: {in: %s}, balancer: {window: 1m}, recorder: {window: 1m}}\n", d.far())
	}
	b.WriteString(d.broadcasters())
	end := d.timeline(&b)
	fmt.Fprintf(&b, "ends: %s\n", d.at(end))
	if end > longPlay {
		b.WriteString("cut-quiet: true   # long stretches in which nothing happens are left out, and dead air in them is not counted\n")
	}
	d.expect(&b)
	return []byte(b.String())
}

// longPlay is how long a run is that is played whole: four minutes of real time.
const longPlay = 40 * time.Minute

// text is a YAML scalar in double quotes, on one line.
func text(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(strings.Join(strings.Fields(s), " ")) //nolint:errcheck // a text into a builder
	return strings.TrimSpace(b.String())
}

// Limits of the story.
const (
	storyLines = 60
	storyWidth = 96
)

func (d Draft) story(b *strings.Builder) {
	if d.Story == "" {
		b.WriteString("story: |\n  One balancer of Ireland dies, and is started again. Tell here what happened, for people.\n")
		return
	}
	b.WriteString("story: |\n")
	n := 0
	for line := range strings.Lines(d.Story) {
		for _, part := range wrapped(line) {
			if n++; n <= storyLines {
				fmt.Fprintf(b, "  %s\n", part)
			}
		}
	}
}

// wrapped breaks a line between words, and words that are too long.
func wrapped(line string) []string {
	var all []string
	now := ""
	for _, w := range strings.Fields(line) {
		w = short(w, storyWidth)
		if now != "" && len([]rune(now))+1+len([]rune(w)) > storyWidth {
			all = append(all, now)
			now = ""
		}
		now = strings.TrimSpace(now + " " + w)
	}
	if now != "" {
		all = append(all, now)
	}
	return all
}

func (d Draft) list(b *strings.Builder) {
	if len(d.Assumed) == 0 {
		return
	}
	b.WriteString("assumed:\n")
	for _, a := range d.Assumed {
		fmt.Fprintf(b, "  - %s\n", text(a))
	}
}

func (d Draft) documented(b *strings.Builder) {
	if len(d.Moments) == 0 {
		return
	}
	b.WriteString("documented:   # seen: names the event of the run that is this moment\n")
	for _, m := range d.Moments {
		seen := ""
		if m.Step != "" && (m.Step == "fault-began" || d.Fault.Lasts) {
			seen = fmt.Sprintf(", seen: {first: %s, of: step-1}", m.Step)
		}
		fmt.Fprintf(b, "  - {at: %q, says: %s%s}\n", spell(m.At)+"Z", text(m.Says), seen)
	}
}

// broadcasters are some near what is hit, and some far away who should notice nothing.
func (d Draft) broadcasters() string {
	groups := map[string]string{
		"eu-west": "  - {name: rome, from: Rome, count: 6, persona: butt}\n",
		"us-east": "  - {name: new-york, from: New York, count: 6, persona: butt}\n",
		"us-west": "  - {name: seattle, from: Seattle, count: 6, persona: butt}\n",
	}
	far := groups[d.far()]
	if d.Fault.Store { // shows that end while nothing can be published
		groups[d.Fault.Site] = strings.Replace(groups[d.Fault.Site], "persona: butt}", "persona: butt, off-air: "+d.at(d.offAir())+"}", 1)
	}
	return "broadcasters:\n" + groups[d.Fault.Site] + strings.Replace(far, "count: 6, persona: butt", "count: 3, persona: ffmpeg-fifo", 1)
}

// offAir is when shows end, so that their tracks are due, a window of a minute
// later, while the store fails.
func (d Draft) offAir() time.Duration { return max(20*time.Second, d.begin()-30*time.Second) }

// far is a datacenter that is not hit, nor one that Redis stands in.
func (d Draft) far() string {
	if d.Fault.Site == "eu-west" {
		return "us-west"
	}
	return "eu-west"
}

// at spells an instant of the run as the file does.
func (d Draft) at(since time.Duration) string {
	if d.Clock {
		return fmt.Sprintf("%q", spell(max(0, d.Begin-lead)+since)+"Z")
	}
	return since.String()
}

// begin is when the fault begins, since the run's zero.
func (d Draft) begin() time.Duration {
	if d.Clock {
		return d.Begin - max(0, d.Begin-lead)
	}
	return d.Begin
}

// timeline writes the steps and returns when the run ends, since its zero.
func (d Draft) timeline(b *strings.Builder) time.Duration {
	begin := d.begin()
	lasts := ""
	over := begin
	if d.Fault.Lasts {
		lasts = fmt.Sprintf(", for: %v", d.Length)
		over += d.Length
	}
	fmt.Fprintf(b, "timeline:\n  - {at: %s, %s%s}\n", d.at(begin), d.Fault.Step, lasts)
	if d.Fault.Drops {
		fmt.Fprintf(b, "  - {at: %s, drop: {broadcasters: %s, share: 50%%}, assumed: true}   # so that somebody comes back meanwhile\n", d.at(begin+d.Length/2), near(d.Fault.Site))
	}
	return over + tail
}

// leastOut is how long a balancer must be down for DNS to leave it out for certain.
const leastOut = 75 * time.Second

func (d Draft) expect(b *strings.Builder) {
	b.WriteString("expect:\n  - dead-air: {at-most: bound}\n  - recording-intact\n  - single-writer\n  - no-unexplained-disconnect\n")
	fmt.Fprintf(b, "  - untouched: {broadcasters: %s}\n", near(d.far()))
	if d.Fault.Store {
		b.WriteString("  - published-once\n  - publish-delay: {within: 2m}\n")
	}
	out := d.Fault.DNS && d.Fault.Lasts && d.Length >= leastOut
	if out {
		b.WriteString("  - pool-converges\n  - returns-to-pool\n")
	}
	b.WriteString("variants:\n  today: {verdict: pass}\n  control:   # nothing is broken\n    timeline: none\n")
	fmt.Fprintf(b, "    expect: [{dead-air: {at-most: bound}}, recording-intact, single-writer, no-unexplained-disconnect, {untouched: {broadcasters: %s}}]\n    verdict: pass\n", near(d.far()))
	if out {
		b.WriteString("  dns-keeps-the-dead: {mutant: dns-keeps-the-dead, verdict: {fail: [pool-converges]}}   # broken on purpose: it must be noticed\n")
		return
	}
	b.WriteString("  # A scenario needs a variant that must fail, so that what nobody checks is found:\n  # NAME: {mutant: …, verdict: {fail: [dead-air]}}, or {legacy: […], …} for the system as it was.\n")
}
