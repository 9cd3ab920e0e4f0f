package ownlock

import (
	"errors"
	"fmt"
	"os"
)

// lockFile fails: a page in a browser has no files that outlive it.
func lockFile(*os.File) (held bool, err error) {
	return false, fmt.Errorf("no file locks under js/wasm: %w", errors.ErrUnsupported)
}
