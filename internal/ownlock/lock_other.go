//go:build plan9 || wasip1

package ownlock

import "os"

// lockFile leaves the exclusion to the table of this process.
func lockFile(*os.File) (held bool, err error) { return false, nil }
