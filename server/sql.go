package server

import "context"

// Query runs queries of the program. Parameters are $1, $2 and so on in both databases. A
// Query is valid only within the call that it was passed to, and must not be used
// concurrently.
type Query interface {
	// Query runs sql and calls row for each row, in order. scan reads the row's columns
	// into pointers. An error of row ends the reading and is returned.
	Query(ctx context.Context, row func(scan Scan) error, sql string, args ...any) error
}

// Scan reads the columns of one row into pointers, one for each column.
type Scan func(into ...any) error

// Tx is the transaction of an interactive operation. The kit begins and ends it.
type Tx interface {
	Query
	// Exec runs sql and returns the number of rows that it changed.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
}

// Reads collects the queries for a group of operations of a [Decision], so that all of them
// travel in one round trip.
type Reads struct{ reads []Read }

// Query adds a query: sql runs and row is called for each row before the group is decided.
// An error of row rolls the group back, and its operations are tried singly.
func (r *Reads) Query(row func(scan Scan) error, sql string, args ...any) {
	guarded := func(scan Scan) error { return guard(func() error { return row(scan) }) }
	r.reads = append(r.reads, Read{Row: guarded, SQL: sql, Args: args})
}

// Writes collects the statements of a group of operations of a [Decision], so that all of
// them travel in one round trip.
type Writes struct{ writes []Write }

// Exec adds a statement. Statements run in the order in which they were added.
func (w *Writes) Exec(sql string, args ...any) { w.writes = append(w.writes, Write{sql, args}) }
