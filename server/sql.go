package server

import "context"

// Query reads with the program's SQL. Parameters are $1, $2 and so on in both databases.
// It is valid only within the call that it was given to, and must not be used
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

// Reads collects the queries of a group of decided operations, so that they travel at once.
type Reads struct{ reads []Read }

// Query has sql run, and row called for each row, before the group is decided. An error of
// row undoes the group, and its operations are tried singly.
func (r *Reads) Query(row func(scan Scan) error, sql string, args ...any) {
	guarded := func(scan Scan) error { return guard(func() error { return row(scan) }) }
	r.reads = append(r.reads, Read{Row: guarded, SQL: sql, Args: args})
}

// Writes collects what a group of decided operations writes, so that it travels at once.
type Writes struct{ writes []Write }

// Exec has sql run, after all that was collected before it.
func (w *Writes) Exec(sql string, args ...any) { w.writes = append(w.writes, Write{sql, args}) }
