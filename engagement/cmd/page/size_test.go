//go:build !js

package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/optimist-go/optimist/engagement/page"
)

// maxWasm is the greatest size of the client as it travels, in bytes, compressed by brotli.
// ARCHITECTURE.md has this budget.
const maxWasm = 1_250_000

// TestWasmSize takes a core some seconds after each change of the client, and no time else:
// the result is kept. The race detector would make minutes of them, so a process without it
// compresses.
func TestWasmSize(t *testing.T) {
	if raceDetector {
		out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^TestWasmSize$", ".").CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Error("without the race detector: ", err)
		}
		return
	}
	b, err := page.New(t.Context(), page.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Squeeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes by brotli, %d by gzip", len(b.Brotli()), len(b.Wasm))
	if len(b.Brotli()) > maxWasm {
		t.Errorf("the client is %d bytes compressed, at most %d are allowed", len(b.Brotli()), maxWasm)
	}
}
