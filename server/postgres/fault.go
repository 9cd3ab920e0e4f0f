package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/optimist-go/optimist/server"
)

// programError is an error of a function of the program. It is returned unchanged.
type programError struct{ error }

func (e programError) Unwrap() error { return e.error }

// fault wraps an error in the matching error of package server. conn is the connection on
// which the error occurred; nil: there was none yet. ctx is the context of the caller.
func fault(ctx context.Context, err error, conn *pgx.Conn) error {
	var program programError
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &program):
		return program.error
	case errors.Is(err, server.ErrAgain), errors.Is(err, server.ErrBusy), errors.Is(err, server.ErrUnavailable):
		return err
	case errors.Is(err, server.ErrNewer):
		return fmt.Errorf("postgres: %w", err)
	case errors.As(err, &pg):
		if kind := kindOf(pg); kind != nil {
			return fmt.Errorf("postgres: %w: %w", kind, err)
		}
		return fmt.Errorf("postgres: %w", err)
	case ctx.Err() != nil:
		return fmt.Errorf("postgres: %w: %w", ctx.Err(), err)
	case conn == nil || conn.IsClosed():
		return fmt.Errorf("postgres: %w: %w", server.ErrUnavailable, err)
	default:
		return fmt.Errorf("postgres: %w", err)
	}
}

// kindOf returns the error of package server that an error of PostgreSQL means; nil: the
// error is a fault of the program.
func kindOf(err *pgconn.PgError) error {
	switch err.Code {
	case "40001", // serialization failure
		"40P01", // deadlock
		"55P03", // lock timeout
		"57014", // statement timeout, or cancelled by an operator
		"26000": // a prepared statement is gone, as behind a pooler
		return server.ErrAgain
	case "0A000":
		if err.Routine == "RevalidateCachedQuery" { // a table was altered since the statement was prepared
			return server.ErrAgain
		}
		return nil
	case "22021", "22P05": // a zero byte, not UTF-8, not to be converted
		return server.ErrText
	case "25006", // read only: this server is no longer the primary
		"25P03", // idle in transaction for too long
		"40003", // whether it was committed is not known
		"3D000": // no such database: it is being restored
		return server.ErrUnavailable
	}
	switch class := err.Code[:min(2, len(err.Code))]; class {
	case "08", // connection
		"28", // authorization failed, as when a server starts with other files
		"53", // out of connections, memory, disk
		"57", // shutdown, crash, starting up
		"58": // system errors
		return server.ErrUnavailable
	}
	if strings.HasPrefix(err.Code, "XX") && err.Severity == "FATAL" {
		return server.ErrUnavailable
	}
	return nil
}

// isLockTimeout reports whether waiting for a lock took too long.
func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
