package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of [Open]. Open returns them before it writes anything.
var (
	// ErrInUse says that another [Database] has opened the file.
	ErrInUse = errors.New("another server uses this database")
	// ErrDamaged says that the file is not a whole database.
	ErrDamaged = errors.New("the database is damaged")
	// ErrForeign says that the database belongs to another program.
	ErrForeign = errors.New("the database belongs to another program")
)

const (
	// private is the mode of all files: only their owner may read them.
	private fs.FileMode = 0o600

	// checkTime bounds the check of a large file at Open. Pages that are not checked by then
	// are taken as good.
	checkTime = 5 * time.Second
)

// magic is the beginning of a database file.
var magic = []byte("SQLite format 3\x00")

// locate resolves the links in the name of the file, which need not exist: a file has one
// lock, and several links may lead to it. locate does not open the file: if this process
// has opened the file already, closing a second descriptor would give up SQLite's locks.
func locate(name string) (string, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return locateNew(name)
	case err != nil:
		return "", err
	case info.IsDir():
		return "", fmt.Errorf("%s is a folder, not a file", name)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no regular file", name)
	}
	return filepath.EvalSymlinks(name)
}

func locateNew(name string) (string, error) {
	if name == "" || os.IsPathSeparator(name[len(name)-1]) {
		return "", fmt.Errorf("%q names no file", name)
	}
	if _, err := os.Lstat(name); err == nil {
		return "", fmt.Errorf("%s is a link to nothing", name)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(name))
	return filepath.Join(folder, filepath.Base(name)), err
}

// makeFile creates the file if it does not exist, with its mode from the first byte on.
func makeFile(name string) error {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, private)
	if err != nil {
		return err
	}
	defer file.Close()
	return checkBeginning(file)
}

func checkBeginning(file io.Reader) error {
	beginning := make([]byte, len(magic))
	n, err := io.ReadFull(file, beginning)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if n > 0 && !bytes.Equal(beginning, magic) {
		return damaged("it does not begin as one does")
	}
	return nil
}

// damaged returns an ErrDamaged that names the remedy.
func damaged(detail string) error {
	return fmt.Errorf("%w: %s; bring a copy of it back, or move it away, and an empty one is made", ErrDamaged, detail)
}

// narrow takes the rights to the file, and to those beside it, from all but its owner.
// Files of other owners stay as they are.
func narrow(file string) error {
	for _, suffix := range []string{"", "-wal", "-shm", lockSuffix} {
		info, err := os.Stat(file + suffix)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm()&^private == 0 {
			continue
		}
		if err == nil {
			err = os.Chmod(file+suffix, info.Mode().Perm()&private)
		}
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// inspect returns the reason why the file must not be written; it writes nothing.
func inspect(ctx context.Context, file string, options Options) error {
	db, err := sql.Open("sqlite", address(file, reading))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := inspectTables(ctx, db, options); err != nil {
		return orDamaged(err)
	}
	return orDamaged(checkPages(ctx, db, checkTime))
}

func inspectTables(ctx context.Context, db *sql.DB, options Options) error {
	var tables, ours int
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE name WHEN '`+versionTable+`' THEN 1 END)
FROM sqlite_master WHERE type = 'table'`).Scan(&tables, &ours)
	if err != nil || tables == 0 {
		return err
	}
	if options.Inspect != nil {
		if err := options.Inspect(ctx, db); err != nil {
			return err
		}
	} else if ours == 0 {
		return fmt.Errorf("%w; name another file", ErrForeign)
	}
	all, err := schemas(options.Migrations)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := s.check(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

// checkPages checks the pages of the database for at most the given time.
func checkPages(ctx context.Context, db *sql.DB, atMost time.Duration) error {
	checking, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	var found string
	err := db.QueryRowContext(checking, `PRAGMA quick_check(1)`).Scan(&found)
	switch {
	case err != nil && checking.Err() != nil:
		return ctx.Err()
	case err == nil && found != "ok":
		return damaged(strings.Join(strings.Fields(found), " "))
	}
	return err
}

// orDamaged tells errors that mean damage from all others.
func orDamaged(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return damaged(e.Error())
		}
	}
	return err
}
