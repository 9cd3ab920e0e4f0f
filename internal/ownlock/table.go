//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package ownlock

import (
	"path/filepath"
	"sync"
)

var (
	tableMu sync.Mutex
	// table holds the paths that this process has locked. It stands in where the
	// system's locks are per process (fcntl) or missing.
	table = make(map[string]bool)
)

// enterTable claims path within this process.
func enterTable(path string) (leave func(), ok bool) {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if resolved, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(resolved, filepath.Base(path))
	}
	tableMu.Lock()
	defer tableMu.Unlock()
	if table[path] {
		return nil, false
	}
	table[path] = true
	return func() {
		tableMu.Lock()
		defer tableMu.Unlock()
		delete(table, path)
	}, true
}
