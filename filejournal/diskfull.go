//go:build !windows && !plan9

package filejournal

import (
	"errors"
	"syscall"
)

// diskFull reports whether err means that there was no room, now or for this user.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
