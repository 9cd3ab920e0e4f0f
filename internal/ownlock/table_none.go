//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows

package ownlock

// enterTable needs no table: these systems' locks exclude the own process too.
func enterTable(string) (leave func(), ok bool) { return func() {}, true }
