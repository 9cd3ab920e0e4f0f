package engagement

import (
	"context"
	"time"
)

// Spending is the part of an allowance that one server has let through and not reported
// yet.
type Spending struct {
	// Allowance is the name of the allowance.
	Allowance string
	// Cost is the time in which the allowance recovers from this spending.
	Cost time.Duration
	// Alone is the time until the allowance is whole again if no other server has spent of
	// it; below 0 when it is whole already.
	Alone time.Duration
}

// Allowances keeps the rest of allowances that several servers give out. An allowance
// without record is whole; records may be lost with the database.
type Allowances interface {
	// Spend records the spendings, and returns for each allowance the time until it is
	// whole again, with the spending of all servers. Each allowance is named at most once.
	// After an error the spendings may or may not have been recorded.
	Spend(ctx context.Context, spent []Spending) (missing []time.Duration, err error)
}
