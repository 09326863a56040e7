package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"deadair/harness/history"
)

// ErrOther says that a run, played again, was another one.
var ErrOther = errors.New("the run was not the same when it was played again")

// otherwise is an environment that has no say in what a run in virtual time does: garbage
// is collected at other moments, and the memory below the stack is of another size. The
// seeds of maps and of hashes differ from process to process anyway.
func otherwise() []string {
	return []string{"GOGC=25", "GODEBUG=randseednop=0,asyncpreemptoff=1", "DEADAIR_PADDING=" + strings.Repeat("x", 3001)}
}

// verify plays a run of virtual time once more, in another environment, and tells the
// first event that differs. What was played again stays only if one does.
func (s *suite) verify(ctx context.Context, dir string, j Job) error {
	again := dir + ".again"
	if err := write(again, j); err != nil {
		return err
	}
	if err := s.child(ctx, again, j, otherwise()...); err != nil {
		return fmt.Errorf("play the run again: %w", err)
	}
	first, _, err := readHistory(dir)
	if err != nil {
		return err
	}
	second, _, err := readHistory(again)
	if err != nil {
		return err
	}
	i, differs := history.Differ(first, second)
	if !differs {
		return os.RemoveAll(again)
	}
	err = fmt.Errorf("%w (see %s): its event %d is\n%s\nand was\n%s", ErrOther, filepath.Base(again), i+1, lineOf(second, i), lineOf(first, i))
	return errors.Join(err, os.Remove(filepath.Join(again, "plan.json"))) // it is no run to be judged
}

// maxShown bounds an event in an error, in bytes.
const maxShown = 500

// lineOf is the event of that index, for a person.
func lineOf(es []history.Event, i int) string {
	if i >= len(es) {
		return "none: the run was over"
	}
	l := history.Line(es[i])
	return l[:min(len(l), maxShown)]
}
