package postgres

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	channel    = "optimist"
	tellPause  = 10 * time.Millisecond // between two NOTIFY
	lookPause  = time.Second           // between two wake-ups without a reason, give or take a fifth
	firstPause = 50 * time.Millisecond // before the listener connects again, doubled each time
	lastPause  = 2 * time.Second
)

// bell carries wake-ups between processes. With a NOTIFY in the transactions themselves,
// their commits would wait for each other.
type bell struct {
	config  *pgx.ConnConfig
	ctx     context.Context // ends with the database
	running sync.WaitGroup
	told    chan struct{} // holds one value: Tell was called since the last NOTIFY

	mu       sync.Mutex
	watchers map[chan struct{}]struct{} // each holds one wake-up
}

// newBell starts to listen and to tell, until ctx ends.
func newBell(ctx context.Context, config *pgx.ConnConfig) *bell {
	b := &bell{config: config, ctx: ctx, told: make(chan struct{}, 1), watchers: make(map[chan struct{}]struct{})}
	b.running.Go(b.listen)
	b.running.Go(b.tell)
	return b
}

// wait returns when all goroutines of newBell and watch have ended. ctx must have ended.
func (b *bell) wait() {
	b.mu.Lock() // a watcher registered before this line may not have seen the end
	b.mu.Unlock()
	b.running.Wait()
}

// Tell implements [server.Database].
func (db *Database) Tell() { signal(db.bell.told) }

// Watch implements [server.Database]. stop must not be called by wake.
func (db *Database) Watch(wake func()) (stop func()) { return db.bell.watch(wake) }

// signal puts a signal into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// ring wakes the watchers of this process.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		signal(w)
	}
}

func (b *bell) watch(wake func()) (stop func()) {
	woken := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		cancel()
		return func() {}
	}
	b.watchers[woken] = struct{}{}
	b.running.Go(func() {
		defer close(ended)
		for {
			look := time.NewTimer(lookPause*4/5 + rand.N(lookPause*2/5))
			select {
			case <-ctx.Done():
				look.Stop()
				return
			case <-woken:
			case <-look.C:
			}
			look.Stop()
			if ctx.Err() == nil {
				wake()
			}
		}
	})
	return func() {
		cancel()
		b.mu.Lock()
		delete(b.watchers, woken)
		b.mu.Unlock()
		<-ended
	}
}

// tell wakes this process at once and the others by NOTIFY. While the connection is
// lost, wake-ups of other processes are lost; these wake each second anyway.
func (b *bell) tell() {
	var conn *pgx.Conn
	defer func() { b.drop(conn) }()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.told:
		}
		b.ring()
		if conn == nil {
			conn, _ = pgx.ConnectConfig(b.ctx, b.config) // nil: lost
		}
		if conn != nil {
			ctx, cancel := context.WithTimeout(b.ctx, connectTime)
			if _, err := conn.Exec(ctx, "NOTIFY "+channel); err != nil {
				b.drop(conn)
				conn = nil
			}
			cancel()
		}
		b.pause(tellPause)
	}
}

// listen wakes this process when another one tells. It listens first and wakes then, so
// that no earlier change is missed.
func (b *bell) listen() {
	wait := firstPause
	for b.ctx.Err() == nil {
		conn, err := pgx.ConnectConfig(b.ctx, b.config)
		if err == nil {
			if _, err = conn.Exec(b.ctx, "LISTEN "+channel); err == nil {
				wait = firstPause
			}
			for err == nil {
				b.ring()
				_, err = conn.WaitForNotification(b.ctx)
			}
			b.drop(conn)
		}
		b.pause(wait + rand.N(wait))
		wait = min(2*wait, lastPause)
	}
}

// pause waits for d, or until the end of the bell.
func (b *bell) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-b.ctx.Done():
	case <-t.C:
	}
}

func (b *bell) drop(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	_ = conn.Close(ctx) // the connection is given up
}
