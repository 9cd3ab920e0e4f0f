//go:build !unix

package pgcluster

import "syscall"

// account is who runs the server: who runs this process.
type account struct{}

// unprivileged says that there is no cluster here: its end could not be watched over.
func unprivileged() (account, error)          { return account{}, ErrMissing }
func (account) process() *syscall.SysProcAttr { return nil }
func (account) give(string) error             { return nil }
