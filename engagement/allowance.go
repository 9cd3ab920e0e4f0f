package engagement

import (
	"context"
	"time"
)

// Spending is what one server has let through of an allowance, and has not told yet.
type Spending struct {
	// Allowance is its name.
	Allowance string
	// Cost is how long the allowance takes to make up for it.
	Cost time.Duration
	// Alone is how long it takes until the allowance is whole again if nothing else was let
	// through; below 0 when that has been.
	Alone time.Duration
}

// Allowances keeps what is left of allowances that several servers give out. An allowance
// that it does not know is whole; what it knows may be lost with the database.
type Allowances interface {
	// Spend notes what was let through, and returns of each allowance how long it takes
	// until it is whole again, with the spending of all servers. Each allowance is named
	// at most once. An error leaves open whether it was noted.
	Spend(ctx context.Context, spent []Spending) (missing []time.Duration, err error)
}
