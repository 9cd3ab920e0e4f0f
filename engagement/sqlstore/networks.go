package sqlstore

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/server"
)

// Network is the choice of a session in the network panel.
type Network struct {
	Session string
	// Setting is a text of the caller; empty: the session has no setting of its own any more.
	Setting string
	// SetAt is the time in milliseconds since the Unix epoch.
	SetAt int64
}

// keepNetworks is longer than any session lasts.
const keepNetworks = 8 * 24 * time.Hour

const (
	upsertNetwork = `INSERT INTO networks (session, setting, set_at) VALUES ($1, $2, $3)
ON CONFLICT (session) DO UPDATE SET setting = excluded.setting, set_at = excluded.set_at`
	selectNetworks = `SELECT session, setting, set_at FROM networks WHERE set_at >= $1 ORDER BY set_at`
	forgetNetworks = `DELETE FROM networks WHERE set_at < $1`
)

// SetNetwork stores the choice of a session, and wakes the watchers of all servers of the
// database.
func (s *Store) SetNetwork(ctx context.Context, session, setting string) error {
	err := s.write(ctx, func(ctx context.Context, tx server.Tx, now int64) error {
		_, err := tx.Exec(ctx, upsertNetwork, session, setting, now)
		return err
	})
	if err == nil {
		s.db.Tell()
	}
	return err
}

// Networks returns the choices that were made at or after the time (milliseconds since the
// Unix epoch), in their order.
func (s *Store) Networks(ctx context.Context, since int64) (all []Network, err error) {
	err = s.at(ctx, func(ctx context.Context, m server.Moment) error {
		return m.Query(ctx, func(scan server.Scan) error {
			var n Network
			err := scan(&n.Session, &n.Setting, &n.SetAt)
			all = append(all, n)
			return err
		}, selectNetworks, since)
	})
	return all, err
}

// Watch calls wake after changes, and now and then without a reason; see
// [server.Database].
func (s *Store) Watch(wake func()) (stop func()) { return s.db.Watch(wake) }
