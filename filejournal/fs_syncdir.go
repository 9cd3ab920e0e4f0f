//go:build !windows && !plan9 && !js && !wasip1

package filejournal

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir does nothing on file systems that cannot sync a folder.
func (osFS) SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if closeErr := dir.Close(); err == nil {
		err = closeErr
	}
	return err
}
