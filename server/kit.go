package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options are the options of a [Kit]. The zero value of a field means the default named
// there. No field may be negative.
type Options struct {
	// User returns the user who sent the request. The user "" is not signed in: such
	// requests may read and not act. An error refuses the request: a [*Refusal] with its own
	// status, any other error with 500. The handlers of the Kit require User.
	User func(*http.Request) (string, error)

	// Truth reads the program's values; see [Truth]. It is required.
	Truth Truths

	// Keep is the least time for which keys and entries of the feed are kept; 0 means 8
	// days. A client that stores its operations may repeat a request after weeks without a
	// network. A key that is not known and older than Keep is refused with [ProblemKeyExpired],
	// since its operation may have been carried out and forgotten. A key that is a UUID of
	// version 7 tells its age; of any other key the header [HeaderKeyAge] does, which package
	// httpsend sends if Client.KeyAge is set. An operation whose key tells nothing is carried out
	// again when it is repeated after more than Keep. Keys that package optimist makes tell nothing.
	// A key is forgotten a day after Keep at the earliest: the clocks of clients may be ahead.
	Keep time.Duration

	// Log receives the messages for operators; nil means [slog.Default].
	Log *slog.Logger
}

// defaultKeep is the default of Options.Keep.
const defaultKeep = 8 * 24 * time.Hour

func (o *Options) fill() error {
	if o.Truth == nil {
		return errors.New("server: Options.Truth is missing: it reads the values that clients see")
	}
	if o.Keep < 0 {
		return fmt.Errorf("server: Options.Keep must not be negative, and is %v", o.Keep)
	}
	if o.Keep == 0 {
		o.Keep = defaultKeep
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return nil
}

// Kit carries out operations and tells clients of their changes. Make a Kit with [Open]
// and register all operations before the first use. A Kit is safe for concurrent use.
type Kit struct {
	options Options
	db      Database

	// operations has the registered operations by name. It does not change after the first
	// operation is carried out.
	operations map[string]*operation

	flights flights
	order   *sequencer
	fan     *fan
	work    workers
}

var errNoUser = errors.New("server: Options.User is missing: it says who sent a request")

// Open returns a Kit on the database. [Kit.Close] closes the database too. ctx bounds
// only Open itself.
func Open(ctx context.Context, db Database, options Options) (*Kit, error) {
	if err := options.fill(); err != nil {
		return nil, err
	}
	if err := db.Ready(ctx); err != nil {
		return nil, fmt.Errorf("server: open: %w", err)
	}
	k := &Kit{options: options, db: db, operations: make(map[string]*operation)}
	k.work.start()
	k.order = newSequencer(k)
	k.fan = newFan(db, options.Truth, options.Log)
	k.work.do(k.order.run)
	k.work.do(k.fan.run)
	k.work.do(k.keepUp)
	return k, nil
}

// Close ends all streams and all work, waits for its end, and closes the database.
func (k *Kit) Close() error {
	k.Drain()
	k.work.end()
	return k.db.Close()
}

// Read calls look with one moment of the database; see [Database.Read].
func (k *Kit) Read(ctx context.Context, look func(ctx context.Context, m Moment) error) error {
	return k.db.Read(ctx, look)
}

// NewEra begins a new era of the feed; see [Database.NewEra]. All streams are reset.
func (k *Kit) NewEra(ctx context.Context) (int64, error) {
	era, err := k.db.NewEra(ctx)
	if err == nil {
		k.db.Tell()
	}
	return era, err
}

// upkeepInterval is the time between two deletions of old keys and entries.
const upkeepInterval = time.Hour

// keepUp drops keys and entries older than Options.Keep every upkeepInterval.
func (k *Kit) keepUp(ctx context.Context) {
	for {
		if err := k.db.Forget(ctx, k.options.Keep+mostAhead); err != nil && ctx.Err() == nil {
			k.options.Log.Warn("old keys and entries of the feed were not dropped; it is tried again", "error", err, "in", upkeepInterval)
		}
		if wait(ctx, upkeepInterval) != nil {
			return
		}
	}
}

// wait returns nil after d, or the error of the context when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// workers are the goroutines of a Kit.
type workers struct {
	ctx    context.Context
	cancel context.CancelFunc

	// mu guards the fields below it.
	mu     sync.Mutex
	ended  bool
	active sync.WaitGroup // grows only while ended is false
}

func (w *workers) start() { w.ctx, w.cancel = context.WithCancel(context.Background()) }

// do calls f on a new goroutine, with a context that ends with the Kit. When the Kit is
// closed, do returns false and does not call f.
func (w *workers) do(f func(ctx context.Context)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	w.active.Add(1)
	go func() {
		defer w.active.Done()
		f(w.ctx)
	}()
	return true
}

// end cancels the context of all workers and waits for their end.
func (w *workers) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.cancel()
	w.active.Wait()
}
