package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is the longest wait for an event that must come.
const patience = time.Minute

// TestMain is also the command itself.
func TestMain(m *testing.M) {
	if os.Getenv("ENGAGED_COMMAND") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// command is the program as a process of its own. It finds no toolchain to compile the
// page with, so that it starts at once.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), "ENGAGED_COMMAND=1", "PATH="+home, "HOME="+home, "XDG_CACHE_HOME="+home,
		"GORACE=atexit_sleep_ms=0") // else a process with -race takes a second to end
	return cmd
}

// runToEnd runs the command to its end.
func runToEnd(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := command(t, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestHelp(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"help"}, []string{"-addr", "-db"}},
		{[]string{"-h"}, []string{"-addr", "-db"}},
		{[]string{"--help"}, []string{"-addr", "-db"}},
		{[]string{"-demo", "-h"}, []string{"-addr", "-db"}},
		{[]string{"serve", "-h"}, []string{"engaged serve", "-addr", "-db", "clean, slow, mobile"}},
		{[]string{"help", "serve"}, []string{"engaged serve", "-addr", "-db"}},
		{[]string{"load", "-h"}, []string{"engaged load", "-clients", "-kill", "-json", "clean, slow, mobile"}},
		{[]string{"help", "load"}, []string{"engaged load", "-clients", "-kill", "-json"}},
		{[]string{"help", "version"}, nil},
	} {
		test.want = append(test.want, "engaged [serve] [flags]", "engaged load [flags]", "engaged version", "engaged help")
		_, stderr, status := runToEnd(t, test.args...)
		for _, want := range test.want {
			if status != 0 || !strings.Contains(stderr, want) {
				t.Errorf("%q: status %d, no %q in\n%s", test.args, status, want, stderr)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "-version", "--version", "serve -version"} {
		stdout, stderr, status := runToEnd(t, strings.Fields(args)...)
		if status != 0 || stderr != "" || !strings.HasPrefix(stdout, "engaged ") || !strings.Contains(stdout, runtime.Version()) || strings.Count(stdout, "\n") != 1 {
			t.Errorf("%s: status %d\n%s%s", args, status, stdout, stderr)
		}
	}
	build := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "GOOS", Value: "plan9"}, {Key: "GOARCH", Value: "386"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got, want := version(build), "engaged v1.2.3, revision abc with changes, go1.26.8 plan9/386"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := version(nil); !strings.HasPrefix(got, "engaged") {
		t.Errorf("%q", got)
	}
}

// TestMistakes: each ends the command with one line that names the mistake.
func TestMistakes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	busy := listener.Addr().String()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no database, and no folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		want []string
	}{
		{"dance", []string{`no command "dance"`, "serve", "load", "version", "engaged help"}},
		{"help dance", []string{`no command "dance"`}},
		{"version now", []string{`unexpected argument "now"`}},
		{"serve version", []string{`unexpected argument "version"`}},
		{"-rate NaN", []string{"-rate"}},
		{"-rate +Inf", []string{"-rate"}},
		{"-burst 2000000", []string{"-burst", "1000000"}},
		{"-address-header bad:", []string{"-address-header", `"bad:"`}},
		{"-host engaged.example:80", []string{"-host", `"engaged.example:80"`}},
		{"serve now", []string{`unexpected argument "now"`, "engaged serve -h"}},
		{"-bad", []string{"-bad", "engaged serve -h"}},
		{"serve -log-level loud", []string{"loud", "-log-level", "engaged serve -h"}},
		{"serve -db memory -addr " + busy, []string{"another program listens on " + busy, "-addr"}},
		{"serve -addr 127.0.0.1:0 -db " + file, []string{"-db " + file + " cannot be used"}},
		{"serve -addr 127.0.0.1:0 -db " + file + "/x.db", []string{"-db " + file + "/x.db cannot be used"}},
		{"serve -addr 127.0.0.1:0 -db memory -network nice", []string{"-network", `no network profile "nice"`, "clean, slow, mobile"}},
		{"load now", []string{`unexpected argument "now"`, "engaged load -h"}},
		{"load -bad", []string{"-bad", "engaged load -h"}},
		{"load -clients many", []string{"many", "-clients", "engaged load -h"}},
		{"load -clients -1", []string{"must not be negative"}},
		{"load -kill 5 -taps 5", []string{"more taps than kills"}},
		{"load -network nice", []string{"-network", `no network profile "nice"`, "clean, slow, mobile", "load"}},
		{"load -addr nowhere", []string{`"nowhere"`, "http://"}},
		{"load -addr ftp://localhost", []string{`"ftp://localhost"`, "http://"}},
		{"load -addr http://localhost/?a=b", []string{"http://"}},
		{"load -addr http://localhost -network slow", []string{"-network", "-addr"}},
		{"load -servers -1", []string{"-servers"}},
		{"load -kill-db -1", []string{"-kill-db"}},
		{"load -servers 3 -addr http://localhost", []string{"-addr", "-servers"}},
		{"load -servers 3 -db some.db", []string{"-db", "postgres://"}},
		{"load -db-down 1s", []string{"-db-down", "-kill-db"}},
		{"load -kill-db 1 -db-down -1s", []string{"-db-down"}},
		{"load -kill-db 1 -db postgres://localhost/x", []string{"-kill-db", "-db"}},
		{"load -streams 3", []string{"-streams"}},
		{"load -think -1s", []string{"-think"}},
		{"load -timeout -1s", []string{"timeout"}},
	} {
		stdout, stderr, status := runToEnd(t, strings.Fields(test.args)...)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if len(lines) == 2 && strings.Contains(lines[0], "the page cannot be built") {
			lines = lines[1:] // the server was to start
		}
		if status == 0 || stdout != "" || len(lines) != 1 || !strings.HasPrefix(lines[0], "engaged: ") {
			t.Errorf("%s: status %d\n%s%s", test.args, status, stdout, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%s: there is no %q in %q", test.args, want, lines[0])
			}
		}
	}
}

