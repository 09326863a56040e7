package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/reports"
)

// ErrNoHistory says that there is nothing to judge, ErrBadHistory that what is there has
// holes, or lines that are none of a history.
var (
	ErrNoHistory  = errors.New("the run left no history")
	ErrBadHistory = errors.New("what the run left cannot be judged")
)

// write clears away what an earlier run left in a folder and lays the files that
// a run begins with.
func write(dir string, j Job) error {
	for _, old := range []string{"scenario.yaml", "plan.json", "history.jsonl", "environment.json", "verdict.json", "report.html", growthFile, "logs", "disks"} {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			return fmt.Errorf("clear the folder of a run: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return fmt.Errorf("make the folder of a run: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "scenario.yaml"), j.Source, 0o644); err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	return toFile(filepath.Join(dir, "plan.json"), j.Plan.Write)
}

// judge reads what the run left, judges it and draws the page.
func (o *Outcome) judge(dir string, base *reports.Summary) error {
	es, hash, err := readHistory(dir)
	if err != nil {
		return err
	}
	o.Events, o.Hash = len(es), hash
	o.Verdict = check.Judge(o.Job.Plan, es)
	if err := writeJSON(filepath.Join(dir, "verdict.json"), o.Verdict); err != nil {
		return err
	}
	j, err := judged(dir, o.Job.Plan, es, o.Verdict, base)
	if err != nil {
		return err
	}
	o.Run = reports.NewRun(j)
	return draw(dir, j)
}

// judged is all that the folder of a run holds.
func judged(dir string, p *scenario.Plan, es []history.Event, v check.Verdict, base *reports.Summary) (reports.Judged, error) {
	j := reports.Judged{Plan: p, Events: es, Verdict: v, Baseline: ofPlan(base, p)}
	var err error
	if j.Source, err = os.ReadFile(filepath.Join(dir, "scenario.yaml")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return j, fmt.Errorf("read scenario: %w", err)
	}
	var e reports.Environment
	err = readJSON(filepath.Join(dir, "environment.json"), &e)
	if errors.Is(err, os.ErrNotExist) {
		return j, nil
	}
	j.Environment = &e
	return j, err
}

func draw(dir string, j reports.Judged) error {
	return toFile(filepath.Join(dir, "report.html"), func(w io.Writer) error {
		return reports.WritePage(w, reports.Compute(j))
	})
}

// Rejudge judges the folder of one run again, and draws it again. What was
// never played to a history, or left a broken one, is an outcome with an error.
func Rejudge(dir string) (Outcome, error) {
	p, err := readPlan(dir)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Job: Job{Plan: p}}
	if err = o.judge(dir, nil); errors.Is(err, ErrNoHistory) || errors.Is(err, ErrBadHistory) {
		o.Err, err = err, nil
	}
	return o, err
}

// Redraw draws the page of one run again from its verdict as it was judged.
func Redraw(dir string, base *reports.Summary) error {
	p, err := readPlan(dir)
	if err != nil {
		return err
	}
	es, _, err := readHistory(dir)
	if err != nil {
		return err
	}
	var v check.Verdict
	if err := readJSON(filepath.Join(dir, "verdict.json"), &v); err != nil {
		return err
	}
	j, err := judged(dir, p, es, v, base)
	if err != nil {
		return err
	}
	return draw(dir, j)
}

func readPlan(dir string) (*scenario.Plan, error) {
	f, err := os.Open(filepath.Join(dir, "plan.json"))
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	return scenario.ReadPlan(f)
}

func readHistory(dir string) (es []history.Event, hash string, err error) {
	f, err := os.Open(filepath.Join(dir, "history.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", ErrNoHistory
	}
	if err != nil {
		return nil, "", fmt.Errorf("read history: %w", err)
	}
	defer f.Close()
	es, err = history.Read(f)
	if err == nil {
		err = history.Whole(es)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBadHistory, err)
	}
	hash, err = history.Write(io.Discard, es)
	return es, hash, err
}

func readJSON(file string, v any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(file), err)
	}
	return nil
}

func writeJSON(file string, v any) error {
	return toFile(file, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	})
}

// toFile writes a file anew. Its error names the file.
func toFile(name string, draw func(io.Writer) error) error {
	return intoFile(name, os.O_CREATE|os.O_TRUNC, draw)
}

func intoFile(name string, flag int, draw func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name, flag|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("write %s: %w", filepath.Base(name), err)
		}
	}()
	return draw(f)
}
