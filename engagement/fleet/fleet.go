// Package fleet runs server processes on one database, and disturbs both.
//
// A fleet's processes end with the process that started them, also when that crashes: each
// ends when its standard input does. All listen on the loopback address. A server that is
// killed is started again at once, at the same address.
package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/optimist-go/optimist/engagement/child"
)

// Options of a Fleet. All but Ended are required.
type Options struct {
	// Servers is the number of servers.
	Servers int
	// Command returns the command of a server that listens on the address and calls [Serve].
	Command func(addr string) *exec.Cmd
	// Ended is called when a server has ended by itself. It must not block, and may be nil.
	Ended func(error)
}

// Fleet is a group of server processes, to be closed with [Fleet.Close]. A Fleet is safe
// for concurrent use.
type Fleet struct {
	options Options
	servers []*member

	// mu guards the fields below it.
	mu   sync.Mutex
	next int // is killed next
}

// member is one server of a fleet.
type member struct {
	addr    string
	options *Options

	// mu guards the fields below it, and is held while the server starts and while a setting
	// is sent to it.
	mu      sync.Mutex
	running *child.Process // nil: closed, or could not be started
	answers *bufio.Reader  // of running
	setting any            // the last setting sent; nil: none
	wanted  *bool          // is made false before running is ended
	ended   chan struct{}  // closed when running has ended
}

// longestStart bounds the time for the start of a server, while its database may be away.
const longestStart = 2 * time.Minute

// Start starts the servers, one after the other, and returns when all serve.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	f := &Fleet{options: o}
	for range o.Servers {
		addr, err := freeAddr()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		m := &member{addr: addr, options: &f.options}
		f.servers = append(f.servers, m)
		m.mu.Lock()
		err = m.startLocked(ctx)
		m.mu.Unlock()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// freeAddr returns an address whose port the system does not use for outgoing connections:
// such a connection could take the port of a server that is restarting.
func freeAddr() (string, error) {
	const from, to = 20_000, 32_000
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", from+rand.IntN(to-from))
		if l, err := net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", fmt.Errorf("fleet: there is no free port from %d to %d", from, to)
}

// URLs returns the addresses of the servers.
func (f *Fleet) URLs() (urls []string) {
	for _, m := range f.servers {
		urls = append(urls, "http://"+m.addr)
	}
	return urls
}

// Tell sends the setting, as JSON, to all servers, and to every server that starts later.
func (f *Fleet) Tell(setting any) error {
	var errs []error
	for _, m := range f.servers {
		m.mu.Lock()
		m.setting = setting
		errs = append(errs, m.tellLocked())
		m.mu.Unlock()
	}
	return errors.Join(errs...)
}

// Kill kills the next server in turn, as kill -9 does, and starts it again. It returns
// when the server serves.
func (f *Fleet) Kill(ctx context.Context) error {
	f.mu.Lock()
	m := f.servers[f.next%len(f.servers)]
	f.next++
	f.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running == nil {
		return fmt.Errorf("fleet: the server at %s does not run", m.addr)
	}
	m.killLocked()
	return m.startLocked(ctx)
}

// Close ends all servers and waits for their end.
func (f *Fleet) Close() error {
	var errs []error
	for _, m := range f.servers {
		m.mu.Lock()
		if m.running != nil {
			*m.wanted = false
			m.running.End()
			select {
			case <-m.ended:
			case <-time.After(30 * time.Second):
				errs = append(errs, fmt.Errorf("fleet: the server at %s did not end, and was killed", m.addr))
				m.killLocked()
			}
			m.running = nil
		}
		m.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (m *member) killLocked() {
	*m.wanted = false
	m.running.Process.Kill()
	<-m.ended
	m.running.End()
	m.running = nil
}

// startLocked starts the server. It tries again while the database may be away.
func (m *member) startLocked(ctx context.Context) error {
	for began := time.Now(); ; {
		err := m.tryLocked()
		if err == nil || ctx.Err() != nil || time.Since(began) > longestStart {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *member) tryLocked() error {
	cmd := m.options.Command(m.addr)
	said := &tail{}
	cmd.Stderr = said
	running, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	m.running, m.answers = running, bufio.NewReader(running.Out)
	m.ended = make(chan struct{})
	late := time.AfterFunc(longestStart, func() { cmd.Process.Kill() })
	defer late.Stop()
	if _, err = m.answers.ReadString('\n'); err == nil {
		err = m.tellLocked()
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		m.running = nil
		return fmt.Errorf("fleet: the server at %s does not start: %s", m.addr, said)
	}
	wanted := true
	m.wanted = &wanted
	go m.attend(cmd, said, &wanted, m.ended)
	return nil
}

// attend waits for the end of a server, and reports an end that was not wanted.
func (m *member) attend(cmd *exec.Cmd, said *tail, wanted *bool, ended chan struct{}) {
	state := cmd.Wait()
	close(ended)
	m.mu.Lock()
	defer m.mu.Unlock()
	if *wanted && m.options.Ended != nil {
		m.options.Ended(fmt.Errorf("fleet: the server at %s ended by itself: %v: %s", m.addr, state, said))
	}
}

func (m *member) tellLocked() error {
	if m.setting == nil || m.running == nil {
		return nil
	}
	if err := m.running.Orders.Encode(m.setting); err != nil {
		return fmt.Errorf("fleet: tell the server at %s: %w", m.addr, err)
	}
	if _, err := m.answers.ReadString('\n'); err != nil {
		return fmt.Errorf("fleet: the server at %s does not answer: %w", m.addr, err)
	}
	return nil
}

// tail is the end of a text. It is safe for concurrent use.
type tail struct {
	// mu guards the field below it.
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(data []byte) (int, error) {
	const most = 2000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, data...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(data), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// Serve runs in a server process once it serves: it reports this on out, calls take with
// each setting that it reads from in, and returns when in ends. T is the type of the
// settings of [Fleet.Tell].
func Serve[T any](in io.Reader, out io.Writer, take func(T) error) error {
	fmt.Fprintln(out, "serving")
	for orders := json.NewDecoder(in); ; {
		var setting T
		if err := orders.Decode(&setting); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := take(setting); err != nil {
			return err
		}
		fmt.Fprintln(out, "done")
	}
}
