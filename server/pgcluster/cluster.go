// Package pgcluster runs private PostgreSQL clusters in temporary folders, for tests and
// for runs that have to stop and kill a database.
//
// A cluster ends with [Cluster.Close], and also when the process that started it ends in
// any other way: a watcher process ends it. The cluster listens on the loopback address
// and on a Unix socket, and needs a password. It does not sync its files unless a setting
// says so: a crash of the machine may destroy its data.
package pgcluster

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrMissing says that the machine has no PostgreSQL server programs, neither in PATH nor
// in /usr/lib/postgresql.
var ErrMissing = errors.New("there are no PostgreSQL server programs (initdb, pg_ctl) on this machine")

// Mode is a way to stop a cluster.
type Mode string

// Modes.
const (
	// Fast ends all connections and writes all changes to disk.
	Fast Mode = "fast"
	// Immediate ends all processes at once; the next start recovers.
	Immediate Mode = "immediate"
)

// Cluster is one private PostgreSQL cluster. It is safe for concurrent use.
type Cluster struct {
	bin      string // folder of the server programs
	folder   string // owned by owner; removed by the watcher
	owner    account
	port     int
	password string
	settings []string

	mu      sync.Mutex // one start, stop or kill at a time
	watcher *exec.Cmd
	alive   io.Closer // the watcher acts when this closes
}

// Start starts a cluster and returns when it answers, after about a second. The settings
// are settings of postgresql.conf, for example "fsync=on". The error is [ErrMissing] when
// the machine has no PostgreSQL.
func Start(settings ...string) (*Cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	// Paths of Unix sockets are limited to about 100 bytes.
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp"
	}
	folder, err := os.MkdirTemp(parent, "pg")
	if err != nil {
		return nil, fmt.Errorf("pgcluster: make a folder: %w", err)
	}
	c := &Cluster{bin: bin, folder: folder, owner: owner, password: rand.Text(), settings: settings}
	if err := c.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := c.create(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	// Another process may take the free port before the server does.
	for range 3 {
		if c.port, err = freePort(); err != nil {
			break
		}
		if err = c.Start(); err == nil {
			return c, nil
		}
	}
	return nil, errors.Join(err, c.Close())
}

// URL returns the URL of a database of the cluster, by TCP, for a user with all rights.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", c.password),
		Host:     c.Address(),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Socket returns the URL of a database of the cluster by the Unix socket.
func (c *Cluster) Socket(database string) string {
	q := url.Values{"sslmode": {"disable"}, "host": {c.folder}, "port": {strconv.Itoa(c.port)}}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", c.password),
		Path:     "/" + database,
		RawQuery: q.Encode(),
	}
	return u.String()
}

// Address returns the host and port on which the cluster listens. They stay the same.
func (c *Cluster) Address() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))
}

// Start starts the cluster again after Stop or Kill. A cluster that runs already is an
// error.
func (c *Cluster) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	options := []string{
		"-c listen_addresses=127.0.0.1",
		"-c port=" + strconv.Itoa(c.port),
		"-c unix_socket_directories=" + c.folder,
		"-c max_connections=200",
		"-c fsync=off",
		"-c full_page_writes=off",
		"-c log_line_prefix='%m %p %d '",
	}
	for _, s := range c.settings {
		options = append(options, "-c "+s)
	}
	// Child processes of a killed server may still be ending.
	var err error
	for range 50 {
		if err = c.control("start", "-w", "-t", "30", "-l", filepath.Join(c.folder, "server.log"), "-o", strings.Join(options, " ")); err == nil {
			return nil
		}
		if !c.leftovers() {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%w\n%s", err, c.Log(2000))
}

// Stop stops the cluster and waits for its end.
func (c *Cluster) Stop(mode Mode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.control("stop", "-w", "-t", "30", "-m", string(mode))
}

// Kill kills the server's first process, as kill -9 does.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err := c.pid()
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("pgcluster: find the server: %w", err)
	}
	if err := p.Kill(); err != nil {
		return fmt.Errorf("pgcluster: kill the server: %w", err)
	}
	return nil
}

// Log returns the last most bytes of the server's log.
func (c *Cluster) Log(most int) string {
	data, err := os.ReadFile(filepath.Join(c.folder, "server.log"))
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}

// Close ends the cluster and removes its files. A second Close does nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive == nil {
		return nil
	}
	err := c.alive.Close()
	c.alive = nil
	if waited := c.watcher.Wait(); err == nil && waited != nil {
		err = fmt.Errorf("pgcluster: the watcher: %w", waited)
	}
	return err
}

// create makes the cluster's files.
func (c *Cluster) create() error {
	if err := c.owner.give(c.folder); err != nil {
		return err
	}
	secret := filepath.Join(c.folder, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("pgcluster: write the password: %w", err)
	}
	if err := c.owner.give(secret); err != nil {
		return err
	}
	data := filepath.Join(c.folder, "data")
	common := []string{"-D", data, "-U", "postgres", "-A", "password", "--pwfile=" + secret, "--no-sync", "-E", "UTF8"}
	// With ICU, texts are ordered as people order them and not by bytes, as in most
	// databases in production.
	err := c.run("initdb", append(slices.Clone(common), "--no-locale", "--locale-provider=icu", "--icu-locale=en")...)
	if err == nil {
		return nil
	}
	if err := os.RemoveAll(data); err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	return c.run("initdb", append(common, "--no-locale")...)
}

// control runs pg_ctl.
func (c *Cluster) control(verb string, args ...string) error {
	return c.run("pg_ctl", append([]string{verb, "-D", filepath.Join(c.folder, "data")}, args...)...)
}

// run runs a program of PostgreSQL. Its output goes to a file: the server inherits the
// output, and reading a pipe would last as long as the server runs.
func (c *Cluster) run(name string, args ...string) error {
	said, err := os.Create(filepath.Join(c.folder, name+".out"))
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	defer said.Close()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "HOME="+c.folder)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = c.owner.process()
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("pgcluster: %s: %w\n%s", name, err, text)
	}
	return nil
}

// pid is the number of the server's first process.
func (c *Cluster) pid() (int, error) {
	data, err := os.ReadFile(filepath.Join(c.folder, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("pgcluster: the server does not run: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0, fmt.Errorf("pgcluster: postmaster.pid: %w", err)
	}
	return pid, nil
}

// leftovers reports whether the last start failed because processes of a killed server
// still run.
func (c *Cluster) leftovers() bool {
	end := c.Log(500)
	return strings.Contains(end, "pre-existing shared memory") || strings.Contains(end, `"postmaster.pid" already exists`)
}

// watch starts the process that ends the cluster when alive closes: by Close or by the
// end of this process.
func (c *Cluster) watch() error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	defer r.Close()
	const script = `read -r _
"$1/pg_ctl" stop -D "$2/data" -m immediate -t 30
rm -rf "$2"`
	c.watcher = exec.Command("/bin/sh", "-c", script, "watcher", c.bin, c.folder)
	c.watcher.Dir = "/"
	c.watcher.Stdin = r
	c.watcher.SysProcAttr = c.owner.process()
	if err := c.watcher.Start(); err != nil {
		return errors.Join(fmt.Errorf("pgcluster: start the watcher: %w", err), w.Close())
	}
	c.alive = w
	return nil
}

// programs finds the folder of the newest server programs.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
	if len(found) == 0 {
		return "", ErrMissing
	}
	version := func(path string) float64 {
		v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64) // 0: the oldest
		return v
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return int(10 * (version(a) - version(b))) })
	return filepath.Dir(newest), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("pgcluster: find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
