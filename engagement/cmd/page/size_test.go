//go:build !js

package main

import (
	"os"
	"testing"

	"github.com/optimist-go/optimist/engagement/page"
)

// maxWasm is the greatest size of the client as it travels, in bytes, compressed by brotli.
// ARCHITECTURE.md has this budget.
const maxWasm = 1_250_000

// TestWasmSize takes a core some seconds after each change of the client, and no time else:
// the result is kept.
func TestWasmSize(t *testing.T) {
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
