//go:build windows || plan9 || js || wasip1

package filejournal

// SyncDir does nothing: these systems have no call for it.
func (osFS) SyncDir(string) error { return nil }
