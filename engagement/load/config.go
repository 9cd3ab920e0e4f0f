package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"time"

	"github.com/optimist-go/optimist"
)

// Config is the configuration of a run. The zero value of a field means the default
// named there.
type Config struct {
	// URLs are the addresses of the servers, which share one database. Client n belongs to
	// URLs[n % len(URLs)]; while this server is away the client waits for it.
	URLs []string
	// Clients is the number of clients (0: 100), and Taps the number of taps that they make
	// together (0: 10,000).
	Clients, Taps int
	// Devices is the number of clients of one user (0: 2), so that there are conflicts.
	Devices int
	// Posts is the number of posts that are tapped on (0: 20).
	Posts int
	// Viewers is the number of further users who only follow the stream of a server; they
	// are spread over the servers.
	Viewers int
	// Think is the mean pause of a client between taps (0: 100 ms). Negative: none.
	Think time.Duration
	// Debounce is the debounce of the clients (0: 100 ms). Negative: none.
	Debounce time.Duration
	// Retries is the number of retries before an operation fails (0: 8), as in
	// [optimist.Retry]; [optimist.Forever] is allowed.
	Retries int
	// Timeout bounds the time for all taps and their settling (0: 5 min, with Troubles 30
	// min).
	Timeout time.Duration
	// Kills is the number of times that a process of clients is killed while they tap, and
	// started again (0: none, and the clients live in this process without journals).
	Kills int
	// Processes is the number of processes of the clients when there are Kills (0: 10, but
	// not more than clients).
	Processes int
	// Command returns the command of such a process, which must call [Serve] with its
	// standard input and output. It is required with Kills.
	Command func() *exec.Cmd
	// SetNetwork makes the network bad, and good again; nil: the network does not change.
	SetNetwork func(bad bool) error
	// Troubles are the faults of the servers while clients tap.
	Troubles []Trouble
	// Audit, if not nil, checks the database at the end. It gets the operations whose
	// effect a server has confirmed. Its error is in the report.
	Audit func(context.Context, []Effect) error
	// Progress gets a progress bar; nil: there is none.
	Progress io.Writer
}

// Effect names an operation that had an effect.
type Effect struct{ User, Key string }

func (c *Config) fill() error {
	if len(c.URLs) == 0 {
		return errors.New("load: Config.URLs is empty")
	}
	for _, text := range c.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("load: %q is no address of a server; one begins with http://", text)
		}
	}
	if c.Clients < 0 || c.Taps < 0 || c.Devices < 0 || c.Posts < 0 || c.Viewers < 0 || c.Retries < 0 || c.Timeout < 0 || c.Kills < 0 || c.Processes < 0 {
		return errors.New("load: counts and the timeout must not be negative")
	}
	orElse(&c.Clients, 100)
	orElse(&c.Taps, 10_000)
	orElse(&c.Devices, 2)
	orElse(&c.Posts, 20)
	orElse(&c.Retries, 8)
	orElse(&c.Think, 100*time.Millisecond)
	orElse(&c.Debounce, 100*time.Millisecond)
	if len(c.Troubles) > 0 {
		orElse(&c.Timeout, 30*time.Minute)
	}
	orElse(&c.Timeout, 5*time.Minute)
	orElse(&c.Processes, min(c.Clients, 10))
	switch {
	case c.Kills > 0 && c.Command == nil:
		return errors.New("load: Config.Kills needs a Config.Command")
	case c.Kills >= c.Taps:
		return errors.New("load: there must be more taps than kills")
	case c.Kills > 0 && c.Processes > c.Clients:
		return errors.New("load: there are more processes than clients")
	}
	for _, t := range c.Troubles {
		if t.Times < 1 || t.Times >= c.Taps || t.Do == nil {
			return fmt.Errorf("load: %s: there must be at least one, fewer than taps, and a way to do it", t.Name)
		}
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return nil
}

// policy returns the policy of the clients. It is quicker than the library's default, so
// that a run ends soon.
func policy(debounce time.Duration, retries int) optimist.Policy {
	p := optimist.Policy{
		Debounce: optimist.Debounce{Wait: optimist.NoDebounce},
		Retry:    optimist.Retry{Base: 100 * time.Millisecond, Cap: 2 * time.Second, Max: retries},
	}
	if debounce > 0 {
		p.Debounce = optimist.Debounce{Wait: debounce, MaxWait: 10 * debounce}
	}
	return p
}

func orElse[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}
