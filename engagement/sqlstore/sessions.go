package sqlstore

import (
	"context"

	"github.com/optimist-go/optimist/server"
)

// write calls do with a transaction for rows of this package of which clients are not told.
func (s *Store) write(ctx context.Context, do func(ctx context.Context, tx server.Tx, now int64) error) error {
	return explain(s.kit.Write(ctx, do))
}

// Secret implements [engagement.Sessions].
func (s *Store) Secret(ctx context.Context, name string, fresh []byte) (secret []byte, err error) {
	err = s.write(ctx, func(ctx context.Context, tx server.Tx, _ int64) error {
		if _, err := tx.Exec(ctx, insertSecret, name, fresh); err != nil {
			return err
		}
		return tx.Query(ctx, func(scan server.Scan) error { return scan(&secret) }, selectSecret, name)
	})
	if err != nil {
		return nil, err
	}
	return secret, nil
}

// EndSession implements [engagement.Sessions].
func (s *Store) EndSession(ctx context.Context, session string, until int64) error {
	return s.write(ctx, func(ctx context.Context, tx server.Tx, _ int64) error {
		_, err := tx.Exec(ctx, insertEnded, session, until)
		return err
	})
}

// SessionEnded implements [engagement.Sessions].
func (s *Store) SessionEnded(ctx context.Context, session string) (ended bool, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		return m.Query(ctx, func(scan server.Scan) error {
			var found int
			err := scan(&found)
			ended = found > 0
			return err
		}, selectEnded, session)
	})
	return ended, err
}
