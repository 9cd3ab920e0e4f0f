//go:build !js

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/optimist-go/optimist/engagement/page"

	// The client, which is weighed: go test keeps no result from before a change of it.
	_ "github.com/optimist-go/optimist/engagement/transport/browser"
	_ "github.com/optimist-go/optimist/engagement/web"
	_ "github.com/optimist-go/optimist/idbjournal"
)

// The greatest sizes as they travel, in bytes, compressed by brotli. ARCHITECTURE.md has this
// budget.
const (
	maxWasm     = 1_250_000 // the client of the application
	maxSmallest = 850_000   // the smallest program with the library
)

// TestWasmSize takes a core some seconds after each change of the client, and no time else:
// the result is kept.
func TestWasmSize(t *testing.T) {
	files, err := filepath.Glob("../../*/*_js.go") // go test looks at them before it takes a kept result
	if err != nil || len(files) == 0 {
		t.Fatal("no file of the client: ", err)
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	if !compresses(t) {
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

// TestSmallestWasmSize weighs the smallest program, which takes a core half a minute.
func TestSmallestWasmSize(t *testing.T) {
	if testing.Short() {
		t.Skip("compresses for half a minute")
	}
	if !compresses(t) {
		return
	}
	file := filepath.Join(t.TempDir(), "smallest.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "github.com/optimist-go/optimist/internal/wasmsize")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	w := brotli.NewWriterOptions(&small, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24})
	if _, err := w.Write(wasm); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes by brotli, %d as they are", small.Len(), len(wasm))
	if small.Len() > maxSmallest {
		t.Errorf("the smallest program is %d bytes compressed, at most %d are allowed", small.Len(), maxSmallest)
	}
}

// compresses reports whether the test is to compress here. The race detector would make
// minutes of it, so a process without it runs the test instead.
func compresses(t *testing.T) bool {
	if !raceDetector {
		return true
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^"+t.Name()+"$", ".").CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error("without the race detector: ", err)
	}
	return false
}
