package list

import (
	"slices"
	"sort"
)

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
	heads []uint64 // the first eight bytes of each row's key: most comparisons go no further
	epoch uint64
}

func newBlock[T any](rows []*entry[T], heads []uint64, epoch uint64) *block[T] {
	b := &block[T]{rows: make([]*entry[T], len(rows), maxBlock), heads: make([]uint64, len(rows), maxBlock), epoch: epoch}
	copy(b.rows, rows)
	copy(b.heads, heads)
	return b
}

// before reports whether the ith row comes before a key, of which head is the head.
func (b *block[T]) before(i int, head uint64, key string) bool {
	if b.heads[i] != head {
		return b.heads[i] < head
	}
	return b.rows[i].key < key
}

// headOf is the first eight bytes of a key, which is followed by zeros if it is shorter. Heads
// order as their keys do, unless they are the same.
func headOf(key string) (head uint64) {
	for i := range 8 {
		head <<= 8
		if i < len(key) {
			head |= uint64(key[i])
		}
	}
	return head
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
	head := headOf(key)
	b = sort.Search(len(r.blocks), func(b int) bool {
		blk := r.blocks[b]
		return !blk.before(len(blk.rows)-1, head, key)
	})
	if b == len(r.blocks) {
		if b == 0 {
			return 0, 0, false
		}
		b--
		return b, len(r.blocks[b].rows), false
	}
	blk := r.blocks[b]
	i = sort.Search(len(blk.rows), func(i int) bool { return !blk.before(i, head, key) })
	return b, i, blk.rows[i].key == key
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
	r.ownSlice()
	blk := r.blocks[b]
	if blk.epoch != r.epoch {
		blk = newBlock(blk.rows, blk.heads, r.epoch)
		r.blocks[b] = blk
	}
	return blk
}

func (r *rope[T]) ownSlice() {
	if r.sliced != r.epoch {
		r.blocks, r.sliced = slices.Clone(r.blocks), r.epoch
	}
}

// replace puts another entry of the same key in a place.
func (r *rope[T]) replace(b, i int, e *entry[T]) { r.own(b).rows[i] = e }

// insert puts an entry into the place that find named.
func (r *rope[T]) insert(b, i int, e *entry[T]) {
	r.n++
	if len(r.blocks) == 0 {
		r.ownSlice()
		r.blocks = append(r.blocks, newBlock([]*entry[T]{e}, []uint64{headOf(e.key)}, r.epoch))
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
	blk.rows = slices.Insert(blk.rows, i, e)
	blk.heads = slices.Insert(blk.heads, i, headOf(e.key))
}

// split makes two blocks of one that is full and writable. Rows that come in order, as most
// do, leave full blocks behind them: the last block is split behind its last rows.
func (r *rope[T]) split(b int) {
	half := maxBlock / 2
	if b == len(r.blocks)-1 {
		half = maxBlock - maxBlock/8
	}
	blk := r.blocks[b]
	rest := newBlock(blk.rows[half:], blk.heads[half:], r.epoch)
	clear(blk.rows[half:])
	blk.rows, blk.heads = blk.rows[:half], blk.heads[:half]
	r.blocks = slices.Insert(r.blocks, b+1, rest)
}

// remove takes a row out. Blocks that have become small are joined.
func (r *rope[T]) remove(b, i int) {
	r.n--
	blk := r.own(b)
	blk.rows = slices.Delete(blk.rows, i, i+1)
	blk.heads = slices.Delete(blk.heads, i, i+1)
	for _, left := range []int{b - 1, b} {
		if left >= 0 && left+1 < len(r.blocks) && len(r.blocks[left].rows)+len(r.blocks[left+1].rows) <= maxBlock/2 {
			blk, right := r.own(left), r.blocks[left+1]
			blk.rows, blk.heads = append(blk.rows, right.rows...), append(blk.heads, right.heads...)
			r.blocks = slices.Delete(r.blocks, left+1, left+2)
			return
		}
	}
	if len(blk.rows) == 0 {
		r.blocks = slices.Delete(r.blocks, b, b+1)
	}
}

// build fills an empty rope with entries in order.
func (r *rope[T]) build(sorted []*entry[T]) {
	const full = maxBlock - maxBlock/8
	heads := make([]uint64, full)
	for part := range slices.Chunk(sorted, full) {
		for i, e := range part {
			heads[i] = headOf(e.key)
		}
		r.blocks = append(r.blocks, newBlock(part, heads, r.epoch))
	}
	r.n = len(sorted)
}
