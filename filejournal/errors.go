package filejournal

import (
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/internal/ownlock"
	"github.com/optimist-go/optimist/journal"
)

// ErrVersion says that another version of this package has written the log. Open
// returns it and leaves the log as it is; use the program that wrote it, or a
// newer one.
var ErrVersion = errors.New("filejournal: unknown version of the log")

// failure returns an error of the medium after which the journal stops.
func failure(op, name string, err error) error {
	return fmt.Errorf("filejournal: %s %s: %w (%w; open it again when the disk is well)",
		op, name, err, journal.ErrFailed)
}

// refusal returns an error of the medium that did no harm.
func refusal(op, name string, err error) error {
	return fmt.Errorf("filejournal: %s %s: %w (%w; make room and write again)",
		op, name, err, journal.ErrRefused)
}

// corruption returns the error for damage that begins at an offset of the log.
func corruption(name string, at int64) error {
	return fmt.Errorf("filejournal: %s is damaged at byte %d: %w (Repair sets it aside and keeps the readable records)",
		name, at, journal.ErrCorrupt)
}

// lockFailure returns the error for an owner's lock that could not be taken.
func lockFailure(dir string, err error) error {
	var held *ownlock.HeldError
	if errors.As(err, &held) {
		return fmt.Errorf("filejournal: open %s: %w (%w; close it there, or wait for that process to end)",
			dir, err, journal.ErrOwned)
	}
	return failure("lock", dir, err)
}

func closed(name string) error {
	return fmt.Errorf("filejournal: %s: %w", name, journal.ErrClosed)
}
