// Package proc tells of this machine's processes: whether one that was written
// down still is the same, whether it stands still or has settled, and how long it waited to run.
package proc

// Process is a process that cannot be mistaken for another one with the same pid.
type Process struct {
	PID   int    `json:"pid"`
	Began string `json:"began"` // when it began, in a form that only compares
}

// Identify looks a running process up. One that has ended and is only waited for does not run.
func Identify(pid int) (Process, bool) {
	state, began, err := look(pid)
	if err != nil || state == "Z" || state == "X" {
		return Process{}, false
	}
	return Process{PID: pid, Began: began}, true
}

// Runs tells whether this very process still runs.
func (p Process) Runs() bool {
	now, ok := Identify(p.PID)
	return ok && now == p
}

// Paused tells whether the process is stopped by a signal.
func Paused(pid int) bool {
	state, _, err := look(pid)
	return err == nil && state == "T"
}
