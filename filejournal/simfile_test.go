//go:build !plan9

package filejournal

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// fault is the fault of one call.
type fault uint8

const (
	none       fault = iota
	ioError          // EIO, no effect; for a sync: the unsynced changes are never synced
	lateError        // EIO although all of it took effect
	shortCall        // EIO after half of a write
	diskIsFull       // ENOSPC after half of a write
	fullAtEnd        // ENOSPC although all of it took effect
	readOnly         // EROFS, no effect
	killBefore       // the process dies before the call
	killDuring       // the process dies after half of a write
	killAfter        // the process dies after the call
	faultCount
)

// aftermath is the event after a fault.
type aftermath uint8

const (
	carryOn    aftermath = iota // the program goes on
	killed                      // kill -9: the system keeps all writes
	loseAll                     // power lost, and everything that was not synced
	keepAll                     // power lost, everything had reached the disk by luck
	tornFront                   // power lost, the last write is there up to some byte
	tornBack                    // power lost, the last write is there but for its first page
	keepSome                    // power lost, any pages and renames are there
	keepWrites                  // power lost, all writes are there but no truncation is
	soon                        // as carryOn or killed, and as loseAll after the next opening
	late                        // as carryOn or killed, and as loseAll some writes later
	aftermathCount
)

var errKilled = errors.New("the process is dead")

// call is the gate of every call: it strikes it with the fault that is due. effect is
// the whole effect of the call, half that of a call that was cut short.
func (d *simDisk) call(what string, effect, half func()) (whole bool, err error) {
	if d.dead {
		return false, errKilled
	}
	d.calls++
	kind, _, _ := strings.Cut(what, " ")
	d.kinds[kind] = true
	f := d.faults[d.calls]
	if f != none {
		d.struck = append(d.struck, fmt.Sprintf("%d: %s (call %d)", f, what, d.calls))
	}
	if half == nil {
		half = func() {}
	}
	switch f {
	case ioError:
		return false, syscall.EIO
	case lateError:
		effect()
		return true, syscall.EIO
	case shortCall:
		half()
		return false, syscall.EIO
	case diskIsFull:
		half()
		return false, syscall.ENOSPC
	case fullAtEnd:
		effect()
		return true, syscall.ENOSPC
	case readOnly:
		return false, syscall.EROFS
	case killBefore:
		d.dead = true
		return false, errKilled
	case killDuring:
		half()
		d.dead = true
		return false, errKilled
	case killAfter:
		effect()
		d.dead = true
		return true, errKilled
	}
	effect()
	return true, nil
}

// simHandle is an open simFile.
type simHandle struct {
	d    *simDisk
	f    *simFile
	name string
}

func (h *simHandle) Close() error { return nil }

func (h *simHandle) Size() (size int64, err error) {
	_, err = h.d.call("size "+h.name, func() { size = int64(len(h.f.cached)) }, nil)
	return size, err
}

func (h *simHandle) ReadAt(p []byte, at int64) (n int, err error) {
	_, err = h.d.call("read "+h.name, func() {
		if at < int64(len(h.f.cached)) {
			n = copy(p, h.f.cached[at:])
		}
	}, nil)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (h *simHandle) WriteAt(p []byte, at int64) (n int, err error) {
	write := func(p []byte) {
		n = len(p)
		h.f.cached = written(h.f.cached, p, at)
		h.f.pending = append(h.f.pending, change{at, append([]byte{}, p...)})
	}
	_, err = h.d.call("write "+h.name, func() { write(p) }, func() { write(p[:len(p)/2]) })
	return n, err
}

func (h *simHandle) Truncate(size int64) error {
	_, err := h.d.call("truncate "+h.name, func() { h.f.truncate(size) }, nil)
	return err
}

func (f *simFile) truncate(size int64) {
	f.cached = resized(f.cached, size)
	f.pending = append(f.pending, change{at: size})
}

// Sync makes the file durable. When it fails the system forgets that there was
// anything to sync: the next Sync succeeds, although the data that a process reads is
// not on disk.
func (h *simHandle) Sync() error {
	synced, err := h.d.call("sync "+h.name, func() {
		for _, c := range h.f.pending { // not the cached bytes: see below
			if c.data == nil {
				h.f.durable = resized(h.f.durable, c.at)
			} else {
				h.f.durable = written(h.f.durable, c.data, c.at)
			}
		}
		h.f.pending = nil
	}, nil)
	if err != nil && !synced && !h.d.dead {
		h.f.pending = nil
	}
	return err
}
