package filejournal

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/optimist-go/optimist/journal"
)

// Repaired is the result of [Repair].
type Repaired struct {
	// Records is the number of live records that could be read.
	Records int
	// Aside is the name of the copy of the damaged log, empty if the log was not damaged.
	Aside string
}

// Repair makes a sound journal of a damaged one: it copies the damaged log to a file
// beside it, journal.damaged-1 or the next free number, and then replaces it by a log
// with all readable records. A sound journal is not changed.
//
// The intact frames are readable. A record of a lost frame is missing, or has its state
// from before that frame: a settled operation may be live again, and is then sent once
// more with its own key. An operation that depended on an operation with a lost record
// waits no longer.
//
// Repair needs the journal to have no owner; its errors are the errors of [Open]. After
// a crash during Repair there is either the damaged log or the sound one.
func Repair(dir string) (Repaired, error) { return repair(osFS{}, dir) }

func repair(fsys filesystem, dir string) (done Repaired, err error) {
	j, err := open(fsys, dir, Options{})
	if err != nil {
		return Repaired{}, err
	}
	defer func() {
		if closeErr := j.Close(); err == nil {
			err = closeErr
		}
	}()
	live, err := j.Load()
	if !errors.Is(err, journal.ErrCorrupt) {
		return Repaired{Records: len(live)}, err
	}

	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	aside, err := j.setAsideLocked()
	if err != nil {
		return Repaired{}, failure("set aside", j.name, err)
	}
	w, err := startLog(fsys, filepath.Join(filepath.Dir(j.name), newName))
	for i := 0; err == nil && i < len(live); i++ {
		err = w.add(live[i].Seq, appendRecord(nil, live[i]))
	}
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		if w != nil {
			w.discard()
		}
		return Repaired{}, failure("repair", j.name, err)
	}
	_ = j.log.Close()
	j.log = nil
	if err = w.install(j.name); err != nil {
		return Repaired{}, failure("replace", j.name, err)
	}
	return Repaired{Records: len(live), Aside: aside}, nil
}

// setAsideLocked copies the log, durably, to a free name.
func (j *Journal) setAsideLocked() (name string, err error) {
	for n, exists := 1, true; exists; n++ {
		name = filepath.Join(filepath.Dir(j.name), fmt.Sprintf("journal.damaged-%d", n))
		if exists, err = j.fs.Exists(name); err != nil {
			return "", err
		}
	}
	size, err := j.log.Size()
	if err != nil {
		return "", err
	}
	to, err := j.fs.Create(name)
	if err != nil {
		return "", err
	}
	buf := make([]byte, 1<<16)
	for at := int64(0); err == nil && at < size; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), size-at)]
		if _, err = j.log.ReadAt(buf, at); err == nil {
			_, err = to.WriteAt(buf, at)
		}
	}
	if err == nil {
		err = to.Sync()
	}
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(name))
	}
	return name, err
}
