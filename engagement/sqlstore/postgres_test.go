package sqlstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/engagement/sqlstore"
	"github.com/optimist-go/optimist/engagement/storetest"
	"github.com/optimist-go/optimist/engagement/wire"
	"github.com/optimist-go/optimist/server/pgtest"
)

// spread simulates a client whose every request goes to another process.
type spread struct {
	stores []*sqlstore.Store
	turn   atomic.Int64
}

func (s *spread) next() *sqlstore.Store {
	return s.stores[int(s.turn.Add(1))%len(s.stores)]
}

func (s *spread) Apply(ctx context.Context, op engagement.Operation) (engagement.Applied, error) {
	return s.next().Apply(ctx, op)
}

func (s *spread) Truth(ctx context.Context, post, viewer string) (engagement.Truth, error) {
	return s.next().Truth(ctx, post, viewer)
}

func (s *spread) Posts(ctx context.Context, viewer string, of wire.Selection, after wire.Cursor, limit int) (engagement.PostPage, error) {
	return s.next().Posts(ctx, viewer, of, after, limit)
}

func (s *spread) Comments(ctx context.Context, post string, before wire.Cursor, limit int) (engagement.CommentPage, error) {
	return s.next().Comments(ctx, post, before, limit)
}

func (s *spread) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	return s.next().Secret(ctx, name, fresh)
}

func (s *spread) EndSession(ctx context.Context, session string, until int64) error {
	return s.next().EndSession(ctx, session, until)
}

func (s *spread) SessionEnded(ctx context.Context, session string) (bool, error) {
	return s.next().SessionEnded(ctx, session)
}

func (s *spread) Audit(ctx context.Context) error { return s.next().Audit(ctx) }

func (s *spread) Forget(ctx context.Context, age time.Duration) error {
	return s.next().Forget(ctx, age)
}

func (s *spread) Ready(ctx context.Context) error { return s.next().Ready(ctx) }

func (s *spread) Close() (err error) {
	for _, store := range s.stores {
		err = errors.Join(err, store.Close())
	}
	return err
}

// TestStoreOnPostgres has each call made of another of three stores on one database.
func TestStoreOnPostgres(t *testing.T) {
	storetest.Run(t, func(tb testing.TB, now func() time.Time) engagement.Store {
		url := pgtest.Database(tb)
		s := new(spread)
		for range 3 {
			s.stores = append(s.stores, mustOpen(tb, url, sqlstore.Options{Now: now}))
		}
		return s
	})
}
