package ownlock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSecondOwnerIsRefusedUntilTheFirstIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err = Acquire(path); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Fatalf("second Acquire = %v, want a HeldError of this process", err)
	}
	for range 2 {
		if err = first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	second, err := Acquire(path)
	if err != nil {
		t.Fatalf("Acquire after Close: %v", err)
	}
	defer second.Close()
	if _, err = Acquire(path); !errors.As(err, &held) {
		t.Fatalf("a refused Acquire or a second Close let go of the lock: %v", err)
	}
}

func TestLockInAMissingFolder(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "none", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want not-exist", err)
	}
}

func TestStrangeContentIsNoOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, []byte("not a number"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
