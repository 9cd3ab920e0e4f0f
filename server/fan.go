package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/optimist-go/optimist/server/internal/fanout"
)

// Bounds of the reading of the feed.
const (
	// readAhead is the greatest number of entries read at a time.
	readAhead = 256
	// gather is the time for which the reader waits after it was woken, so that the answer to
	// an operation goes out first, and changes that come together go out together.
	gather = 10 * time.Millisecond
	// lookAgain is the pause of the reader after a failure of the database.
	lookAgain = time.Second
	// mostByThemselves is the greatest number of streams that read the feed by themselves at
	// a time.
	mostByThemselves = 4
)

var fanBounds = fanout.Bounds{Rounds: 4096, Frames: 4096, Bytes: 16 << 20}

// fan is the one reader of the feed, and the streams that it feeds. It reads each change
// once for all streams, and does not read without streams.
type fan struct {
	db     Database
	truths Truths
	logger *slog.Logger

	wake chan struct{} // has room for one
	// ahead is the number of entries read at a time. It belongs to the reader.
	ahead int
	// alone has a token for each stream that reads the feed by itself.
	alone chan struct{}
	// open ends when all streams must end.
	open  context.Context
	drain context.CancelFunc

	// mu guards the fields below it.
	mu      sync.Mutex
	log     *fanout.Log[Cursor]
	streams map[*stream]bool
	// attempts counts the attempts of the reader, and failed is the error of the last one.
	attempts int
	failed   error
}

// newFan returns a fan without a running reader: see run.
func newFan(db Database, truths Truths, logger *slog.Logger) *fan {
	open, drain := context.WithCancel(context.Background())
	return &fan{
		db: db, truths: truths, logger: logger, open: open, drain: drain,
		wake: make(chan struct{}, 1), ahead: readAhead, alone: make(chan struct{}, mostByThemselves),
		log: fanout.New(fanBounds, Cursor.reaches), streams: make(map[*stream]bool),
	}
}

// take waits for a stream's turn to read by itself; giveBack ends the turn.
func (f *fan) take(ctx context.Context) error {
	select {
	case f.alone <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fan) giveBack() { <-f.alone }

func wakeUp(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the reader, until ctx ends.
func (f *fan) run(ctx context.Context) {
	unwatch := f.db.Watch(func() { wakeUp(f.wake) })
	defer unwatch()
	var failed error
	var next time.Time // no round begins before it
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		pause := max(gather, time.Until(next))
		if at, _ := f.place(); at.IsZero() && failed == nil {
			pause = 0 // a stream waits to begin
		}
		if wait(ctx, pause) != nil {
			return
		}
		began := time.Now()
		failed = f.readOn(ctx)
		if ctx.Err() != nil {
			return
		}
		f.note(failed)
		ended := time.Now()
		next = ended.Add(min(ended.Sub(began), 5*gather)) // half of the time is left to the rest of the program
		if failed != nil {
			next = ended.Add(lookAgain)
			wakeUp(f.wake)
		}
	}
}

// note records the end of an attempt, and wakes the streams.
func (f *fan) note(err error) {
	f.mu.Lock()
	before := f.failed
	f.attempts++
	f.failed = err
	f.mu.Unlock()
	if err != nil {
		f.wakeAll(context.Background(), 0) // streams that have not begun give up
	}
	switch {
	case err != nil && before == nil:
		f.logger.Warn("the feed cannot be read; its streams wait", slog.Any("error", err))
	case err == nil && before != nil:
		f.logger.Info("the feed is read again")
	}
}

// readOn reads all new entries of the feed, for the present streams.
func (f *fan) readOn(ctx context.Context) error {
	at, busy := f.place()
	if !busy {
		return nil
	}
	if at.IsZero() {
		return f.begin(ctx)
	}
	for {
		asked := f.ahead
		entries, next, err := f.db.Entries(ctx, at, asked)
		if errors.Is(err, ErrGap) {
			return f.begin(ctx)
		}
		if err != nil || len(entries) == 0 {
			return err
		}
		f.mu.Lock()
		viewers := f.log.Begin()
		f.mu.Unlock()
		frames, err := f.frames(ctx, distinctEntities(entries), viewers)
		if err != nil {
			f.ahead /= 4 // the entries may have been too many at a time
			if f.ahead == 0 {
				f.ahead = readAhead // or the entity of the first one cannot be read, and others can
			}
			return err
		}
		f.ahead = min(readAhead, 2*f.ahead)
		f.mu.Lock()
		f.log.Land(next, frames)
		f.mu.Unlock()
		f.wakeAll(ctx, pace)
		at = next
		// The limit was divided among the partitions, and no partition has used up its share.
		if (len(entries)+1)*len(next.At) <= asked {
			return nil
		}
	}
}

// place returns the cursor of the newest round, zero when there is none. While there are
// no streams the log is empty, and busy is false.
func (f *fan) place() (at Cursor, busy bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.streams) == 0 {
		f.log = fanout.New(fanBounds, Cursor.reaches)
		return Cursor{}, false
	}
	at, _ = f.log.Newest()
	return at, true
}

