package filejournal

import (
	"errors"
	"path/filepath"

	"github.com/optimist-go/optimist/internal/groupcommit"
)

const (
	logName  = "journal.log"
	lockName = "journal.lock"
	newName  = "journal.new"
)

// Open opens the journal in the folder dir, which it makes if it is missing. The
// journal's owner is then this process. Open cuts off a write that a crash left
// unfinished.
//
// The error wraps [journal.ErrOwned] if the journal has another owner,
// [ErrVersion] if it was written by another version of this package,
// [errors.ErrUnsupported] where there are no files, and otherwise
// [journal.ErrFailed] and the system's error. Damage is not an error of Open:
// [Journal.Load] reports it.
func Open(dir string, options Options) (*Journal, error) {
	return open(osFS{}, dir, options)
}

func open(fsys filesystem, dir string, options Options) (*Journal, error) {
	options, err := options.normal()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, failure("open", dir, err)
	}
	if err = ensureDir(fsys, dir); err != nil {
		return nil, failure("make folder", dir, err)
	}
	lock, err := fsys.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return nil, lockFailure(dir, err)
	}
	j := &Journal{
		fs: fsys, name: filepath.Join(dir, logName), options: options,
		lock: lock, places: make(map[uint64]place),
	}
	j.queue = groupcommit.NewQueue(groupLimit, j.flush)
	j.ioMu.Lock()
	defer j.ioMu.Unlock()
	if err = j.openLocked(); err != nil {
		if j.log != nil {
			_ = j.log.Close()
		}
		_ = lock.Close()
		return nil, err
	}
	return j, nil
}

// openLocked opens the log, writing an empty one if there is none, and restores
// the state of the journal from it.
func (j *Journal) openLocked() error {
	exists, err := j.fs.Exists(j.name)
	if err != nil {
		return failure("look for", j.name, err)
	}
	if exists {
		// The process before may have died between a rename and the sync of the folder.
		err = j.fs.SyncDir(filepath.Dir(j.name))
	} else {
		err = j.createLog()
	}
	if err != nil {
		return failure("make durable", j.name, err)
	}
	if j.log, err = j.fs.Open(j.name); err != nil {
		return failure("open", j.name, err)
	}
	size, err := j.log.Size()
	if err != nil {
		return failure("read the size of", j.name, err)
	}
	found, err := scan(j.log, size, j.noteLocked)
	if errors.Is(err, ErrVersion) {
		return err
	}
	if err != nil {
		return failure("read", j.name, err)
	}
	j.salt, j.end, j.sealed = found.salt, found.end, found.sealed
	if found.damaged {
		j.damage = corruption(j.name, found.at)
		return nil // a damaged log is not written any more, so its end is not repaired
	}
	if size > j.end {
		if err = j.log.Truncate(j.end); err != nil {
			return failure("cut off an unfinished write of", j.name, err)
		}
	}
	// The process before may have died between writing and syncing. The records that
	// Load returns must be as durable as if it had synced them.
	return j.syncLocked()
}

// createLog writes an empty log and installs it.
func (j *Journal) createLog() error {
	dir := filepath.Dir(j.name)
	w, err := startLog(j.fs, filepath.Join(dir, newName))
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		if w != nil {
			w.discard()
		}
		return err
	}
	// Before the log gets its name: the folders above an existing log are then known
	// to be synced.
	if err = syncAbove(j.fs, dir); err != nil {
		return err
	}
	return w.install(j.name)
}