// TestServe: a signal ends the server soon and well, though somebody reads its events.
func TestServe(t *testing.T) {
	cmd := command(t, "serve", "-addr", "127.0.0.1:0", "-db", "memory")
	url := start(t, cmd)
	if page := get(t, url+"/"); !strings.Contains(page, "cannot be built") {
		t.Errorf("the page does not say why there is none: %.300s", page)
	}
	res, err := http.Get(url + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	events := bufio.NewReader(res.Body)
	if line, err := events.ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry:") {
		t.Fatalf("%q, %v", line, err)
	}
	began := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, cmd.Stderr)
	}
	// It takes some milliseconds; a stream that is not ended, the ten seconds of a request.
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to end", took)
	}
	if _, err := io.ReadAll(events); err != nil {
		t.Errorf("the events broke off: %v", err)
	}
}

// start starts a server and returns its address.
func start(t *testing.T, cmd *exec.Cmd) (url string) {
	t.Helper()
	cmd.Stderr = new(bytes.Buffer)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(stdout); ; {
		line, err := lines.ReadString('\n')
		if _, url, found := strings.Cut(strings.TrimSpace(line), "open "); found {
			return url
		}
		if err != nil {
			cmd.Wait()
			t.Fatalf("%q, %v\n%s", line, err, cmd.Stderr)
		}
	}
}

// TestBanner: the command says at once that it runs, and last where to look and how to end
// it; requests are told only to those who want to know.
func TestBanner(t *testing.T) {
	for _, level := range []string{"info", "debug"} {
		cmd := command(t, "serve", "-addr", "127.0.0.1:0", "-db", "memory", "-log-level", level)
		var all locked
		cmd.Stdout, cmd.Stderr = &all, &all
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := func(words string) string { return all.until(t, words) }
		said("the server runs at http://127.0.0.1:")
		_, url, _ := strings.Cut(said("Ctrl-C ends it"), "open ")
		url, _, _ = strings.Cut(url, "\n")
		before := len(all.String())
		for range 3 {
			get(t, url+"/healthz")
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		after := strings.TrimSpace(all.String()[before:])
		if lines := strings.Count(after, "msg=request"); lines != map[string]int{"info": 0, "debug": 3}[level] {
			t.Errorf("%s: after the banner:\n%s", level, after)
		}
	}
}

// locked is output of two streams of a process.
type locked struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *locked) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until waits for words, and returns the whole text up to the end of their line.
func (l *locked) until(t *testing.T, words string) string {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; runtime.Gosched() {
		if before, rest, ok := strings.Cut(l.String(), words); ok && strings.Contains(rest, "\n") {
			line, _, _ := strings.Cut(rest, "\n")
			return before + words + line
		}
	}
	t.Fatalf("never: %s\n%s", words, l.String())
	return ""
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
