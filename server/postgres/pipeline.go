package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/optimist-go/optimist/server"
)

// pipeline is a series of statements that travel together, in one round trip.
type pipeline struct {
	batch pgx.Batch
	steps []step
}

// step handles the answer to a statement.
type step struct {
	row  func(scan server.Scan) error  // nil: rows are ignored
	tag  func(pgconn.CommandTag) error // called without row; nil: the tag is ignored
	fail func(error) error             // explains an error; nil: errors stay as they are
}

// exec adds a statement without an answer.
func (p *pipeline) exec(sql string, args ...any) {
	p.add(step{}, sql, args...)
}

// query adds a statement whose rows are read by row.
func (p *pipeline) query(row func(scan server.Scan) error, sql string, args ...any) {
	p.add(step{row: row}, sql, args...)
}

func (p *pipeline) add(s step, sql string, args ...any) {
	p.batch.Queue(sql, args...)
	p.steps = append(p.steps, s)
}

// run sends the statements and reads all answers. The first error ends it; the
// caller then rolls back the transaction.
func (p *pipeline) run(ctx context.Context, conn *pgxpool.Conn) error {
	answers := conn.SendBatch(ctx, &p.batch)
	for _, s := range p.steps {
		if err := s.take(answers); err != nil {
			_ = answers.Close() // returns the same error again
			if s.fail != nil {
				err = s.fail(err)
			}
			return err
		}
	}
	return answers.Close()
}

// take reads one answer.
func (s step) take(answers pgx.BatchResults) error {
	if s.row == nil {
		tag, err := answers.Exec()
		if err == nil && s.tag != nil {
			err = s.tag(tag)
		}
		return err
	}
	rows, err := answers.Query()
	if err != nil {
		return err
	}
	return each(rows, s.row)
}

// each calls row for each of the rows, and closes them.
func each(rows pgx.Rows, row func(scan server.Scan) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(func(into ...any) error { return rows.Scan(into...) }); err != nil {
			return programError{err}
		}
	}
	rows.Close()
	return rows.Err()
}
