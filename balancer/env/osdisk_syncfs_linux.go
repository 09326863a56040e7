package env

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncfs is syncfs(2). Since Linux 5.8 it tells of writes that failed.
func syncfs(dir *os.File) error {
	raw, err := dir.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Syncfs(int(fd)) }); err != nil {
		return err
	}
	return os.NewSyscallError("syncfs", failed)
}
