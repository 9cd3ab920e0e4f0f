package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/fleet"
	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/server/pgcluster"
)

// loadServer is the command of the servers that "engaged load -servers" starts.
const loadServer = "load-server"

// serveLoad is one server of a fleet: it has no page, and ends with its standard input.
func serveLoad(ctx context.Context, args []string) error {
	m := engaged.New()
	if err := m.ParseFlags(args); err != nil {
		return err
	}
	if err := m.Run(ctx); err != nil {
		return err
	}
	err := fleet.Serve(os.Stdin, os.Stdout, func(s fault.Setting) error { return m.Network().Set(fault.Everybody, s) })
	return errors.Join(err, m.Close())
}

// fleetFlags are the flags for servers in processes of their own, and for the faults of
// these servers.
type fleetFlags struct {
	servers, killServer, killDB, cutListen int
	dbDown, holdForeign                    time.Duration
	db                                     string
}

func (f *fleetFlags) register(flags *flag.FlagSet) {
	flags.IntVar(&f.servers, "servers", 0, "server processes to start on one database; 0 is none, one server in this process")
	flags.StringVar(&f.db, "db", "", "database of the servers, as for engaged serve; it must be for this run alone. Empty is one in a temporary folder: "+
		"SQLite for one server, else a PostgreSQL cluster that is started for the run")
	flags.IntVar(&f.killServer, "kill-server", 0, "how often a server is killed (kill -9) while clients tap, and started again")
	flags.IntVar(&f.killDB, "kill-db", 0, "how often the PostgreSQL cluster is stopped, by turns immediately and fast, and started again; not with -db")
	flags.DurationVar(&f.dbDown, "db-down", 0, "how long the PostgreSQL cluster stays down each time with -kill-db; clients do not give up then")
	flags.IntVar(&f.cutListen, "cut-listen", 0, "how often the connections are cut on which servers wait for PostgreSQL to wake them")
	flags.DurationVar(&f.holdForeign, "hold-foreign", 0, "how long a transaction is held open in another database of the PostgreSQL cluster, from the first tap")
}

// wanted reports whether the servers get processes of their own.
func (f *fleetFlags) wanted() bool { return *f != fleetFlags{} }

func (f *fleetFlags) validate(addr string) error {
	if f.servers == 0 {
		f.servers = 1
	}
	switch {
	case f.servers < 0 || f.servers > 100:
		return errors.New("-servers must be from 0 to 100")
	case min(f.killServer, f.killDB, f.cutListen) < 0 || min(f.dbDown, f.holdForeign) < 0:
		return errors.New("-kill-server, -kill-db, -db-down, -cut-listen and -hold-foreign must not be negative")
	case addr != "":
		return errors.New("-addr is for a server that runs; it goes with none of -servers, -db, -kill-server, -kill-db, -db-down, -cut-listen, -hold-foreign")
	case f.dbDown > 0 && f.killDB == 0:
		return errors.New("-db-down is about -kill-db")
	case f.killDB > 0 && f.db != "":
		return errors.New("-kill-db is for the cluster that is started for the run; it does not go with -db")
	case f.db != "" && !sqlstore.IsPostgres(f.db) && (f.servers > 1 || f.postgres()):
		return errors.New("-db: several servers, and the faults of PostgreSQL, need a database at postgres://…")
	}
	return nil
}

// postgres reports whether a flag needs PostgreSQL.
func (f *fleetFlags) postgres() bool { return f.killDB > 0 || f.cutListen > 0 || f.holdForeign > 0 }

// start starts the database, if need be, and the servers, and adds them to c.
func (f *fleetFlags) start(ctx context.Context, c *load.Config, bad fault.Setting, ended func(error)) (stop func() error, err error) {
	var stops []func() error // called in reverse order
	stop = func() error {
		var errs []error
		for i := len(stops) - 1; i >= 0; i-- {
			errs = append(errs, stops[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	var cluster *pgcluster.Cluster
	switch {
	case f.db != "":
	case f.servers > 1 || f.postgres():
		if cluster, err = pgcluster.Start(); err != nil {
			return nil, fmt.Errorf("start PostgreSQL for the run (-db names another): %w", err)
		}
		stops = append(stops, cluster.Close)
		if err := fleet.CreateDatabase(ctx, cluster.URL("postgres"), "engaged"); err != nil {
			return nil, err
		}
		f.db = cluster.URL("engaged")
	default:
		dir, err := os.MkdirTemp("", "engaged-load")
		if err != nil {
			return nil, err
		}
		stops = append(stops, func() error { return os.RemoveAll(dir) })
		f.db = filepath.Join(dir, "engaged.db")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	servers, err := fleet.Start(ctx, fleet.Options{
		Servers: f.servers, Ended: ended,
		Command: func(addr string) *exec.Cmd {
			cmd := exec.Command(self, loadServer, "-addr", addr, "-rate", "-1", "-log-level", "error", "-streams", strconv.Itoa(streamsFor(c)))
			cmd.Env = append(os.Environ(), "DATABASE_URL="+f.db) // it may hold a password
			return cmd
		},
	})
	if err != nil {
		return nil, err
	}
	stops = append(stops, servers.Close)
	c.URLs = servers.URLs()
	c.SetNetwork = func(isBad bool) error {
		if isBad {
			return servers.Tell(bad)
		}
		return servers.Tell(fault.Setting{Profile: "clean"})
	}
	c.Audit = func(ctx context.Context, effects []load.Effect) error {
		return errors.Join(servers.Close(), f.audit(ctx, effects))
	}
	c.Troubles, err = f.troubles(c, servers, cluster)
	return stop, err
}

// troubles returns the faults of the servers and the database.
func (f *fleetFlags) troubles(c *load.Config, servers *fleet.Fleet, cluster *pgcluster.Cluster) (all []load.Trouble, err error) {
	if f.killServer > 0 {
		all = append(all, load.Trouble{Name: "servers killed", Times: f.killServer, Do: servers.Kill})
	}
	if f.killDB > 0 {
		if f.dbDown > 0 {
			c.Retries = optimist.Forever // so that nobody gives up meanwhile
		}
		modes := []pgcluster.Mode{pgcluster.Immediate, pgcluster.Fast}
		done := 0
		all = append(all, load.Trouble{Name: "database restarts", Times: f.killDB, Do: func(ctx context.Context) error {
			mode := modes[done%2]
			done++
			return fleet.Restart(ctx, cluster, mode, f.dbDown)
		}})
	}
	if f.cutListen > 0 {
		all = append(all, load.Trouble{Name: "listeners cut", Times: f.cutListen, Do: func(ctx context.Context) error {
			return fleet.CutListeners(ctx, f.db)
		}})
	}
	if f.holdForeign > 0 {
		u, err := url.Parse(f.db)
		if err != nil || u.Path == "/postgres" {
			return nil, errors.New("-hold-foreign needs a -db that is not the database postgres, in which it holds a transaction")
		}
		u.Path = "/postgres"
		all = append(all, load.Trouble{Name: "foreign transactions", Times: 1, Early: true, Do: func(ctx context.Context) error {
			return fleet.HoldForeign(ctx, u.String(), f.holdForeign)
		}})
	}
	return all, nil
}

// audit opens the database after the end of the servers, and audits it.
func (f *fleetFlags) audit(ctx context.Context, effects []load.Effect) error {
	m := engaged.New()
	m.Stderr = io.Discard
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: f.db}
	if err := m.Run(ctx); err != nil {
		return err
	}
	return errors.Join(m.Store().Audit(ctx), audit(ctx, m.Store().Kit(), effects), m.Close())
}
