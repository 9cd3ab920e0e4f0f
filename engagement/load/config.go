package load

import (
	"errors"
	"io"
	"time"

	"github.com/optimist-go/optimist"
)

// Config of a run. Zero fields have the defaults named.
type Config struct {
	// URL is where the server answers.
	URL string
	// Clients and Taps are how many clients there are (0: 100), and how many taps
	// they make together (0: 10,000).
	Clients, Taps int
	// Devices is how many clients share a user (0: 2), so that there are conflicts.
	Devices int
	// Posts is how many posts are tapped on (0: 20).
	Posts int
	// Think is the mean pause of a client between taps (0: 100 ms). Negative: none.
	Think time.Duration
	// Policy is the clients'. Its zero fields have the defaults of Policy below, which
	// are quicker than the library's so that a run ends soon.
	Policy optimist.Policy
	// Timeout bounds the wait for everything to settle (0: 5 min).
	Timeout time.Duration
	// SetNetwork makes the network bad, and good again; nil: it stays as it is.
	SetNetwork func(bad bool) error
	// Progress gets a bar; nil: nobody does.
	Progress io.Writer
}

func (c *Config) fill() error {
	if c.URL == "" {
		return errors.New("load: Config.URL is empty")
	}
	if c.Clients < 0 || c.Taps < 0 || c.Devices < 0 || c.Posts < 0 || c.Timeout < 0 {
		return errors.New("load: counts and the timeout must not be negative")
	}
	orElse(&c.Clients, 100)
	orElse(&c.Taps, 10_000)
	orElse(&c.Devices, 2)
	orElse(&c.Posts, 20)
	orElse(&c.Think, 100*time.Millisecond)
	orElse(&c.Timeout, 5*time.Minute)
	orElse(&c.Policy.Debounce.Wait, 100*time.Millisecond)
	orElse(&c.Policy.Debounce.MaxWait, time.Second)
	orElse(&c.Policy.Retry.Base, 100*time.Millisecond)
	orElse(&c.Policy.Retry.Cap, 2*time.Second)
	orElse(&c.Policy.Retry.Max, 8)
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	return nil
}

func orElse[T comparable](field *T, otherwise T) {
	var zero T
	if *field == zero {
		*field = otherwise
	}
}
