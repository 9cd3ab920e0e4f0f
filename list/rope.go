package list

import "sort"

// rope holds rows in order, in blocks of at most maxBlock. Readers keep a rope as it was:
// what they hold is never written to again.
type rope[T any] struct {
	// blocks are never empty. Invariant: keys ascend strictly along all of them.
	blocks []*block[T]
	n      int // rows in all
	// epoch counts the copies given to readers. A block of an earlier epoch, and the slice of
	// blocks if sliced is an earlier epoch, may be a reader's too, and is copied before it is
	// written to.
	epoch, sliced uint64
}

type block[T any] struct {
	rows  []*entry[T]
	epoch uint64
}

// entry is a row in its place. It is never written to once it is in a rope.
type entry[T any] struct {
	key  string // the keys of the order and the id
	row  Row[T]
	sums []int64
}

const maxBlock = 256

// share gives the rope as it is now to a reader.
func (r *rope[T]) share() []*block[T] {
	r.epoch++
	return r.blocks
}

// find is the place of a key, or the one where it belongs.
func (r *rope[T]) find(key string) (b, i int, found bool) {
	b = sort.Search(len(r.blocks), func(b int) bool {
		rows := r.blocks[b].rows
		return rows[len(rows)-1].key >= key
	})
	if b == len(r.blocks) {
		if b == 0 {
			return 0, 0, false
		}
		b--
		return b, len(r.blocks[b].rows), false
	}
	rows := r.blocks[b].rows
	i = sort.Search(len(rows), func(i int) bool { return rows[i].key >= key })
	return b, i, rows[i].key == key
}

// rank is the number of rows before a place.
func (r *rope[T]) rank(b, i int) int {
	for _, before := range r.blocks[:b] {
		i += len(before.rows)
	}
	return i
}

// at is the row of a rank.
func at[T any](blocks []*block[T], rank int) *entry[T] {
	for _, b := range blocks {
		if rank < len(b.rows) {
			return b.rows[rank]
		}
		rank -= len(b.rows)
	}
	panic("list: rank out of range")
}

// own makes a block, and the slice of blocks, writable.
func (r *rope[T]) own(b int) *block[T] {
	r.ownSlice(0)
	blk := r.blocks[b]
	if blk.epoch != r.epoch {
		rows := make([]*entry[T], len(blk.rows), maxBlock)
		copy(rows, blk.rows)
		blk = &block[T]{rows: rows, epoch: r.epoch}
		r.blocks[b] = blk
	}
	return blk
}

func (r *rope[T]) ownSlice(room int) {
	if r.sliced != r.epoch {
		blocks := make([]*block[T], len(r.blocks), len(r.blocks)+room+8)
		copy(blocks, r.blocks)
		r.blocks, r.sliced = blocks, r.epoch
	}
}

// replace puts another entry of the same key in a place.
func (r *rope[T]) replace(b, i int, e *entry[T]) { r.own(b).rows[i] = e }

// insert puts an entry into the place that find named.
func (r *rope[T]) insert(b, i int, e *entry[T]) {
	r.n++
	if len(r.blocks) == 0 {
		r.ownSlice(1)
		rows := make([]*entry[T], 1, maxBlock)
		rows[0] = e
		r.blocks = append(r.blocks, &block[T]{rows: rows, epoch: r.epoch})
		return
	}
	blk := r.own(b)
	if len(blk.rows) == maxBlock {
		r.split(b)
		if half := len(r.blocks[b].rows); i > half {
			b, i = b+1, i-half
		}
		blk = r.blocks[b]
	}
	blk.rows = append(blk.rows, nil)
	copy(blk.rows[i+1:], blk.rows[i:])
	blk.rows[i] = e
}

// split makes two blocks of one that is full and writable. Rows that come in order, as most
// do, leave full blocks behind them: the last block is split behind its last rows.
func (r *rope[T]) split(b int) {
	half := maxBlock / 2
	if b == len(r.blocks)-1 {
		half = maxBlock - maxBlock/8
	}
	blk := r.blocks[b]
	rows := make([]*entry[T], len(blk.rows)-half, maxBlock)
	copy(rows, blk.rows[half:])
	clear(blk.rows[half:])
	blk.rows = blk.rows[:half]
	r.blocks = append(r.blocks, nil)
	copy(r.blocks[b+2:], r.blocks[b+1:])
	r.blocks[b+1] = &block[T]{rows: rows, epoch: r.epoch}
}

// remove takes a row out. Blocks that have become small are joined.
func (r *rope[T]) remove(b, i int) {
	r.n--
	blk := r.own(b)
	copy(blk.rows[i:], blk.rows[i+1:])
	blk.rows[len(blk.rows)-1] = nil
	blk.rows = blk.rows[:len(blk.rows)-1]
	for _, left := range []int{b - 1, b} {
		if left >= 0 && left+1 < len(r.blocks) && len(r.blocks[left].rows)+len(r.blocks[left+1].rows) <= maxBlock/2 {
			blk := r.own(left)
			blk.rows = append(blk.rows, r.blocks[left+1].rows...)
			r.drop(left + 1)
			return
		}
	}
	if len(blk.rows) == 0 {
		r.drop(b)
	}
}

func (r *rope[T]) drop(b int) {
	copy(r.blocks[b:], r.blocks[b+1:])
	r.blocks[len(r.blocks)-1] = nil
	r.blocks = r.blocks[:len(r.blocks)-1]
}

// build fills an empty rope with entries in order.
func (r *rope[T]) build(sorted []*entry[T]) {
	const full = maxBlock - maxBlock/8
	for len(sorted) > 0 {
		n := min(full, len(sorted))
		rows := make([]*entry[T], n, maxBlock)
		copy(rows, sorted)
		r.blocks = append(r.blocks, &block[T]{rows: rows, epoch: r.epoch})
		r.n += n
		sorted = sorted[n:]
	}
}
