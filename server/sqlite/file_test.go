package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// modes are the modes of all files in the folder, by name.
func modes(t *testing.T, folder string) map[string]fs.FileMode {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]fs.FileMode)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name()] = info.Mode()
	}
	return all
}

// TestFilesAreTheirOwnersAlone: also those that an earlier version left open to others, or
// that a backup brought back so.
func TestFilesAreTheirOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "kit.db")
	if err := makeFile(file); err != nil || modes(t, folder)["kit.db"] != private {
		t.Fatalf("before its first byte: %v, %v", modes(t, folder), err)
	}
	for _, when := range []string{"made", "opened again, and narrowed"} {
		s, err := Open(t.Context(), file, notes)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.write(t.Context(), writeNote(when)); err != nil {
			t.Fatal(err)
		}
		all := modes(t, folder)
		for _, name := range []string{"", "-wal", "-shm", ".lock"} {
			if mode := all["kit.db"+name]; mode != private {
				t.Errorf("%s: kit.db%s has mode %v", when, name, mode)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for name := range modes(t, folder) {
			if err := os.Chmod(filepath.Join(folder, name), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFileHasOneLock: whichever link leads to it.
func TestFileHasOneLock(t *testing.T) {
	s, file := openTemp(t, notes)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), link, notes); !errors.Is(err, ErrInUse) {
		t.Errorf("by a link: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), link, notes)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Open(t.Context(), file, notes); !errors.Is(err, ErrInUse) {
		t.Errorf("by its name: %v", err)
	}
}

// bigFile is a database of many pages, closed.
func bigFile(t *testing.T) string {
	t.Helper()
	s, file := openTemp(t, notes)
	for i := range 200 {
		err := s.write(t.Context(), func(ctx context.Context, tx server.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO notes (id, text) VALUES ($1, $2)`, i, strings.Repeat("x", 4000))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// run executes statements on the file, past any Database.
func run(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestFilesThatAreRefused: each stays as it is, and nothing stays beside it.
func TestFilesThatAreRefused(t *testing.T) {
	whole, err := os.ReadFile(bigFile(t))
	if err != nil {
		t.Fatal(err)
	}
	overwrite := func(at int, with string) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if at < 0 {
				at = len(data)/4096/2*4096 + 8 // a page in the middle
			}
			copy(data[at:], with)
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, row := range map[string]struct {
		harm func(t *testing.T, file string)
		want error
		says string
	}{
		"another kind of file": {func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte("dear diary"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "bring a copy of it back"},
		"beginning":            {overwrite(0, "ransom!"), ErrDamaged, "bring a copy of it back"},
		"header":               {overwrite(16, "\x00\x00\x00\x00\x00\x00\x00\x00"), ErrDamaged, "bring a copy of it back"},
		"schema":               {overwrite(100, strings.Repeat("\xff", 1000)), ErrDamaged, "bring a copy of it back"},
		"a page in the middle": {overwrite(-1, strings.Repeat("\xff", 4000)), ErrDamaged, "bring a copy of it back"},
		"the second half is gone": {func(t *testing.T, file string) {
			info, err := os.Stat(file)
			if err == nil {
				err = os.Truncate(file, info.Size()/2)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "bring a copy of it back"},
		"a newer schema": {func(t *testing.T, file string) {
			run(t, file, "INSERT INTO optimist_schema (version_id, is_applied) VALUES (9, TRUE)", "ALTER TABLE optimist_keys ADD COLUMN place TEXT")
		}, server.ErrNewer, "its schema is number 9, and this version knows 1"},
		"another program": {func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			run(t, file, "CREATE TABLE bookmarks (url TEXT)")
		}, ErrForeign, "name another file"},
		"another program with goose": {func(t *testing.T, file string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			run(t, file, "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER)",
				"INSERT INTO goose_db_version VALUES (1, 0, 1), (2, 1, 1)", "CREATE TABLE bookmarks (url TEXT)")
		}, ErrForeign, "name another file"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kit.db")
			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			row.harm(t, file)
			if row.want == server.ErrNewer { // which has left its lock
				if err := os.WriteFile(file+lockSuffix, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			left := len(modes(t, filepath.Dir(file)))
			s, err := Open(t.Context(), file, notes)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
			if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file has changed, %v", err)
			}
			if all := modes(t, filepath.Dir(file)); len(all) != left || all["kit.db"] != 0o644 {
				t.Errorf("there are %v", all)
			}
		})
	}
}

// TestNamesThatAreRefused: nothing is left behind.
func TestNamesThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	inside := filepath.Join(folder, "folder")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "nowhere"), filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		inside:                             "is a folder",
		inside + "/":                       "is a folder",
		inside + "/.":                      "is a folder",
		filepath.Join(folder, "new") + "/": "names no file",
		"":                                 "names no file",
		os.DevNull:                         "is no regular file",
		filepath.Join(folder, "link"):      "is a link to nothing",
	} {
		s, err := Open(t.Context(), name, notes)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if all := modes(t, folder); len(all) != 2 {
		t.Errorf("there are %v", all)
	}
	if all := modes(t, inside); len(all) != 0 {
		t.Errorf("in the folder there are %v", all)
	}
	for _, name := range []string{os.DevNull + lockSuffix, lockSuffix} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCheckGivesUpInTime: a file that cannot be checked in time is taken; a start that was
// given up is not.
func TestCheckGivesUpInTime(t *testing.T) {
	file := bigFile(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := inspect(ended, file, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was given up: %v", err)
	}
	db, err := sql.Open("sqlite", address(file, reading))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := checkPages(t.Context(), db, 1); err != nil {
		t.Errorf("a check without time: %v", err)
	}
}

// TestAProgramSaysWhichFilesAreItsOwn: a database that had no kit so far, for one.
func TestAProgramSaysWhichFilesAreItsOwn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kit.db")
	run(t, file, "CREATE TABLE bookmarks (url TEXT)", "INSERT INTO bookmarks VALUES ('here')")
	options, no := notes, errors.New("these are not ours")
	options.Inspect = func(ctx context.Context, db *sql.DB) error {
		if _, err := db.ExecContext(ctx, "DELETE FROM bookmarks"); err == nil {
			t.Error("inspecting can write")
		}
		return no
	}
	if _, err := Open(t.Context(), file, options); !errors.Is(err, no) {
		t.Fatalf("refused: %v", err)
	}
	no = nil
	s, err := Open(t.Context(), file, options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n := count(t, s, "bookmarks"); n != 1 {
		t.Errorf("%d bookmarks", n)
	}
}
