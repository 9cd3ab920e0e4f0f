//go:build aix || solaris

package ownlock

import (
	"io"
	"os"
	"syscall"
)

// lockFile locks file exclusively, without waiting. The lock is the process's, and
// would go with any descriptor of the file that it closes: the table in front of
// it sees to it that there is only one.
func lockFile(file *os.File) (held bool, err error) {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	for {
		err = syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock)
		switch err {
		case nil:
			return false, nil
		case syscall.EAGAIN, syscall.EACCES:
			return true, nil
		case syscall.EINTR:
			continue
		}
		return false, err
	}
}
