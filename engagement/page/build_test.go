package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// workshop is a toolchain that compiles in no time, its one source, and a cache.
type workshop struct {
	t           *testing.T
	dir, source string
}

func newWorkshop(t *testing.T) workshop {
	if runtime.GOOS == "windows" {
		t.Skip("the toolchain of this test is a shell script")
	}
	w := workshop{t, t.TempDir(), ""}
	w.source = w.write("page.go", "one\n")
	w.write("lib/wasm/wasm_exec.js", "the runtime")
	w.setTool("")
	t.Setenv("PATH", w.dir)
	return w
}

func (w workshop) write(name, text string) string {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// setTool makes the toolchain anew. It fails in one of its commands, with some words.
func (w workshop) setTool(broken string) {
	w.write("go", fmt.Sprintf(`#!/bin/sh
if [ "$1" = "%[3]s" ]; then echo "no more $1" >&2; exit 1; fi
case "$1 $2" in
"env GOVERSION") echo go9.99; echo "%[1]s" ;;
"list -deps") echo "%[2]s" ;;
"build -o") read -r text < "%[2]s"; echo "compiled $text" > "$3" ;;
esac
`, w.dir, w.source, broken))
}

// build makes the page and returns its progress lines.
func (w workshop) build() (*Build, string, error) {
	var told strings.Builder
	b, err := New(w.t.Context(), Options{Dir: w.dir, Cache: filepath.Join(w.dir, "cache"), Progress: &told})
	return b, told.String(), err
}

// mustBuild makes the page, wants it to contain a text, and returns it and the
// progress lines.
func (w workshop) mustBuild(text string) (*Build, string) {
	w.t.Helper()
	b, told, err := w.build()
	if err != nil {
		w.t.Fatal(err)
	}
	if wasm, err := unzip(b.Wasm); err != nil || string(wasm) != text || string(b.Runtime) != "the runtime" {
		w.t.Fatalf("%q, %q, %v", wasm, b.Runtime, err)
	}
	return b, told
}

const compiled = "page: compiling the browser client; this takes a minute the first time\npage: compiled, 0 KB compressed\n"

func TestBuild(t *testing.T) {
	w := newWorkshop(t)
	first, told := w.mustBuild("compiled one\n")
	if !first.Compiled || told != compiled {
		t.Errorf("the first time: %v, %q", first.Compiled, told)
	}
	again, told := w.mustBuild("compiled one\n")
	if again.Compiled || told != "" || again.Hash != first.Hash || !bytes.Equal(again.Wasm, first.Wasm) {
		t.Errorf("the same again: %v, %q", again.Compiled, told)
	}
	w.write("page.go", "two\n")
	changed, told := w.mustBuild("compiled two\n")
	if !changed.Compiled || told != compiled || changed.Hash == first.Hash {
		t.Errorf("when a source has changed: %v, %q", changed.Compiled, told)
	}
	w.write("page.go", "one\n")
	if back, told := w.mustBuild("compiled one\n"); back.Compiled || told != "" || back.Hash != first.Hash {
		t.Errorf("when it is as before: %v, %q", back.Compiled, told)
	}
}

// TestBrokenToolchain: after a failure of any part of it the last build is used, and a
// line says so.
func TestBrokenToolchain(t *testing.T) {
	w := newWorkshop(t)
	for _, broken := range []string{"env", "list", "build"} {
		w.setTool(broken)
		if _, _, err := w.build(); err == nil || !strings.Contains(err.Error(), "not built before: go "+broken) {
			t.Errorf("%s, nothing built before: %v", broken, err)
		}
	}
	w.setTool("")
	w.mustBuild("compiled one\n")
	w.write("page.go", "two\n")
	for _, broken := range []string{"env", "list", "build"} {
		w.setTool(broken)
		b, told := w.mustBuild("compiled one\n")
		if want := "no more " + broken + "); the last build is used\n"; b.Compiled || !strings.HasSuffix(told, want) {
			t.Errorf("%s: %v, %q", broken, b.Compiled, told)
		}
	}
}

// TestNoCache: a build that cannot be kept is used all the same.
func TestNoCache(t *testing.T) {
	w := newWorkshop(t)
	w.write("cache", "a file where the folder should be")
	if b, told := w.mustBuild("compiled one\n"); !b.Compiled || !strings.Contains(told, "page: not kept for the next start: ") {
		t.Errorf("%v, %q", b.Compiled, told)
	}
}

// TestInterrupted: who goes away gets no old page.
func TestInterrupted(t *testing.T) {
	w := newWorkshop(t)
	w.mustBuild("compiled one\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Options{Dir: w.dir, Cache: filepath.Join(w.dir, "cache")}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSqueeze: the client is there as gzip at once and by brotli later, for each name under
// which it is kept, and after a change of the sources no longer.
func TestSqueeze(t *testing.T) {
	w := newWorkshop(t)
	first, _ := w.mustBuild("compiled one\n")
	h, err := NewHandler(first, nil, nil, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	served := func(want string) []byte {
		t.Helper()
		answer := get(t, h, "/page.wasm", "Accept-Encoding", "gzip, br")
		if got := answer.Header().Get("Content-Encoding"); got != want || answer.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q, want %q", got, want)
		}
		return answer.Body.Bytes()
	}
	served("gzip")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := first.Squeeze(ctx); !errors.Is(err, context.Canceled) || first.Brotli() != nil {
		t.Errorf("given up: %v", err)
	}
	if err := first.Squeeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if wasm, err := io.ReadAll(brotli.NewReader(bytes.NewReader(served("br")))); err != nil || string(wasm) != "compiled one\n" {
		t.Errorf("%q, %v", wasm, err)
	}
	if again, _ := w.mustBuild("compiled one\n"); !bytes.Equal(again.Brotli(), first.Brotli()) {
		t.Error("not kept for the next start")
	}
	w.setTool("build")
	w.write("page.go", "two\n")
	if last, _ := w.mustBuild("compiled one\n"); !bytes.Equal(last.Brotli(), first.Brotli()) {
		t.Error("the last build has lost it")
	}
	w.setTool("")
	if changed, _ := w.mustBuild("compiled two\n"); changed.Brotli() != nil {
		t.Error("a changed client is served as it was")
	}
}
