package broadcaster

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is how much of an answer a client looks at, in bytes.
const maxAnswer = 1024

// ask sends the head and reads the answer. The Reply is zero when the client does
// not wait for one.
func (b *Broadcaster) ask(show context.Context, d dialed, form Form) Reply {
	if limit := b.cfg.Persona.Deadlines.Reply; limit > 0 {
		d.SetDeadline(time.Now().Add(limit))
	}
	stop := whenDone(show, func() { d.SetDeadline(past) })
	defer d.SetDeadline(time.Time{})
	defer stop()
	if err := b.sendHead(d, form); err != nil {
		return Reply{Class: classify(err)}
	}
	if form.Blind {
		return Reply{}
	}
	answer, err := b.readAnswer(d)
	status := form.status(answer)
	if err != nil && status == 0 {
		return Reply{Class: classify(err)}
	}
	return Reply{Class: Answered, Status: status}
}

// sendHead sends the head in as many pieces as the client does.
func (b *Broadcaster) sendHead(w io.Writer, form Form) error {
	b.buf = form.Head(b.buf[:0], b.request)
	late := max(0, len(b.buf)-form.Late)
	if _, err := w.Write(b.buf[:late]); err != nil || form.Late == 0 {
		return err
	}
	_, err := w.Write(b.buf[late:])
	return err
}

// readAnswer reads until the answer's head has ended, and what came along with that.
func (b *Broadcaster) readAnswer(r io.Reader) (string, error) {
	b.buf = append(b.buf[:0], make([]byte, maxAnswer)...)
	n := 0
	for n < maxAnswer {
		m, err := r.Read(b.buf[n:])
		n += m
		got := b.buf[:n]
		if answerEnds(got) {
			break
		}
		if err != nil {
			return string(got), err
		}
	}
	return string(b.buf[:n]), nil
}

func answerEnds(got []byte) bool {
	return bytes.Contains(got, []byte("\n\r\n")) || bytes.Contains(got, []byte("\n\n"))
}

// status is the code that the client reads out of an answer.
func (f *Form) status(answer string) int {
	if f.Status != nil {
		return f.Status(answer)
	}
	return firstStatus(answer)
}

// firstStatus reads the code behind the first blank, 0 if there is none.
func firstStatus(answer string) int {
	_, rest, ok := strings.Cut(answer, " ")
	if !ok || len(rest) < 3 {
		return 0
	}
	code, err := strconv.Atoi(rest[:3])
	if err != nil || code < 100 {
		return 0
	}
	return code
}

// judge reads the answer of a client that did not wait for it.
func (b *Broadcaster) judge(c *conn) {
	c.judged = true
	if c.form.Judge(c.reply) == Accept {
		b.accepted(c)
		return
	}
	b.fail(Event{Kind: Attempt, Peer: c.peer, Class: c.reply.Class, Status: c.reply.Status, Took: time.Since(c.began)})
}
