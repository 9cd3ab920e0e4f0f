package engaged

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/sqlstore"
)

// Memory is the value of [Config].DB for a database in memory.
const Memory = sqlstore.Memory

// Config is the configuration that the command line sets.
type Config struct {
	// Addr is the TCP address to listen on.
	Addr string
	// Hosts are further host names that the server answers for. On a loopback address it
	// refuses requests for all other names; elsewhere only when Hosts is not empty.
	Hosts []string
	// DB is the database file, or Memory, or the URL of a PostgreSQL database, which any
	// number of servers share: postgres://…
	DB string

	// Demo fills an empty database with posts and people, and mounts /demo/network.
	Demo bool
	// Faults mounts /demo/network also without Demo. A signed-in user can make the
	// network of their own session bad there, and no other one.
	Faults bool
	// Network is the fault profile in force for all sessions from the start; empty is
	// "clean". It needs Demo or Faults.
	Network string

	// Rate and Burst limit the requests of each session; see [httpapi.Options].
	Rate  float64
	Burst int
	// Streams is the greatest number of event streams; see [httpapi.Options].
	Streams int
	// SecureCookies is for servers behind a proxy that speaks TLS.
	SecureCookies bool
	// AddressHeader is for servers behind a proxy; see [httpapi.Options].
	AddressHeader string

	// LogJSON writes the log as JSON, LogLevel is the lowest level that is written.
	LogJSON  bool
	LogLevel slog.Level
}

// ParseFlags reads the command line into m.Config. The error is [flag.ErrHelp] when
// the help was requested and printed.
func (m *Main) ParseFlags(args []string) error {
	flags := flag.NewFlagSet("engaged serve", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints errors, in one line
	c := &m.Config
	flags.StringVar(&c.Addr, "addr", "localhost:8080", "address to listen on; port 0 picks a free one")
	flags.Func("host", "further host name to answer for, may be repeated; on a loopback address others than localhost are refused", func(name string) error {
		c.Hosts = append(c.Hosts, name)
		return nil
	})
	flags.StringVar(&c.DB, "db", defaultFile(), `database: a file, made when it is not there; "memory", which keeps nothing; or postgres://…, which several servers share; $DATABASE_URL goes before the default`)
	flags.BoolVar(&c.Demo, "demo", true, "fill an empty database with posts, and mount the network panel at /demo/network")
	flags.BoolVar(&c.Faults, "faults", false, "mount the network panel, by which people make the network of their own session bad, even without -demo")
	flags.StringVar(&c.Network, "network", "", "fault profile for everybody from the start (needs -demo or -faults): "+strings.Join(fault.ProfileNames(), ", "))
	flags.Float64Var(&c.Rate, "rate", 0, "requests per second of one session, at all servers of a PostgreSQL database together; 0 is 50, negative no limit, also per address")
	flags.IntVar(&c.Burst, "burst", 0, "requests of one session at once, as -rate, at most 1000000; 0 is 200")
	flags.IntVar(&c.Streams, "streams", 0, "event streams at once; 0 is 2000")
	flags.BoolVar(&c.SecureCookies, "secure-cookies", false, "keep session cookies to TLS, when a proxy in front speaks it")
	flags.StringVar(&c.AddressHeader, "address-header", "", "header in which a proxy in front names the client, such as X-Forwarded-For; limits per address go by it")
	flags.BoolVar(&c.LogJSON, "log-json", false, "write the log as JSON")
	flags.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "least level to log: debug (with a line for each request), info, warn, error")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(m.Stderr)
		fmt.Fprint(m.Stderr, m.Usage, "Flags of engaged serve:\n")
		flags.PrintDefaults()
		return err
	case err != nil:
		return fmt.Errorf("%w; see engaged serve -h", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see engaged serve -h", flags.Arg(0))
	}
	named := false
	flags.Visit(func(f *flag.Flag) { named = named || f.Name == "db" })
	if url := os.Getenv("DATABASE_URL"); url != "" && !named {
		c.DB = url
	}
	return c.validate()
}

func (c *Config) validate() error {
	for _, name := range c.Hosts {
		if !httpapi.ValidHost(name) {
			return fmt.Errorf("-host: %q is no host name; it is one without a scheme and a port, in letters that browsers send", name)
		}
	}
	switch {
	case c.Addr == "":
		return errors.New("-addr must not be empty")
	case c.DB == "":
		return errors.New("-db must not be empty")
	case math.IsNaN(c.Rate) || math.IsInf(c.Rate, 0):
		return errors.New("-rate must be a number; a negative one is no limit")
	case c.Burst < 0 || c.Burst > 1_000_000:
		return errors.New("-burst must be from 0 to 1000000")
	case c.Streams < 0:
		return errors.New("-streams must not be negative")
	case c.AddressHeader != "" && !httpapi.ValidHeader(c.AddressHeader):
		return fmt.Errorf("-address-header: a header cannot be named %q", c.AddressHeader)
	case c.Network != "" && !c.Demo && !c.Faults:
		return errors.New("-network needs -demo or -faults")
	}
	if _, ok := fault.FindProfile(c.Network); !ok && c.Network != "" {
		return fmt.Errorf("-network: there is no network profile %q; there are %s", c.Network, strings.Join(fault.ProfileNames(), ", "))
	}
	return nil
}

// shownDB is DB without a password, for logs and errors.
func (c *Config) shownDB() string {
	if u, err := url.Parse(c.DB); err == nil && sqlstore.IsPostgres(c.DB) {
		return u.Redacted()
	} else if sqlstore.IsPostgres(c.DB) {
		return "postgres://…"
	}
	return c.DB
}

// defaultFile is in the user's own folder, so that the place from which the
// program is started does not matter.
func defaultFile() string {
	const name = "engaged.db"
	dir, err := os.UserCacheDir()
	if err != nil {
		return name
	}
	return filepath.Join(dir, "engaged", name)
}

func (c *Config) logger(out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
