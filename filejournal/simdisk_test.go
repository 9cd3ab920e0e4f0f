//go:build !plan9

package filejournal

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"

	"github.com/optimist-go/optimist/internal/ownlock"
)

// simDisk is a filesystem in memory that distinguishes the state for processes from
// the state after a loss of power, and makes chosen calls fail.
type simDisk struct {
	names   map[string]*simFile // as a process sees them
	durable map[string]*simFile // as they are after a loss of power
	renames []rename
	locked  bool

	calls  int             // so far, of every kind that can fail
	faults map[int]fault   // by number of the call
	dead   bool            // the process has been killed: nothing has an effect
	kinds  map[string]bool // of the calls so far
	struck []string        // the calls with faults, for messages
}

// rename is a change of names in one folder that is not yet durable.
type rename struct {
	folder string
	do     func(names map[string]*simFile)
}

// simFile is a file or a folder.
type simFile struct {
	folder  bool
	cached  []byte   // as a process sees it
	durable []byte   // as it is after a loss of power
	pending []change // between the two, in order
}

// change is a write at an offset, or if data is nil a truncation to it.
type change struct {
	at   int64
	data []byte
}

// pageSize is the unit of a torn write. It is small, so that small frames tear too.
const pageSize = 32

func newSimDisk() *simDisk {
	root := &simFile{folder: true}
	return &simDisk{
		names:   map[string]*simFile{"/": root},
		durable: map[string]*simFile{"/": root},
		faults:  make(map[int]fault),
		kinds:   make(map[string]bool),
	}
}

// restart is a new process after the old one is gone: with the power, or not.
func (d *simDisk) restart(how aftermath, rng *rand.Rand) {
	d.dead, d.locked = false, false
	if how == carryOn || how == killed || how == soon || how == late {
		return
	}
	kept := 0
	switch how {
	case keepAll, keepWrites:
		kept = len(d.renames)
	case keepSome:
		kept = rng.IntN(len(d.renames) + 1)
	}
	for _, r := range d.renames[:kept] {
		r.do(d.durable)
	}
	d.renames = nil
	d.names = make(map[string]*simFile)
	for name, f := range d.durable {
		lost := false
		for up := name; up != "/"; {
			up = filepath.Dir(up)
			lost = lost || d.durable[up] == nil
		}
		if lost {
			continue // its folder may get a name again, but that will be another one
		}
		f.losePower(how, rng)
		d.names[name] = f
	}
}

// losePower decides the fate of unsynced changes.
func (f *simFile) losePower(how aftermath, rng *rand.Rand) {
	for i, c := range f.pending {
		if c.data == nil {
			if how != loseAll && how != keepWrites && (how != keepSome || rng.IntN(2) == 0) {
				f.durable = resized(f.durable, c.at)
			}
			continue
		}
		data, at := c.data, c.at
		last := i == len(f.pending)-1
		switch {
		case how == loseAll:
			continue
		case how == tornFront && last: // the beginning is there, up to some byte
			data = data[:rng.IntN(len(data)+1)]
		case how == tornBack && last: // the end is there, the beginning is not
			skip := min(int64(len(data)), pageSize)
			data, at = data[skip:], at+skip
		}
		for len(data) > 0 {
			n := min(int64(len(data)), pageSize-at%pageSize)
			if how != keepSome || rng.IntN(2) == 0 {
				f.durable = written(f.durable, data[:n], at)
			}
			data, at = data[n:], at+n
		}
	}
	f.pending = nil
	f.cached = append([]byte(nil), f.durable...)
}

// resized returns b with another size. It may change b.
func resized(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}

// written returns b with data at an offset. It may change b.
func written(b, data []byte, at int64) []byte {
	b = resized(b, max(int64(len(b)), at+int64(len(data))))
	copy(b[at:], data)
	return b
}

func (d *simDisk) Lock(string) (io.Closer, error) {
	if d.locked {
		return nil, &ownlock.HeldError{Path: "simulated"}
	}
	_, err := d.call("lock", func() {}, nil)
	d.locked = err == nil
	return simLock{d}, err
}

type simLock struct{ *simDisk }

func (l simLock) Close() error { l.locked = false; return nil }

func (d *simDisk) Exists(name string) (exists bool, err error) {
	_, err = d.call("exists "+name, func() { exists = d.names[name] != nil }, nil)
	return exists, err
}

func (d *simDisk) Mkdir(name string) error {
	switch {
	case d.names[filepath.Dir(name)] == nil:
		return fs.ErrNotExist
	case d.names[name] != nil:
		return fs.ErrExist
	}
	_, err := d.call("mkdir "+name, func() { d.put(name, &simFile{folder: true}) }, nil)
	return err
}

// put names f, durably after the next SyncDir.
func (d *simDisk) put(name string, f *simFile) {
	d.change(name, func(names map[string]*simFile) { names[name] = f })
}

// change changes the names in the folder of name.
func (d *simDisk) change(name string, do func(names map[string]*simFile)) {
	do(d.names)
	d.renames = append(d.renames, rename{filepath.Dir(name), do})
}

func (d *simDisk) Open(name string) (file, error) {
	f := d.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	_, err := d.call("open "+name, func() {}, nil)
	return &simHandle{d, f, name}, err
}

func (d *simDisk) Create(name string) (file, error) {
	f := d.names[name]
	if f == nil {
		f = &simFile{}
	}
	_, err := d.call("create "+name, func() {
		d.put(name, f)
		f.truncate(0)
	}, nil)
	if err != nil {
		return nil, err
	}
	return &simHandle{d, f, name}, nil
}

func (d *simDisk) Rename(from, to string) error {
	_, err := d.call("rename "+from, func() {
		f := d.names[from]
		d.change(to, func(names map[string]*simFile) {
			names[to] = f
			delete(names, from)
		})
	}, nil)
	return err
}

func (d *simDisk) Remove(name string) error {
	_, err := d.call("remove "+name, func() {
		d.change(name, func(names map[string]*simFile) { delete(names, name) })
	}, nil)
	return err
}

// SyncDir makes the names in one folder durable, but not the folder's own.
func (d *simDisk) SyncDir(name string) error {
	_, err := d.call("syncdir "+name, func() {
		var left []rename
		for _, r := range d.renames {
			if r.folder == name {
				r.do(d.durable)
			} else {
				left = append(left, r)
			}
		}
		d.renames = left
	}, nil)
	return err
}
