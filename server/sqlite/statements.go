package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/optimist-go/optimist/server"
)

// mostStatements is the greatest number of statements kept prepared. Further SQL, which a
// program must have assembled from values, is prepared for each use.
const mostStatements = 500

type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements keeps statements prepared, by their SQL.
type statements struct {
	on preparer

	// mu guards the field below it.
	mu    sync.Mutex
	bySQL map[string]*sql.Stmt
}

func newStatements(on preparer) *statements {
	return &statements{on: on, bySQL: make(map[string]*sql.Stmt)}
}

// get returns the statement, and a function to be called after its use.
func (s *statements) get(ctx context.Context, query string) (stmt *sql.Stmt, used func(), err error) {
	s.mu.Lock()
	stmt = s.bySQL[query]
	s.mu.Unlock()
	if stmt != nil {
		return stmt, func() {}, nil
	}
	if stmt, err = s.on.PrepareContext(ctx, query); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bySQL[query] == nil && len(s.bySQL) < mostStatements {
		s.bySQL[query] = stmt
		return stmt, func() {}, nil
	}
	return stmt, func() { stmt.Close() }, nil
}

// close closes all statements. Statements do not close with their connection, and would
// keep it open.
func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.bySQL {
		errs = append(errs, stmt.Close())
	}
	clear(s.bySQL)
	return errors.Join(errs...)
}

// rowError is an error of the function that takes the rows.
type rowError struct{ error }

func (e rowError) Unwrap() error { return e.error }

// each calls row for each of the rows, and closes them.
func each(rows *sql.Rows, row func(scan server.Scan) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return rowError{err}
		}
	}
	return rows.Err()
}

// arguments returns the program's arguments as SQLite takes them: lists as JSON, for
// json_each. Text that other databases cannot keep is refused with [server.ErrText].
func arguments(args []any) ([]any, error) {
	travel := args
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			if !utf8.ValidString(arg) || strings.Contains(arg, "\x00") {
				return nil, fmt.Errorf("sqlite: parameter $%d: %w", i+1, server.ErrText)
			}
		case []string, []int64, []int:
			if &travel[0] == &args[0] { // the program's own slice stays as it is
				travel = slices.Clone(args)
			}
			travel[i] = list(arg)
		}
	}
	return travel, nil
}

// list returns the text of a list of texts or numbers, for json_each.
func list(values any) string {
	text, err := json.Marshal(values)
	if err != nil || string(text) == "null" { // of a nil list; these types have no errors
		return "[]"
	}
	return string(text)
}
