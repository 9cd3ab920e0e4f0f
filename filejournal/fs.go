package filejournal

import (
	"errors"
	"io"
	"os"

	"github.com/optimist-go/optimist/internal/ownlock"
)

// filesystem has all system calls of the journal. Tests replace it by a filesystem
// that fails, tears writes and forgets. Names are whole paths. Errors are errors
// of package os: errors.Is knows fs.ErrNotExist and the system's error numbers.
type filesystem interface {
	// Lock takes the owner's lock or fails at once with an *ownlock.HeldError.
	Lock(name string) (io.Closer, error)
	// Mkdir makes one folder, readable by its owner alone.
	Mkdir(name string) error
	// Open opens an existing file for reading and writing.
	Open(name string) (file, error)
	// Create opens an empty file for reading and writing, emptying one that exists.
	Create(name string) (file, error)
	// Exists reports whether there is a file of that name.
	Exists(name string) (bool, error)
	// Rename puts a file in the place of another, atomically. Neither is open.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
}

// file is an open file. It is never used by two goroutines at once.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
}

// osFS is the real filesystem.
type osFS struct{}

func (osFS) Lock(name string) (io.Closer, error) { return ownlock.Acquire(name) }
func (osFS) Mkdir(name string) error             { return os.Mkdir(name, 0o700) }
func (osFS) Rename(from, to string) error        { return os.Rename(from, to) }
func (osFS) Remove(name string) error            { return os.Remove(name) }

func (osFS) Open(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	return osFile{f}, err
}

func (osFS) Create(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	return osFile{f}, err
}

func (osFS) Exists(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// osFile adds Size to a file.
type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
