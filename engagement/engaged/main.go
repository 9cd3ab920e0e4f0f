package engaged

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/optimist-go/optimist/engagement/fault"
	"github.com/optimist-go/optimist/engagement/httpapi"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/wire"
)

// Bounds of times, and times for which records are kept.
const (
	shutdownTimeout = 10 * time.Second
	upkeepInterval  = time.Hour
	keepRecords     = 8 * 24 * time.Hour // the API's document promises seven days
)

// Main is one server. Make one with New, set Config by hand or by ParseFlags,
// then Run it once.
type Main struct {
	Config Config

	// Page answers every path outside the API; nil means a page of a few words.
	Page http.Handler

	// Stderr gets the log and the help, which begins with Usage.
	Stderr io.Writer
	Usage  string

	// Set by Run, constant afterwards.
	log      *slog.Logger
	clock    *clock
	store    *sqlstore.Store
	api      *httpapi.API
	network  *fault.Network // nil: faults are not enabled
	server   *http.Server
	listener net.Listener

	stop      context.CancelFunc // ends the goroutines of Main
	running   sync.WaitGroup
	failed    chan error // receives the error of a server that failed; has room for one
	closeOnce sync.Once
	closeErr  error
}

// New returns a Main that has not been configured.
func New() *Main { return &Main{Stderr: os.Stderr, failed: make(chan error, 1)} }

// Run opens the database, fills it when it is a demo, and serves. It returns as soon as the
// server listens; ctx bounds only Run itself. A failed Run leaves nothing open.
func (m *Main) Run(ctx context.Context) error {
	if err := m.Config.validate(); err != nil {
		return err
	}
	m.log = m.Config.logger(m.Stderr)
	if err := m.open(ctx); err != nil {
		m.Close()
		return err
	}
	upkeep, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.running.Go(func() { m.keepUp(upkeep) })
	if m.network != nil {
		m.running.Go(func() { m.followNetworks(upkeep) })
	}
	if sqlstore.IsPostgres(m.Config.DB) {
		m.running.Go(func() { m.api.ShareLimits(upkeep, m.store) })
	}
	m.running.Go(func() {
		if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			m.failed <- err
		}
	})
	m.log.Info("listening", "url", m.URL(), "db", m.Config.shownDB(), "demo", m.Config.Demo, "network", m.network != nil)
	return nil
}

func (m *Main) open(ctx context.Context) (err error) {
	m.clock = &clock{}
	if m.store, err = m.openStore(ctx); err != nil {
		return err
	}
	if m.Config.Demo {
		if err := seed(ctx, m.store, m.clock); err != nil {
			return fmt.Errorf("fill the database for the demo: %w", err)
		}
	}
	m.api, err = httpapi.New(ctx, m.store, m.store.Kit(), httpapi.Options{
		Rate: m.Config.Rate, Burst: m.Config.Burst, Streams: m.Config.Streams, SecureCookies: m.Config.SecureCookies,
		AddressHeader: m.Config.AddressHeader,
	})
	if err != nil {
		return err
	}
	m.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", m.Config.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens on %s; choose an -addr, port 0 picks a free one: %w", m.Config.Addr, err)
	} else if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	handler, err := m.handler()
	if err != nil {
		return err
	}
	m.server = httpapi.NewServer(httpapi.Guard(m.onlyHosts(handler), m.log, nil), m.log)
	m.server.RegisterOnShutdown(m.api.Drain)
	return nil
}

func (m *Main) openStore(ctx context.Context) (*sqlstore.Store, error) {
	cannot := func(err error) error { return fmt.Errorf("-db %s cannot be used: %w", m.Config.shownDB(), err) }
	if m.Config.DB != Memory && !sqlstore.IsPostgres(m.Config.DB) {
		if err := os.MkdirAll(filepath.Dir(filepath.Clean(m.Config.DB)), 0o700); err != nil {
			return nil, cannot(err)
		}
	}
	store, err := sqlstore.Open(ctx, m.Config.DB, sqlstore.Options{Now: m.clock.Now, Keep: keepRecords, Log: m.log, User: httpapi.Viewer})
	if err != nil {
		return nil, cannot(err)
	}
	return store, nil
}

// NewEra begins a new era of the configured database, and returns its number. Call it once
// after a restore from an older copy. Servers of a PostgreSQL database may run meanwhile; a
// file must not be in use.
func (m *Main) NewEra(ctx context.Context) (int64, error) {
	m.log, m.clock = m.Config.logger(m.Stderr), &clock{}
	store, err := m.openStore(ctx)
	if err != nil {
		return 0, err
	}
	era, err := store.Kit().NewEra(ctx)
	return era, errors.Join(err, store.Close())
}

// keepUp drops the records of expired sessions, until ctx ends. The kit of the store drops
// old keys and entries of the feed itself.
func (m *Main) keepUp(ctx context.Context) {
	ticker := time.NewTicker(upkeepInterval)
	defer ticker.Stop()
	for {
		if err := m.store.DropExpired(ctx); err != nil && ctx.Err() == nil {
			m.log.Error("upkeep of the database failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// URL returns the address of the server, without a slash at its end.
func (m *Main) URL() string {
	host, port, err := net.SplitHostPort(m.Config.Addr)
	if _, actual, splitErr := net.SplitHostPort(m.listener.Addr().String()); err == nil && splitErr == nil {
		port = actual
	}
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Store returns the server's database, for tests that look behind the API.
func (m *Main) Store() *sqlstore.Store { return m.store }

// First returns the content with which the page begins, for a request of the page: see
// [httpapi.API.First]. A session whose network is cut by the panel gets none.
func (m *Main) First(r *http.Request, limit int) (wire.First, error) {
	if m.network != nil {
		if setting, _ := m.network.Get(m.api.SessionID(r)); setting.Rule.Offline {
			return wire.First{}, errCut
		}
	}
	first, err := m.api.First(r, limit)
	first.Network = m.network != nil
	return first, err
}

var errCut = errors.New("the network panel cuts this session off")

// Network returns the fault network in front of the API; nil when neither Demo nor Faults
// is set.
func (m *Main) Network() *fault.Network { return m.network }

// Wait returns nil when ctx ends, or the error when the server fails.
func (m *Main) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-m.failed:
		return err
	}
}

// Close shuts down gracefully: it takes no new requests, ends event streams, waits up to
// ten seconds for requests under way, and closes the database. A second Close does nothing
// and returns the same.
func (m *Main) Close() error {
	m.closeOnce.Do(func() { m.closeErr = m.close() })
	return m.closeErr
}

func (m *Main) close() error {
	var errs []error
	if m.stop != nil {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := m.server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were broken off: %w", err), m.server.Close())
		}
		m.stop()
		m.running.Wait()
	} else if m.listener != nil {
		errs = append(errs, m.listener.Close())
	}
	if m.store != nil {
		errs = append(errs, m.store.Close())
	}
	err := errors.Join(errs...)
	switch {
	case m.stop == nil: // Run was never called
	case err != nil:
		m.log.Error("stopped", "error", err)
	default:
		m.log.Info("stopped")
	}
	return err
}
