package filejournal

import (
	"errors"
	"syscall"
)

// diskFull reports whether err means that the disk is full.
func diskFull(err error) bool {
	const errorHandleDiskFull, errorDiskFull = syscall.Errno(39), syscall.Errno(112)
	return errors.Is(err, errorHandleDiskFull) || errors.Is(err, errorDiskFull)
}
