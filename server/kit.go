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

// Options of a Kit. Zero means the default that is named. No field may be negative.
type Options struct {
	// User says who sent the request; "" is nobody, who may read and not act. An error
	// refuses the request: a [*Refusal] as it says, any other with 500. It is required
	// for the handlers.
	User func(*http.Request) (string, error)

	// Truth reads the program's values; see [Truth]. It is required.
	Truth Truths

	// Keep is for how long keys and entries of the feed are kept, at least; 0 means 8 days.
	// It must be longer than the longest time in which a client repeats a request. A key
	// that is a UUID of version 7 carries its time: an older one is refused.
	Keep time.Duration

	// Log gets what an operator has to know; nil means slog.Default().
	Log *slog.Logger
}

// defaultKeep is the default of Options.Keep.
const defaultKeep = 8 * 24 * time.Hour

func (o *Options) fill() error {
	if o.Truth == nil {
		return errors.New("server: Options.Truth is missing: it reads what clients are shown")
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

// Kit carries out operations and tells of them. Make one with [Open], register all
// operations, and use it then. It is safe for concurrent use.
type Kit struct {
	options Options
	db      Database

	// operations are those that are registered, by name. They are all there before the
	// first one is carried out, and constant from then on.
	operations map[string]*operation

	flights flights
	order   *sequencer
	fan     *fan
	work    workers
}

var errNoUser = errors.New("server: Options.User is missing: it says who sent a request")

// Open returns a Kit on the database, which it closes with itself. ctx is only about
// opening.
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

// NewEra begins a new history; see [Database.NewEra]. All streams begin anew.
func (k *Kit) NewEra(ctx context.Context) (int64, error) {
	era, err := k.db.NewEra(ctx)
	if err == nil {
		k.db.Tell()
	}
	return era, err
}

// upkeepInterval is how often old keys and entries are dropped.
const upkeepInterval = time.Hour

// keepUp drops what is older than Options.Keep, now and then.
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

// do calls f on a goroutine of its own, with a context that ends with the Kit. It reports
// false, and does not, when the Kit is closed.
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

// end ends the context of all and waits for them.
func (w *workers) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.cancel()
	w.active.Wait()
}
