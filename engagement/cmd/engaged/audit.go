package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/engagement/load"
	"github.com/optimist-go/optimist/server"
)

// audit checks in the database, by SQL, that it has the effects of all acknowledged
// operations. The database must not have forgotten keys yet.
func audit(ctx context.Context, kit *server.Kit, acknowledged []load.Effect) error {
	var (
		kept             = make(map[load.Effect]bool)
		versions         int64
		falling, missing int64
		scanKey          = func(scan server.Scan) error {
			var e load.Effect
			err := scan(&e.User, &e.Key)
			kept[e] = true
			return err
		}
		into = func(n *int64) func(server.Scan) error {
			return func(scan server.Scan) error { return scan(n) }
		}
	)
	err := kit.Read(ctx, func(ctx context.Context, m server.Moment) error {
		clear(kept)
		return errors.Join(
			m.Query(ctx, scanKey, `SELECT user_id, key FROM optimist_keys WHERE NOT already`),
			m.Query(ctx, into(&versions), `SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) FROM optimist_entities`),
			m.Query(ctx, into(&falling), `SELECT COUNT(*) FROM (
				SELECT version, LAG(version) OVER (PARTITION BY entity ORDER BY part, position) AS before FROM optimist_feed
			) AS pairs WHERE version <= before`),
		)
	})
	if err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	var wrong []error
	if int64(len(kept)) != versions {
		wrong = append(wrong, fmt.Errorf("%d keys have had an effect, and posts have changed %d times", len(kept), versions))
	}
	if falling > 0 {
		wrong = append(wrong, fmt.Errorf("the feed has %d entries with a version that does not grow", falling))
	}
	for _, e := range acknowledged {
		if !kept[e] {
			missing++
		}
	}
	if missing > 0 {
		wrong = append(wrong, fmt.Errorf("%d operations were acknowledged and have no key", missing))
	}
	return errors.Join(wrong...)
}
