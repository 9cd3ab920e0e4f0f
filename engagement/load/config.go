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

// Config of a run. Zero fields have the defaults named.
type Config struct {
	// URLs is where the servers answer, which share one database. Client n belongs to
	// URLs[n % len(URLs)]; when that one is gone it waits until it is there again.
	URLs []string
	// Clients and Taps are how many clients there are (0: 100), and how many taps
	// they make together (0: 10,000).
	Clients, Taps int
	// Devices is how many clients share a user (0: 2), so that there are conflicts.
	Devices int
	// Posts is how many posts are tapped on (0: 20).
	Posts int
	// Viewers is how many more users follow the stream of a server, in turn, and do nothing
	// else.
	Viewers int
	// Think is the mean pause of a client between taps (0: 100 ms). Negative: none.
	Think time.Duration
	// Debounce is how long a client waits for another tap before it sends (0: 100 ms).
	// Negative: not at all.
	Debounce time.Duration
	// Retries is how often an operation is tried again before it fails (0: 8). As it is
	// the number of a [optimist.Retry], [optimist.Forever] is too.
	Retries int
	// Timeout bounds the time in which all is tapped and settles (0: 5 min, with Troubles
	// 30 min).
	Timeout time.Duration
	// Kills is how often a process of clients is killed while they tap, and started
	// again (0: never, and the clients live in this process without journals).
	Kills int
	// Processes is how many processes the clients share when there are Kills (0: 10,
	// but not more than clients).
	Processes int
	// Command makes such a process, which must call Serve with its standard input and
	// output. It is needed when there are Kills.
	Command func() *exec.Cmd
	// SetNetwork makes the network bad, and good again; nil: it stays as it is.
	SetNetwork func(bad bool) error
	// Troubles are done to the servers while clients tap.
	Troubles []Trouble
	// Audit, if not nil, looks into the database after all else. It gets the operations
	// of which a server has said that they had an effect. Its error is in the report.
	Audit func(context.Context, []Effect) error
	// Progress gets a bar; nil: nobody does.
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

// policy is the clients'. It is quicker than the library's, so that a run ends soon.
func policy(debounce time.Duration, retries int) optimist.Policy {
	p := optimist.Policy{
		Debounce: optimist.NoDebounce,
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
