package filejournal

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// place is where a live record stands in the log.
type place struct {
	at   int64 // offset in the file
	size int   // bytes that it takes there
}

// newLog is a log being written beside the one in use.
type newLog struct {
	fs     filesystem
	name   string
	file   file
	salt   salt
	end    int64 // bytes written to file
	frame  []byte
	places map[uint64]place
	bytes  int64 // sum of the sizes of places
}

// newLogFrame is the size in bytes at which a frame of a new log is written out.
// Several frames instead of one leave more to read if one is damaged.
const newLogFrame = 1 << 16

func startLog(fs filesystem, name string) (*newLog, error) {
	f, err := fs.Create(name)
	if err != nil {
		return nil, err
	}
	w := &newLog{fs: fs, name: name, file: f, salt: newSalt(), places: make(map[uint64]place)}
	return w, w.write(appendHeader(nil, w.salt))
}

// add appends a live record, in the bytes that appendRecord made.
func (w *newLog) add(seq uint64, raw []byte) error {
	if len(w.frame) == 0 {
		w.frame = beginFrame(w.frame)
	}
	w.places[seq] = place{at: w.end + int64(len(w.frame)), size: len(raw)}
	w.bytes += int64(len(raw))
	w.frame = append(w.frame, raw...)
	if len(w.frame) < newLogFrame {
		return nil
	}
	return w.flush()
}

func (w *newLog) flush() error {
	if len(w.frame) == 0 {
		return nil
	}
	endFrame(w.frame, w.salt, w.end)
	err := w.write(w.frame)
	w.frame = w.frame[:0]
	return err
}

func (w *newLog) write(b []byte) error {
	n, err := w.file.WriteAt(b, w.end)
	w.end += int64(n)
	return err
}

// finish makes the file durable under its own name and closes it. It syncs even
// when the journal's writes do not: the rename that follows discards a good log.
func (w *newLog) finish() error {
	err := w.flush()
	if err == nil {
		err = w.file.Sync()
	}
	if closeErr := w.file.Close(); err == nil {
		err = closeErr
	}
	w.file = nil
	return err
}

// discard removes the new log. A file that it cannot remove wastes space until the
// next new log replaces it, and does no harm.
func (w *newLog) discard() {
	if w.file != nil {
		_ = w.file.Close()
	}
	_ = w.fs.Remove(w.name)
}

// install replaces the log at name, which must not be open, durably by a finished
// one. After an error either of the two may be there.
func (w *newLog) install(name string) error {
	if err := w.fs.Rename(w.name, name); err != nil {
		return err
	}
	return w.fs.SyncDir(filepath.Dir(name))
}

// ensureDir makes dir and the missing folders above it. Their names are durable
// only after syncAbove.
func ensureDir(fsys filesystem, dir string) error {
	err := fsys.Mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = ensureDir(fsys, filepath.Dir(dir)); err != nil {
			return err
		}
		err = fsys.Mkdir(dir)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// syncAbove makes the names of dir and of all folders above it durable: an existing
// folder may be left from an Open that was killed before its syncAbove. It skips
// folders that may not be read, because Open did not make them.
func syncAbove(fsys filesystem, dir string) error {
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		if err := fsys.SyncDir(up); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}
