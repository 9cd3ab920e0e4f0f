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

// programError is an error of a function of the program. It is passed on as it is.
type programError struct{ error }

func (e programError) Unwrap() error { return e.error }

// fault says of an error which of the kit's errors it is. conn is the connection on which
// it came; nil: there was none yet. ctx is that of the caller.
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

// kindOf says which of the kit's errors an error of the server is; nil: it is none, but a
// fault of the program.
func kindOf(err *pgconn.PgError) error {
	switch err.Code {
	case "40001", // serialization failure
		"40P01", // deadlock
		"55P03", // lock timeout
		"57014", // statement timeout, or canceled by an operator
		"26000": // a prepared statement is gone, as behind a pooler
		return server.ErrAgain
	case "0A000":
		if err.Routine == "RevalidateCachedQuery" { // a table was altered since the statement was prepared
			return server.ErrAgain
		}
		return nil
	case "22021", "22P05": // a zero byte, not UTF-8, not to be converted
		return server.ErrText
	case "25006", // read only: this was the primary once
		"25P03", // idle in transaction for too long
		"40003", // whether it was committed is not known
		"3D000": // no such database: it is being restored
		return server.ErrUnavailable
	}
	switch class := err.Code[:min(2, len(err.Code))]; class {
	case "08", // connection
		"28", // who we are is not known: as when a server starts with other files
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

// isLockTimeout reports whether a lock was waited for too long.
func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
