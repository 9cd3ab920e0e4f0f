package optimist_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/optimist-go/optimist"

// ban says that a package must not import another, and why.
type ban struct {
	importer string // below the module; "" is the root package
	banned   string // an import path, or one that ends in "/..." for all below it
	deep     bool   // not through other packages either
	why      string
}

var bans = []ban{
	{"internal/engine", "sync", false, "the engine is pure: who calls it holds the lock"},
	{"internal/engine", "sync/atomic", false, "the engine is pure: who calls it holds the lock"},
	{"internal/engine", "context", false, "the engine never waits"},
	{"internal/engine", "time", false, "time is an input; engine.Time is a number"},
	{"internal/engine", "math/rand", false, "randomness is an input, or runs could not be repeated"},
	{"internal/engine", "math/rand/v2", false, "randomness is an input, or runs could not be repeated"},
	{"internal/engine", "crypto/rand", false, "randomness is an input, or runs could not be repeated"},
	{"internal/engine", "os", false, "the engine does no input or output"},
	{"internal/engine", "io", false, "the engine does no input or output"},
	{"internal/engine", "log", true, "what happens is an effect, not a line"},
	{"internal/engine", "log/slog", true, "what happens is an effect, not a line"},
	{"internal/engine", "reflect", false, "the engine never looks into the program's values"},
	{"internal/engine", "unsafe", false, "the engine never looks into the program's values"},
	{"internal/engine", module, false, "the engine knows nothing of its shell"},
	{"internal/engine", "fmt", true, "it is a sixth of the smallest page; see package errorf"},

	{"internal/replay", "sync", false, "a log is a machine: who has the turn uses it"},
	{"internal/replay", "sync/atomic", false, "a log is a machine: who has the turn uses it"},
	{"internal/replay", "context", false, "a log never waits"},
	{"internal/replay", "time", false, "nothing in a log depends on time"},
	{"internal/replay", module, false, "a log knows nothing of the shell, and calls no function of the program"},

	{"internal/serial", "sync", false, "it runs nothing: who calls it holds the lock"},
	{"internal/serial", "context", false, "it never waits"},
	{"internal/foreign", "sync", false, "it calls functions that are not ours: no lock is held by it"},
	{"internal/foreign", module, false, "each is one small tool"},
	{"internal/deepcopy", module, false, "each is one small tool"},

	{"", "fmt", true, "it is a sixth of the smallest page; see package errorf"},
	{"", "log/slog", true, "events are the log, and slog adds 90 KB to a page; see package sloglog"},
	{"", "log", true, "events are the log; see package sloglog"},
	{"", "encoding/json", true, "it adds 180 KB to a page that may not want it; see package jsonstored"},
	{"", "net/http", true, "it adds 2 MB to a page, and the transport is the program's"},
	{"", "net", true, "the transport is the program's"},
	{"", "database/sql", true, "journals are packages of their own"},
	{"", "testing", true, "test code stays out of programs; see package optimisttest"},
	{"", "os", false, "a page has no files; journals are packages of their own"},
	{"", "os/exec", true, "a page has no processes"},
	{"", "syscall/js", false, "the root runs everywhere, not only in a browser"},
	{"", "html/template", true, "showing values is the program's"},
	{"", "text/template", true, "showing values is the program's"},
	{"", "unsafe", false, "nothing here is worth it"},

	{"", module + "/httpsend", true, "net/http adds 2 MB to a page, and the transport is the program's"},
	{"httpsend", module + "/internal/...", false, "a transport uses what everybody can"},
	{"list", module + "/internal/engine", false, "a list is an index as a program could write it"},
	{"list", "fmt", true, "it is a sixth of the smallest page; see package errorf"},
	{"sloglog", module + "/internal/...", false, "a subscriber uses what everybody can"},
	{"jsonstored", module + "/internal/...", false, "a codec uses what everybody can"},
	{"optimisttest", module + "/internal/...", false, "a program's tests see what the program sees"},
	{"optimisttest", module + "/httpsend", true, "its network is for every transport"},
	{"internal/courier", module, false, "it keeps flights and knows no manager"},
	{"internal/courier", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/courier", "context", false, "it never waits"},
	{"internal/alarm", module, false, "it rings and knows no manager"},
	{"internal/hlc", module, false, "it is told the time"},
	{"internal/hlc", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/registry", module, false, "it finds names and knows no manager"},
	{"internal/registry", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/indexing", module, false, "it tells indexes and knows no manager"},
	{"internal/indexing", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/deadline", module, false, "it times any call and knows no manager"},
	{"internal/reread", module, false, "it is told what was read and knows no manager"},
	{"internal/reread", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/reread", "context", false, "it never waits"},
	{"internal/reread", "time", false, "it is told the time"},
	{"internal/policy", module, false, "it completes the policies of any manager"},
	{"internal/policy", "sync", false, "it is pure"},
	{"internal/stuck", module, false, "it waits for any functions and knows no manager"},
	{"internal/stuck", "sync", false, "it holds no lock"},
	{"internal/audience", module, false, "it delivers events of any kind and knows no manager"},
	{"internal/inbox", module, false, "each is one small tool"},
	{"internal/outbox", module, false, "it is told what to write and knows no manager"},
	{"internal/outbox", "sync", false, "it is pure: its caller holds the lock"},
	{"internal/outbox", "context", false, "it never waits"},
	{"internal/outbox", "time", false, "it is told the time"},
	{"journal", module, false, "the contract of journals imports nothing of ours"},
	{"journal", module + "/internal/...", false, "the contract of journals imports nothing of ours"},
	{"reason", module, false, "both sides of the manager say its words"},
	{"reason", module + "/internal/...", false, "both sides of the manager say its words"},
	{"event", module, false, "it has words only"},
	{"event", module + "/internal/...", false, "it has words only"},
	{"memjournal", module, false, "a journal imports the contract, not the manager"},
	{"filejournal", module, false, "a journal imports the contract, not the manager"},
	{"journaltest", module, false, "the contract as tests needs no manager"},
	{"sqlitejournal", module, false, "a journal imports the contract, not the manager"},
	{"idbjournal", module, false, "a journal imports the contract, not the manager"},

	{"server", module, true, "its clients are of any kind"},
	{"server", "database/sql", true, "databases are packages of their own"},
	{"server", "github.com/jackc/pgx/v5/...", true, "databases are packages of their own"},
	{"server/internal/fanout", "sync", false, "it is pure: who calls it holds the lock"},
	{"server/internal/fanout", "time", false, "it is pure: nothing in it depends on time"},
	{"server/internal/fanout", "context", false, "it never waits"},
	{"server/postgres", module + "/server/sqlite", true, "databases know each other by their contract only"},
	{"server/sqlite", module + "/server/postgres", true, "databases know each other by their contract only"},
}

func (b ban) forbids(path string) bool {
	if below, ok := strings.CutSuffix(b.banned, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == b.banned
}

// listed is what go list says about a package.
type listed struct {
	ImportPath, Name, Dir  string
	GoFiles, Imports, Deps []string
}

// goList lists the packages that match, as the platform sees them.
func goList(t *testing.T, platform []string, patterns ...string) []listed {
	t.Helper()
	args := append([]string{"list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Imports,Deps"}, patterns...)
	var found []listed
	for dec := json.NewDecoder(bytes.NewReader(run(t, platform, args...))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		t.Fatalf("go list %v found nothing", patterns)
	}
	return found
}

// run runs the go command.
func run(t *testing.T, environ []string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command here")
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// TestArchImports keeps the packages apart, on the machine and in the browser.
func TestArchImports(t *testing.T) {
	for _, platform := range [][]string{nil, {"GOOS=js", "GOARCH=wasm"}} {
		found := make(map[string]listed)
		for _, p := range goList(t, platform, "./...", "./sqlitejournal", "./server/...") {
			found[p.ImportPath] = p
		}
		for _, b := range bans {
			importer := strings.TrimSuffix(module+"/"+b.importer, "/")
			p, ok := found[importer]
			if !ok {
				t.Errorf("there is no package %s: the ban is out of date", importer)
				continue
			}
			paths := p.Imports
			if b.deep {
				paths = p.Deps
			}
			for _, path := range paths {
				if b.forbids(path) {
					t.Errorf("%s must not import %s: %s", importer, path, b.why)
				}
			}
		}
	}
}

// TestArchWorkspace holds the rules that are about all modules.
func TestArchWorkspace(t *testing.T) {
	forTests := func(path string) bool { return strings.HasSuffix(path, "test") }
	for _, p := range goList(t, nil, "work") {
		if p.Dir == "" {
			continue // listed but not there
		}
		for _, path := range p.Imports {
			ours := strings.HasPrefix(path, module+"/")
			switch {
			case forTests(p.ImportPath):
			case path == "testing" || strings.HasPrefix(path, "testing/"):
				t.Errorf("%s imports %s: only tests, and packages for tests, whose names end so, may", p.ImportPath, path)
			case ours && forTests(path):
				t.Errorf("%s imports %s: test code stays out of programs", p.ImportPath, path)
			}
			if strings.HasPrefix(p.ImportPath, module+"/engagement") && strings.HasPrefix(path, module+"/internal") {
				t.Errorf("%s imports %s: the application is the proof that the public interface suffices", p.ImportPath, path)
			}
		}
		var docs []string
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Error(err)
				continue
			}
			if f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" {
				docs = append(docs, name)
			}
		}
		if len(p.GoFiles) > 0 && len(docs) != 1 {
			t.Errorf("%s has %d package comments (%v): one says what the package is", p.ImportPath, len(docs), docs)
		}
	}
}

// TestArchNoRequirements keeps the promise that nothing comes with the module.
func TestArchNoRequirements(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?m)^\s*(require|replace|exclude|tool)\b.*`).Find(data); found != nil {
		t.Errorf("go.mod has %q: the root module requires nothing", found)
	}
	if _, err := os.Stat("go.sum"); err == nil {
		t.Error("there is a go.sum: the root module requires nothing")
	}
}

// TestArchPlatforms builds the root for the browser and for 32 bits.
func TestArchPlatforms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library for two more platforms")
	}
	for _, platform := range [][]string{{"GOOS=js", "GOARCH=wasm"}, {"GOOS=linux", "GOARCH=386"}} {
		t.Run(strings.Join(platform, ","), func(t *testing.T) {
			environ := append([]string{"CGO_ENABLED=0"}, platform...)
			run(t, environ, "build", ".", "./internal/engine", "./jsonstored", "./sloglog", "./memjournal")
			run(t, environ, "vet", ".", "./internal/engine")
		})
	}
}

// mostRootLines bounds the lines of code in the root, comments left out. The root is the shell:
// a rule that outgrows it becomes a machine below, which knows no lock and no Manager.
const mostRootLines = 5425

func TestArchRootIsThin(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			lines += linesOfCode(t, file)
		}
	}
	t.Logf("%d lines", lines)
	if lines > mostRootLines || lines < mostRootLines/2 {
		t.Errorf("the root has %d lines of code, at most %d are allowed", lines, mostRootLines)
	}
}

// linesOfCode counts the lines of a file on which there is more than a comment.
func linesOfCode(t *testing.T, name string) (lines int) {
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var s scanner.Scanner
	file := token.NewFileSet().AddFile(name, -1, len(src))
	s.Init(file, src, nil, 0)
	for last := 0; ; {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok == token.SEMICOLON && text == "\n" { // an end of a line is no code
			continue
		}
		first := file.Line(pos)
		if end := first + strings.Count(text, "\n"); end > last {
			lines += end - max(first-1, last)
			last = end
		}
	}
}

// TestArchWASMSize weighs the smallest page that uses the typed door.
func TestArchWASMSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library for the browser")
	}
	// The budget is 0.85 MB as a page travels: by brotli, whose result has 0.742 of the size of
	// gzip's; TestSmallestWasmSize of the application's page holds it. Only gzip is in the
	// standard library.
	const most = 1_145_000 // bytes, gzipped
	file := filepath.Join(t.TempDir(), "page.wasm")
	run(t, []string{"GOOS=js", "GOARCH=wasm"}, "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./internal/wasmsize")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var size counter
	zip, err := gzip.NewWriterLevel(&size, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zip.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d gzipped", len(data), size)
	if size > most {
		t.Errorf("the page has %d bytes gzipped, at most %d are allowed", size, most)
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
