package server

import (
	"fmt"
	"testing"
)

func TestListsAmongTheArguments(t *testing.T) {
	two, none := []string{"x", "y"}, []string(nil)
	for _, c := range []struct {
		sql  string
		args []any
		want string
	}{
		{"SELECT $1, $2", []any{1, "a"}, "SELECT $1, $2 [1 a]"},
		{"a IN $1", []any{two}, "a IN ($1, $2) [x y]"},
		{"a IN $2 AND b = $1 AND c IN $3 AND d = $4", []any{1, two, two, 4}, "a IN ($2, $3) AND b = $1 AND c IN ($4, $5) AND d = $6 [1 x y x y 4]"},
		{"a IN $1 OR b IN $1", []any{two}, "a IN ($1, $2) OR b IN ($1, $2) [x y]"},
		{"a IN $1 AND b = $2", []any{none, 2}, "a IN (NULL) AND b = $1 [2]"},
		{"a = '$1''$1' AND b IN $1 AND c = '$", []any{two}, "a = '$1''$1' AND b IN ($1, $2) AND c = '$ [x y]"},
		{"a IN $1 AND $9 $ $x $11", []any{two}, "a IN ($1, $2) AND $9 $ $x $11 [x y]"},
	} {
		sql, args := In(c.sql, c.args...)
		if got := fmt.Sprint(sql, " ", args); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.sql, got, c.want)
		}
	}
}