// begin makes the log start at the feed's end: for the first round, and after a gap.
func (f *fan) begin(ctx context.Context) error {
	at, err := positionNow(ctx, f.db)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.log.Break(at)
	f.mu.Unlock()
	f.wakeAll(ctx, pace)
	return nil
}

func positionNow(ctx context.Context, db Database) (at Cursor, err error) {
	err = db.Read(ctx, func(_ context.Context, m Moment) error {
		at = m.Position()
		return nil
	})
	return at, err
}

// frames reads the entities once for all viewers, and encodes their views: one for all
// viewers without own part. An entity that the program cannot read, while it can read
// others, is left out; when it can read none, the fault is not in the entities.
func (f *fan) frames(ctx context.Context, ids, viewers []string) (frames []*fanout.Frame, err error) {
	seen, err := f.look(ctx, ids, viewers)
	if err == nil {
		return f.framesOf(seen, ids), nil
	}
	if passes(err) || ctx.Err() != nil || len(ids) == 1 {
		return nil, err
	}
	for _, id := range ids {
		seen, failed := f.look(ctx, []string{id}, viewers)
		if failed == nil {
			frames = append(frames, f.framesOf(seen, []string{id})...)
			continue
		}
		if passes(failed) || ctx.Err() != nil {
			return nil, failed
		}
		f.leaveOut(id, failed)
	}
	if len(frames) == 0 {
		return nil, err
	}
	return frames, nil
}

// look reads the entities in one moment.
func (f *fan) look(ctx context.Context, ids, viewers []string) (seen *picture, err error) {
	err = f.db.Read(ctx, func(ctx context.Context, m Moment) error {
		return guard(func() (err error) {
			seen, err = look(ctx, f.truths, m, ids, viewers)
			return err
		})
	})
	return seen, err
}

// framesOf encodes the views of the entities.
func (f *fan) framesOf(seen *picture, ids []string) (frames []*fanout.Frame) {
	marked := seen.marked()
	for _, id := range ids {
		frame := &fanout.Frame{Entity: id}
		if err := guard(func() error { return seen.encode(frame, marked[id]) }); err != nil {
			f.leaveOut(id, err)
			continue
		}
		frames = append(frames, frame)
	}
	return frames
}

func (f *fan) leaveOut(id string, err error) {
	f.logger.Error("an entity cannot be shown; streams are not told of its change", slog.String("entity", id), slog.Any("error", err))
}

// encode fills the frame with the common view, and with the views of the viewers.
func (p *picture) encode(frame *fanout.Frame, viewers []string) (err error) {
	if frame.Plain, err = json.Marshal(p.view(frame.Entity, "")); err != nil {
		return err
	}
	if len(viewers) > 0 {
		frame.Own = make(map[string][]byte, len(viewers))
	}
	for _, viewer := range viewers {
		if frame.Own[viewer], err = json.Marshal(p.view(frame.Entity, viewer)); err != nil {
			return err
		}
	}
	return nil
}

// pace is the number of streams woken at a time, so that a thousand of them do not shut
// out new requests; a short pause follows each time.
const (
	pace       = 32
	paceBreath = time.Millisecond
)

// wakeAll wakes all streams, at most atATime at a time; 0 means no limit.
func (f *fan) wakeAll(ctx context.Context, atATime int) {
	f.mu.Lock()
	streams := make([]*stream, 0, len(f.streams))
	for s := range f.streams {
		streams = append(streams, s)
	}
	f.mu.Unlock()
	for i, s := range streams {
		wakeUp(s.woken)
		if atATime > 0 && i%atATime == atATime-1 && i < len(streams)-1 {
			_ = wait(ctx, paceBreath) // after the end of ctx the rest is woken at once
		}
	}
}
