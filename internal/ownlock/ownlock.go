// Package ownlock gives a file one owner among all processes of a machine, by the
// operating system's file locks.
//
// Guarantees:
//
//   - A second Acquire of the same path fails at once with a *HeldError, in the same
//     process and in any other.
//   - The lock goes with its process, however that ends. Nothing is left behind that
//     a person must clean up: the file stays, unlocked.
//
// How, per system:
//
//   - Linux, macOS, the BSDs: flock.
//   - Windows: LockFileEx.
//   - AIX, Solaris, illumos: fcntl locks, which exclude other processes, and a table
//     in this process, which excludes its own.
//   - Plan 9, WASI: no locks that die with the process. Only the table in this
//     process is used; a second process is not noticed.
//   - Browsers (js): Acquire fails with an error that wraps errors.ErrUnsupported.
//
// Do not assume that a lock on a network file system excludes other machines.
package ownlock

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// HeldError says that the lock has another owner.
type HeldError struct {
	Path string
	PID  int // the owner's process id as it wrote it, zero if unknown
}

func (e *HeldError) Error() string {
	switch e.PID {
	case 0:
		return e.Path + " is locked by another owner"
	case os.Getpid():
		return e.Path + " is locked by another handle of this process"
	}
	return fmt.Sprintf("%s is locked by process %d", e.Path, e.PID)
}

// A Lock is held until Close or until the process ends.
type Lock struct {
	closeOnce sync.Once
	file      *os.File
	leave     func() // leaves the process's table where there is one
}

// Acquire locks the file at path, which it creates if needed, without waiting. The
// file's folder must exist. The file holds the owner's process id, for people.
func Acquire(path string) (*Lock, error) {
	leave, ok := enterTable(path)
	if !ok {
		return nil, &HeldError{Path: path, PID: os.Getpid()}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		leave()
		return nil, err
	}
	held, err := lockFile(file)
	if err != nil || held {
		pid := readPID(file)
		file.Close()
		leave()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return nil, &HeldError{Path: path, PID: pid}
	}
	writePID(file)
	return &Lock{file: file, leave: leave}, nil
}

// Close gives the lock up. A second Close does nothing.
func (l *Lock) Close() error {
	var err error
	l.closeOnce.Do(func() {
		err = l.file.Close() // closing unlocks
		l.leave()
	})
	return err
}

// readPID returns zero for anything that is not a process id: the content is a
// hint for people and decides nothing.
func readPID(file *os.File) int {
	text, _ := io.ReadAll(io.NewSectionReader(file, 0, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// writePID may fail, on a full disk for instance. The lock holds all the same.
func writePID(file *os.File) {
	if file.Truncate(0) == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
}
