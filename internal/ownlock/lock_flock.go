//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ownlock

import (
	"os"
	"syscall"
)

// lockFile locks file exclusively, without waiting.
func lockFile(file *os.File) (held bool, err error) {
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch err {
		case nil:
			return false, nil
		case syscall.EWOULDBLOCK:
			return true, nil
		case syscall.EINTR:
			continue
		}
		return false, err
	}
}
