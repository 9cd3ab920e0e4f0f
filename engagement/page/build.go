package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
)

// command is the package that is compiled.
const command = "github.com/optimist-go/optimist/engagement/cmd/page"

// flags make the file small, and the same at each place and time.
// Functions of this repository, and of a few packages that many others call, are not inlined: it
// makes the client 4 % smaller, and a tap is no slower than can be measured on a page.
var flags = []string{
	"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
	"-gcflags=github.com/optimist-go/optimist/...=-l",
	"-gcflags=reflect=-l", "-gcflags=time=-l", "-gcflags=context=-l", "-gcflags=syscall/js=-l",
}

// Options of a build. The zero value is ready for use.
type Options struct {
	// Dir is a folder of the module with the sources; empty: New finds it.
	Dir string
	// Cache is the folder for builds; empty: in the user's cache folder.
	Cache string
	// Progress gets a line for each step that takes time; nil: no lines are written.
	Progress io.Writer
}

// Build is a compiled client. Except for Squeeze it does not change.
type Build struct {
	Wasm     []byte // gzip
	Runtime  []byte // wasm_exec.js, which belongs to the compiler
	Hash     string // of both
	Compiled bool   // now, rather than earlier

	cache    string                 // folder; empty: the build is not kept
	squeezed atomic.Pointer[[]byte] // see Brotli
}

// New returns the client, compiled anew if its sources have changed. When they cannot be
// compiled it returns the last build.
func New(ctx context.Context, o Options) (*Build, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	var err error
	if o.Cache == "" {
		if o.Cache, err = cacheDir(); err != nil {
			return nil, err
		}
	}
	if o.Dir == "" {
		o.Dir = sourceDir()
	}
	b, err := current(ctx, o)
	if err == nil || ctx.Err() != nil {
		return b, err
	}
	b, lastErr := load(o.Cache, "last")
	if lastErr != nil {
		return nil, fmt.Errorf("the page cannot be built and was not built before: %w", err)
	}
	fmt.Fprintf(o.Progress, "page: cannot be built (%v); the last build is used\n", err)
	return b, nil
}

// current returns the build of the sources as they are.
func current(ctx context.Context, o Options) (*Build, error) {
	t, err := findToolchain(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	hash, err := t.hashOfSources(ctx)
	if err != nil {
		return nil, err
	}
	if b, err := load(o.Cache, hash); err == nil {
		return b, nil
	}
	fmt.Fprintln(o.Progress, "page: compiling the browser client; this takes a minute the first time")
	b, err := t.compile(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "page: compiled, %d KB compressed\n", len(b.Wasm)/1000)
	b.cache = o.Cache
	if err := errors.Join(keep(o.Cache, hash, b), keep(o.Cache, "last", b)); err != nil {
		fmt.Fprintf(o.Progress, "page: not kept for the next start: %v\n", err)
	}
	return b, nil
}

func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "engaged", "page"), nil
}

// sourceDir is the folder of this source file, if it still exists; else the working
// folder.
func sourceDir() string {
	if _, file, _, ok := runtime.Caller(0); ok {
		if _, err := os.Stat(file); err == nil {
			return filepath.Dir(file)
		}
	}
	return "."
}

// toolchain compiles for the browser.
type toolchain struct{ dir, version, root string }

func findToolchain(ctx context.Context, dir string) (toolchain, error) {
	out, err := toolchain{dir: dir}.run(ctx, "env", "GOVERSION", "GOROOT")
	if err != nil {
		return toolchain{}, err
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return toolchain{dir, strings.TrimSpace(version), strings.TrimSpace(root)}, nil
}

// run runs the command go, and returns its output.
func (t toolchain) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return stdout.Bytes(), nil
}

// hashOfSources returns a hash of all inputs of the build.
func (t toolchain) hashOfSources(ctx context.Context) (string, error) {
	files, err := t.run(ctx, "list", "-deps", "-f",
		`{{if not .Standard}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`, command)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s%q\n", t.version, flags)
	for file := range strings.Lines(string(files)) {
		file = strings.TrimSpace(file)
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(file), len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

func (t toolchain) compile(ctx context.Context) (*Build, error) {
	support, err := os.ReadFile(filepath.Join(t.root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, err
	}
	b := &Build{Compiled: true, Runtime: support}
	tmp, err := os.MkdirTemp("", "page")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "page.wasm")
	build := append(append([]string{"build", "-o", out}, flags...), command)
	if _, err := t.run(ctx, build...); err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if b.Wasm, err = zip(wasm, gzip.BestCompression); err != nil {
		return nil, err
	}
	b.Hash = hashOf(b.Wasm, b.Runtime)
	return b, nil
}

func hashOf(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
