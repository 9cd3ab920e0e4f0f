package list

import "iter"

// Rows are the rows of a list at one moment. They never change. The zero Rows are none.
type Rows[T any] struct {
	step   uint64
	blocks []*block[T]
	n      int // in the window
	total  int
	sums   []int64
	state  State
}

// State is how far a list of pages is loaded. It is of the same moment as the rows.
func (r Rows[T]) State() State { return r.state }

// Step is the number of the step after which the rows were so.
func (r Rows[T]) Step() uint64 { return r.step }

// Len is the number of rows, at most Query.Limit.
func (r Rows[T]) Len() int { return r.n }

// Total is the number of entities in the list, also those beyond Query.Limit. State has the
// number that the server tells of those it has.
func (r Rows[T]) Total() int { return r.total }

// Sum is the sum of Query.Sums[i] over all entities in the list. It panics, as a slice does,
// where there is none.
func (r Rows[T]) Sum(i int) int64 { return r.sums[i] }

// At is the ith row. It panics, as a slice does, where there is none. To read many, range
// over All or From.
func (r Rows[T]) At(i int) Row[T] {
	if i < 0 || i >= r.n {
		panic("list: row out of range")
	}
	return at(r.blocks, i).row
}

// All ranges over the rows in order.
func (r Rows[T]) All() iter.Seq2[int, Row[T]] { return r.From(0) }

// From ranges over the rows from the ith on.
func (r Rows[T]) From(first int) iter.Seq2[int, Row[T]] {
	return func(yield func(int, Row[T]) bool) {
		i := 0
		for _, b := range r.blocks {
			if i+len(b.rows) <= first {
				i += len(b.rows)
				continue
			}
			for _, e := range b.rows {
				if i >= r.n {
					return
				}
				if i >= first && !yield(i, e.row) {
					return
				}
				i++
			}
		}
	}
}
