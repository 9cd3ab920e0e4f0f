package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Map runs sql, whose arguments may contain lists as for [In], and returns the rows as a
// map. columns returns pointers for [Scan] into the key and the value of one row.
func Map[K comparable, V any](ctx context.Context, q Query, columns func(*K, *V) []any, sql string, args ...any) (map[K]V, error) {
	rows := make(map[K]V)
	sql, args = In(sql, args...)
	err := q.Query(ctx, func(scan Scan) error {
		var key K
		var value V
		err := scan(columns(&key, &value)...)
		rows[key] = value
		return err
	}, sql, args...)
	return rows, err
}

// In lets a statement take lists of any length, in both databases: where $n stands for an
// argument of type []string, In writes "($n, …)", with a parameter for each text of the
// list. An empty list becomes (NULL), which no value is IN. In does not check sql: the
// database reports its errors.
func In(sql string, args ...any) (string, []any) {
	if !slices.ContainsFunc(args, isList) {
		return sql, args
	}
	var text strings.Builder
	flat := make([]any, 0, len(args))
	numbers := make(map[int]string, len(args)) // the text in place of $n
	for i, arg := range args {
		list, ok := arg.([]string)
		if !ok {
			flat = append(flat, arg)
			numbers[i+1] = "$" + strconv.Itoa(len(flat))
			continue
		}
		each := make([]string, len(list))
		for i, value := range list {
			flat = append(flat, value)
			each[i] = "$" + strconv.Itoa(len(flat))
		}
		if len(list) == 0 {
			each = []string{"NULL"}
		}
		numbers[i+1] = "(" + strings.Join(each, ", ") + ")"
	}
	quoted := false
	for i := 0; i < len(sql); i++ {
		if sql[i] == '\'' {
			quoted = !quoted
		}
		end := i + 1
		for !quoted && sql[i] == '$' && end < len(sql) && '0' <= sql[end] && sql[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(sql[i+1 : end])
		if with, ok := numbers[n]; ok && err == nil {
			text.WriteString(with)
			i = end - 1
			continue
		}
		text.WriteByte(sql[i])
	}
	return text.String(), flat
}

func isList(arg any) bool {
	_, ok := arg.([]string)
	return ok
}
