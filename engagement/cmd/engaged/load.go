package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/optimist-go/optimist/engagement/engaged"
	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/load"
)

var (
	// errNotHeld ends a run that found a broken promise.
	errNotHeld = errors.New("a promise was broken")
	// errToldFail is the same after the last line on stdout has said FAIL.
	errToldFail = errors.New("FAIL")
	// errInterrupted ends a run that a signal has ended.
	errInterrupted = errors.New("interrupted")
)

// loadProcess is the command that "engaged load -kill" gives to the processes of its
// clients.
const loadProcess = "load-process"

// loadProfile is the name of a fault profile that only "engaged load" has.
const loadProfile = "load"

func profiles() []string { return append(fault.ProfileNames(), loadProfile) }

// runLoad is "engaged load".
func runLoad(ctx context.Context, args []string) error {
	var c load.Config
	flags := flag.NewFlagSet("engaged load", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is told in one line, by main
	flags.IntVar(&c.Clients, "clients", 100, "clients at once; 0 is 100")
	flags.IntVar(&c.Taps, "taps", 10_000, "taps of all clients together; 0 is 10000")
	flags.IntVar(&c.Devices, "devices", 2, "clients that share a user, so that there are conflicts")
	flags.IntVar(&c.Viewers, "viewers", 0, "more users, each of whom follows the event stream of a server and does nothing else")
	flags.DurationVar(&c.Think, "think", 100*time.Millisecond, "mean pause of a client between taps; 0 is none")
	debounce := flags.Duration("debounce", 100*time.Millisecond, "how long a client waits for another tap before it sends; 0 is not at all")
	flags.DurationVar(&c.Timeout, "timeout", 0, "how long everything may take to be tapped and to settle; 0 is 5m, or 30m when servers or the database are disturbed")
	flags.IntVar(&c.Kills, "kill", 0, "how often one of the clients' processes is killed and started again; 0: they live in this process")
	flags.IntVar(&c.Processes, "processes", 0, "processes that the clients share when some are killed; 0 is 10")
	profile := flags.String("network", loadProfile, "fault profile of a server that is started: "+strings.Join(profiles(), ", ")+
		"; load: 20 % of requests and 10 % of answers lost, 5 % errors")
	addr := flags.String("addr", "", "base address of a server that nobody else uses, and whose network is left as it is; empty starts one")
	var disturbed fleetFlags
	disturbed.register(flags)
	asJSON := flags.Bool("json", false, "write the result as JSON")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(os.Stderr)
		fmt.Fprint(os.Stderr, usage, "Flags of engaged load:\n")
		flags.PrintDefaults()
		return err
	case err != nil:
		return fmt.Errorf("%w; see engaged load -h", err)
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q; see engaged load -h", flags.Arg(0))
	case c.Think < 0:
		return errors.New("-think must not be negative; see engaged load -h")
	case *debounce < 0:
		return errors.New("-debounce must not be negative; see engaged load -h")
	}
	c.Debounce = *debounce
	for _, d := range []*time.Duration{&c.Think, &c.Debounce} {
		if *d == 0 {
			*d = -1 // as load.Config has it
		}
	}
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if *addr != "" && given["network"] {
		return errors.New("-network is for a server that is started; the network of the one at -addr is left as it is")
	}
	c.Progress, c.URLs = os.Stderr, []string{*addr}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.Command = func() *exec.Cmd {
		cmd := exec.Command(self, loadProcess)
		cmd.Stderr = os.Stderr
		return cmd
	}
	signalled := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := func() error { return nil }
	bad, err := setting(*profile)
	switch {
	case err != nil:
		return err
	case disturbed.wanted():
		if err := disturbed.validate(*addr); err != nil {
			return err
		}
		stop, err = disturbed.start(ctx, &c, bad, cancel)
	case *addr == "":
		stop, err = ownServer(ctx, &c, bad)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "engaged:", err)
		}
	}()
	report, err := load.Run(ctx, c)
	if signalled.Err() != nil {
		return errInterrupted // each client has said so
	}
	if report == nil {
		return err
	}
	if !*asJSON {
		if err := report.Write(os.Stdout); err != nil || report.OK() {
			return err
		}
		return errToldFail
	}
	if err == nil && !report.OK() {
		err = errNotHeld
	}
	return errors.Join(json.NewEncoder(os.Stdout).Encode(report), err)
}

// streamsFor is the number of event streams for which a server needs room: the streams of
// all clients and viewers, and the streams that are ending.
func streamsFor(c *load.Config) int { return 2*c.Clients + c.Viewers + 1000 }

// ownServer starts a server for the run, on a database file of its own.
func ownServer(ctx context.Context, c *load.Config, bad fault.Setting) (stop func() error, err error) {
	dir, err := os.MkdirTemp("", "engaged-load")
	if err != nil {
		return nil, err
	}
	m := engaged.New()
	m.Stderr = io.Discard
	m.Config = engaged.Config{Addr: "127.0.0.1:0", DB: filepath.Join(dir, "engaged.db"), Demo: true, Rate: -1, Streams: streamsFor(c)}
	if err := m.Run(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c.URLs = []string{m.URL()}
	c.Audit = func(ctx context.Context, effects []load.Effect) error {
		return errors.Join(m.Store().Audit(ctx), audit(ctx, m.Store().Kit(), effects))
	}
	c.SetNetwork = func(isBad bool) error {
		if isBad {
			return m.Network().Set(fault.Everybody, bad)
		}
		return m.Network().Set(fault.Everybody, fault.Setting{Profile: "clean"})
	}
	return func() error { return errors.Join(m.Close(), os.RemoveAll(dir)) }, nil
}

// setting is the bad network of that name.
func setting(profile string) (fault.Setting, error) {
	if profile == loadProfile {
		return fault.Setting{Profile: profile, Rule: fault.Rule{LatencyMs: 5, JitterMs: 40, LoseRequest: 0.20, LoseAnswer: 0.10, ServerError: 0.05}}, nil
	}
	p, ok := fault.FindProfile(profile)
	if !ok {
		return fault.Setting{}, fmt.Errorf("-network: there is no network profile %q; there are %s", profile, strings.Join(profiles(), ", "))
	}
	return fault.Setting{Profile: profile, Rule: p.Rule}, nil
}
