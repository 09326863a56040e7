package child

import "syscall"

// attributes put a child into a process group of its own, out of reach of the
// terminal's Ctrl-C, and have the kernel end it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
