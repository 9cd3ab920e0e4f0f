package fleet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement/fleet"
)

// TestMain is also a server of a fleet, and a process that has one.
func TestMain(m *testing.M) {
	switch addr := os.Getenv("FLEET_TEST"); addr {
	case "":
		os.Exit(m.Run())
	case "owner":
		own()
	case "broken":
		fmt.Fprintln(os.Stderr, "no database")
		os.Exit(1)
	default:
		serve(addr)
	}
}

// serve answers with its process id and its last setting.
func serve(addr string) {
	var told atomic.Value
	told.Store("")
	l, err := net.Listen("tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			os.Exit(3)
		}
		fmt.Fprint(w, os.Getpid(), told.Load())
	}))
	fleet.Serve(os.Stdin, os.Stdout, func(s string) error { told.Store(s); return nil })
}

// own starts a fleet, says where it is, and waits to be killed.
func own() {
	f, err := fleet.Start(context.Background(), fleet.Options{Servers: 1, Command: command})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(f.URLs()[0])
	select {}
}

func command(addr string) *exec.Cmd {
	self, _ := os.Executable()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "FLEET_TEST="+addr)
	return cmd
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

func start(t *testing.T, o fleet.Options) *fleet.Fleet {
	t.Helper()
	f, err := fleet.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestKilledServersComeBack: each in its turn, at the same address and with the last
// setting.
func TestKilledServersComeBack(t *testing.T) {
	f := start(t, fleet.Options{Servers: 2, Command: command, Ended: func(err error) { t.Error(err) }})
	if err := f.Tell("rain"); err != nil {
		t.Fatal(err)
	}
	urls := f.URLs()
	before := []string{get(t, urls[0]), get(t, urls[1])}
	if err := f.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := []string{get(t, urls[0]), get(t, urls[1])}
	if after[0] == before[0] || after[1] != before[1] || !strings.HasSuffix(after[0], "rain") {
		t.Errorf("before %q, after %q", before, after)
	}
	if err := f.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := get(t, urls[1]); now == before[1] || get(t, urls[0]) != after[0] {
		t.Errorf("before %q, now %q", before[1], now)
	}
}

// TestServerThatEndsByItself is told of.
func TestServerThatEndsByItself(t *testing.T) {
	ended := make(chan error, 1)
	f := start(t, fleet.Options{Servers: 1, Command: command, Ended: func(err error) { ended <- err }})
	http.Get(f.URLs()[0] + "/end")
	if err := <-ended; !strings.Contains(err.Error(), "ended by itself: exit status 3") {
		t.Error(err)
	}
}

// TestServerThatDoesNotStart: the error has the output of the server.
func TestServerThatDoesNotStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // it tries again
	defer cancel()
	_, err := fleet.Start(ctx, fleet.Options{Servers: 1, Command: func(string) *exec.Cmd { return command("broken") }})
	if err == nil {
		t.Error("it starts")
	}
}

// TestServersEndWithTheirOwner, though that is killed.
func TestServersEndWithTheirOwner(t *testing.T) {
	owner := command("owner")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url := strings.TrimSpace(line)
	if err != nil || !strings.HasPrefix(url, "http://") {
		t.Fatalf("%q, %v", line, err)
	}
	get(t, url)
	owner.Process.Kill()
	owner.Wait()
	for { // until nobody answers; the test has a bound
		res, err := http.Get(url)
		if err != nil {
			return
		}
		res.Body.Close()
	}
}
