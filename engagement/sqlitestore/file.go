package sqlitestore

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

// Errors of Open. All but ErrInUse are told before anything is written.
var (
	// ErrInUse says that the file belongs to another Store.
	ErrInUse = errors.New("another server uses this database")
	// ErrNewer says that the schema is one of a later version of this program.
	ErrNewer = errors.New("a newer version of this program has written the database")
	// ErrDamaged says that the file is not a whole database.
	ErrDamaged = errors.New("the database is damaged")
	// ErrForeign says that the database belongs to another program.
	ErrForeign = errors.New("the database belongs to another program")
)

const (
	// private is the mode of all files: what is in them is nobody else's to read, the
	// secret of all sessions included.
	private fs.FileMode = 0o600

	// checkTime bounds the check of a large file at Open. What it has not come to
	// by then is taken as good.
	checkTime = 5 * time.Second
)

// magic is what a database begins with.
var magic = []byte("SQLite format 3\x00")

// locate returns the true name of the file, which need not be there: a file has one
// lock, whatever links lead to it. It opens nothing: when this process has the file open,
// closing it once more would give up SQLite's locks.
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

// makeFile makes the file when it is not there, with its mode from the first byte on.
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

// damaged is an error that says what to do.
func damaged(detail string) error {
	return fmt.Errorf("%w: %s; bring a copy of it back, or move it away, and an empty one is made", ErrDamaged, detail)
}

// narrow takes the rights to the file, and to those beside it, from all but its owner.
// What belongs to somebody else stays as it is.
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

// inspect says why the database should not be written; it writes nothing. known is the
// newest schema of this program.
func inspect(ctx context.Context, file string, known int64) error {
	db, err := sql.Open("sqlite", address(file, reading))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := checkSchema(ctx, db, known); err != nil {
		return orDamaged(err)
	}
	return orDamaged(checkPages(ctx, db, checkTime))
}

// checkPages reads the whole database, or as much of it as there is time for.
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

func checkSchema(ctx context.Context, db *sql.DB, known int64) error {
	var tables, versions, posts int
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE name WHEN 'goose_db_version' THEN 1 END), COUNT(CASE name WHEN 'posts' THEN 1 END)
FROM sqlite_master WHERE type = 'table'`).Scan(&tables, &versions, &posts)
	if err != nil || tables == 0 {
		return err
	}
	var version int64
	if versions > 0 {
		if err := db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
			return err
		}
	}
	switch {
	case versions == 0 || version > 0 && posts == 0:
		return fmt.Errorf("%w; name another file", ErrForeign)
	case version > known:
		return fmt.Errorf("%w: its schema is number %d, and this version knows %d; use that version, or name another file", ErrNewer, version, known)
	}
	return nil
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
