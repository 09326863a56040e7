package notice

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode"
)

// BuiltIn is the template of a notice, unless there is another one. Its first line is
// the subject; it is given a [Notice].
const BuiltIn = `Subject: Your show {{.Mount}} is ready

Hello {{.Account}},

your show {{.Mount}} is over, and this is its recording:
{{range .Tracks}}
  {{.Key}}{{with .Length}}, {{.}} long{{end}}{{if .Gaps}}
  Something is missing {{if eq .Gaps 1}}once{{else}}{{.Gaps}} times{{end}}: your connection to us was interrupted.{{end}}
{{end}}
It stays there until you remove it.
`

// maxText is the longest mail that is written, in bytes.
const maxText = 64 << 10

// parse reads a template; "" is the one that is built in.
func parse(text string) (*template.Template, error) {
	if text == "" {
		text = BuiltIn
	}
	t, err := template.New("notice").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the notices' template: %w", err)
	}
	return t, nil
}

// write makes the mail of a notice.
func (c Config) write(t *template.Template, n Notice) (Mail, error) {
	to, err := c.address(n.Account)
	if err != nil {
		return Mail{}, err
	}
	var out bytes.Buffer
	if err := t.Execute(&short{&out}, n); err != nil {
		return Mail{}, fmt.Errorf("write notice: %w", err)
	}
	head, text, _ := strings.Cut(out.String(), "\n")
	subject, ok := strings.CutPrefix(head, "Subject:")
	if !ok {
		subject, text = "", out.String()
	}
	return Mail{ID: c.id(n.Session), To: to, Subject: strings.TrimSpace(subject), Text: strings.TrimSpace(text) + "\n"}, nil
}

// short refuses what would make a text too long.
type short struct{ *bytes.Buffer }

func (s *short) Write(p []byte) (int, error) {
	if s.Len()+len(p) > maxText {
		return 0, fmt.Errorf("it is longer than %d bytes", maxText)
	}
	return s.Buffer.Write(p)
}

// leastText is how many letters and digits a mail has that says something.
const leastText = 20

// Readable tells what a mail lacks that somebody could read: a subject, a text, the show
// that it is about and where its tracks are.
func Readable(m Mail, n Notice) error {
	var errs []error
	if letters(m.Subject) == 0 {
		errs = append(errs, errors.New("its subject is blank"))
	}
	if letters(m.Text) < leastText {
		errs = append(errs, errors.New("its text is blank"))
	}
	if strings.Contains(m.Subject+m.Text, "<no value>") {
		errs = append(errs, errors.New("it has a hole where a value should be"))
	}
	if !strings.Contains(m.Text, n.Mount) {
		errs = append(errs, errors.New("it does not name the show"))
	}
	for _, t := range n.Tracks {
		if !strings.Contains(m.Text, t.Key) {
			errs = append(errs, fmt.Errorf("it does not tell of %s", t.Key))
		}
	}
	return errors.Join(errs...)
}

// letters counts what can be read.
func letters(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
