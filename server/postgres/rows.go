package postgres

// statement is one that is about rows, in two forms: one takes the columns of a single
// row, many takes each column as an array.
type statement struct{ one, many string }

// few is up to how many rows are cheaper one by one. A plan with arrays costs about as
// much to start as five without.
const few = 4

// column has a value for each row.
type column interface {
	at(row int) any
	all() any
}

// values are those of the rows, in their order.
type values[T any] []T

func (v values[T]) at(row int) any { return v[row] }
func (v values[T]) all() any       { return []T(v) }

// same is one value for all rows.
type same[T any] struct{ value T }

func (s same[T]) at(int) any { return s.value }
func (s same[T]) all() any   { return s.value }

// rows adds the statement for so many rows.
func (p *pipeline) rows(s step, sql statement, n int, columns ...column) {
	switch {
	case n == 0:
	case n <= few:
		for row := range n {
			args := make([]any, len(columns))
			for i, c := range columns {
				args[i] = c.at(row)
			}
			p.add(s, sql.one, args...)
		}
	default:
		args := make([]any, len(columns))
		for i, c := range columns {
			args[i] = c.all()
		}
		p.add(s, sql.many, args...)
	}
}

// count numbers the rows, from 0.
func count(rows int) values[int64] {
	numbers := make(values[int64], rows)
	for i := range numbers {
		numbers[i] = int64(i)
	}
	return numbers
}
