package ownlock

import (
	"os"
	"syscall"
	"unsafe"
)

var lockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

const (
	lockFailImmediately = 0x1
	lockExclusive       = 0x2
	errorLockViolation  = syscall.Errno(33)

	// lockAt is far behind the process id, which others must be able to read:
	// Windows refuses reads of a locked range.
	lockAt = 1 << 30
)

// lockFile locks one byte of file exclusively, without waiting.
func lockFile(file *os.File) (held bool, err error) {
	at := syscall.Overlapped{Offset: lockAt}
	ok, _, err := lockFileEx.Call(file.Fd(), lockFailImmediately|lockExclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
	switch {
	case ok != 0:
		return false, nil
	case err == errorLockViolation, err == syscall.ERROR_IO_PENDING:
		return true, nil
	}
	return false, err
}
