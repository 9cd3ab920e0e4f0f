//go:build !unix

package pgcluster

import "syscall"

// account is the system account that runs the server: here always the account of this
// process.
type account struct{}

// unprivileged returns ErrMissing: on this system no watcher process could end the
// cluster.
func unprivileged() (account, error)          { return account{}, ErrMissing }
func (account) process() *syscall.SysProcAttr { return nil }
func (account) give(string) error             { return nil }
