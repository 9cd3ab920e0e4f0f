package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// figures are the fields of the JSON that "engaged load -json" writes.
var figures = []string{
	"calls", "callsSaved", "clients", "conflicts", "divergence", "duplicates", "durable", "effects", "follow", "held", "kills", "lost",
	"lostOperations", "missedEvents", "parked", "request", "requests", "requestsPerSecond", "restored", "retries", "rollbacks", "sentToFollower", "servers", "settle",
	"taps", "tookNs", "unknownKeys", "viewers", "visible",
}

// read parses the output of the command, which must be one JSON value.
func read(t *testing.T, stdout string) map[string]any {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v in\n%s", err, stdout)
	}
	for _, name := range figures {
		if _, ok := report[name]; !ok {
			t.Errorf("there is no %q in %s", name, stdout)
		}
	}
	return report
}

func TestLoad(t *testing.T) {
	stdout, stderr, status := runToEnd(t, "load", "-json", "-clients", "4", "-taps", "80", "-think", "1ms", "-viewers", "3")
	report := read(t, stdout)
	if status != 0 || report["held"] != true || report["taps"] != 80.0 || report["clients"] != 4.0 || report["viewers"] != 3.0 || report["kills"] != 0.0 {
		t.Errorf("status %d: %s", status, stdout)
	}
	if names := slices.Sorted(maps.Keys(report)); !slices.Equal(names, figures) {
		t.Errorf("the fields are %q", names)
	}
	stderr = left.ReplaceAllString(stderr, "") // said only where it takes long
	for _, want := range []string{"signing in\nsigning in 1/4\n", "viewers 3/3\n", "\ntapping\ntapping 8/80\n", "\nsettling\n", "\ncomparing\n", "\ncounting\n", "\nauditing\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("there is no %q in %q", want, stderr)
		}
	}
	follow := report["follow"].(map[string]any)
	if report["requestsPerSecond"] == 0.0 || follow["p50Ns"] == 0.0 || follow["maxNs"].(float64) < follow["p50Ns"].(float64) {
		t.Errorf("%s", stdout)
	}
}

// left is the time that a line of progress expects to be left.
var left = regexp.MustCompile(`, \d+\S* left`)

// spaces are the columns of the table.
var spaces = regexp.MustCompile(` +`)

// TestLoadWithKills: the processes of the clients are this command as well.
func TestLoadWithKills(t *testing.T) {
	stdout, stderr, status := runToEnd(t, "load", "-clients", "4", "-taps", "120", "-think", "5ms", "-kill", "2", "-processes", "2")
	for _, want := range []string{"\nprocesses killed 2 ", "\nlost operations 0 ", "as it must be\nPASS\n"} {
		if status != 0 || !strings.Contains(spaces.ReplaceAllString(stdout, " "), want) {
			t.Errorf("status %d, no %q in\n%s%s", status, want, stdout, stderr)
		}
	}
}

// TestLoadThatDoesNotHold: of a server whose feed counts one like too many.
func TestLoadThatDoesNotHold(t *testing.T) {
	server := command(t, "serve", "-addr", "127.0.0.1:0", "-db", "memory", "-rate", "-1")
	address, err := url.Parse(start(t, server))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(address)
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/posts" || r.Method != "GET" {
			proxy.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		w.Write([]byte(strings.ReplaceAll(answer.Body.String(), `"likesCount":`, `"likesCount":1`)))
	}))
	defer liar.Close()
	stdout, stderr, status := runToEnd(t, "load", "-json", "-clients", "2", "-taps", "40", "-think", "1ms", "-addr", liar.URL)
	report := read(t, stdout)
	if status != 1 || report["held"] != false || report["divergence"] == 0.0 || !strings.HasSuffix(stderr, "engaged: a promise was broken\n") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLoadThatIsInterrupted ends at once, in one line.
func TestLoadThatIsInterrupted(t *testing.T) {
	cmd := command(t, "load", "-clients", "4", "-taps", "1000000")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && lines.Text() != "tapping" {
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != 1 || !slices.Equal(rest, []string{"engaged: interrupted"}) {
		t.Errorf("status %d: %q", status, rest)
	}
}
