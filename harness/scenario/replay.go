package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// Replay is the command that plays the plan again.
func (p *Plan) Replay() string {
	cmd := fmt.Sprintf("deadair replay %s --variant %s --world %s --seed %d", word(cmp.Or(p.File, p.Scenario)), word(p.Variant), p.World, p.Seed)
	if p.World != "virtual" {
		cmd += fmt.Sprintf(" --speed %g", p.Speed)
	}
	if p.Redis != "" {
		cmd += " --redis " + word(p.Redis)
	}
	for _, a := range p.Foreign {
		cmd += " --bin " + word(a.Kind+"="+a.File)
	}
	return cmd
}

// word spells an argument so that a shell takes it as one.
func word(s string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
