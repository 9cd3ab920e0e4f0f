package sqlstore

import (
	"context"
	"time"

	"github.com/optimist-go/optimist/engagement"
	"github.com/optimist-go/optimist/server"
)

// The spending is added to the stored state of the allowance; if the state without other
// servers is later, it counts instead. Rows are locked in the order of their names.
const spendAllowances = `INSERT INTO allowances AS a (name, spent, whole_at)
SELECT name, cost, $1::bigint + alone FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS s (name, cost, alone) ORDER BY name
ON CONFLICT (name) DO UPDATE SET spent = excluded.spent, whole_at = GREATEST(a.whole_at + excluded.spent, excluded.whole_at)
RETURNING name, whole_at - $1`

const forgetAllowances = `DELETE FROM allowances WHERE whole_at < $1`

// forgetEach is the number of calls of Spend of which one drops rows.
const forgetEach = 1000

// Spend implements [engagement.Allowances], with PostgreSQL: a SQLite file has one
// server.
func (s *Store) Spend(ctx context.Context, spent []engagement.Spending) ([]time.Duration, error) {
	names := make([]string, len(spent))
	costs, alone := make([]int64, len(spent)), make([]int64, len(spent))
	places := make(map[string]int, len(spent))
	for i, one := range spent {
		names[i], costs[i], alone[i] = one.Allowance, one.Cost.Microseconds(), one.Alone.Microseconds()
		places[one.Allowance] = i
	}
	missing := make([]time.Duration, len(spent))
	err := s.write(ctx, func(ctx context.Context, tx server.Tx, now int64) error {
		return tx.Query(ctx, func(scan server.Scan) error {
			var name string
			var microseconds int64
			err := scan(&name, &microseconds)
			missing[places[name]] = max(0, time.Duration(microseconds)*time.Microsecond)
			return err
		}, spendAllowances, now*1000, names, costs, alone)
	})
	if err == nil && s.spends.Add(1)%forgetEach == 0 {
		err = s.forgetAllowances(ctx)
	}
	if err != nil {
		return nil, err
	}
	return missing, nil
}

// forgetAllowances drops the allowances that are whole.
func (s *Store) forgetAllowances(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, tx server.Tx, now int64) error {
		_, err := tx.Exec(ctx, forgetAllowances, now*1000)
		return err
	})
}
