package list

import (
	"encoding/binary"
	"slices"
)

// rope holds rows in order, in blocks of at most maxBlock. Readers keep the blocks as they
// were: the rows that they hold are never written to again. All else is the writer's.
type rope[T any] struct {
	// blocks are never empty. Invariant: keys ascend strictly along all of them.
	blocks []*block[T]
	tops   []top // of the blocks, side by side, so that a search looks into few of them
	n      int   // rows in all
	// epoch counts the copies given to readers. An entry or a block of an earlier epoch, and the
	// slice of blocks if sliced is an earlier epoch, may be a reader's too, and is copied before
	// it is written to.
	epoch, sliced uint64
}

type block[T any] struct {
	rows  []*entry[T]
	heads []head // of the rows; a block hands them on to its copy
	epoch uint64
}

// top is what a search wants to know of a block.
type top struct {
	last head // of the last row
	n    int  // rows
}

func newBlock[T any](rows []*entry[T], heads []head, epoch uint64) *block[T] {
	b := &block[T]{rows: make([]*entry[T], len(rows), maxBlock), heads: make([]head, len(rows), maxBlock), epoch: epoch}
	copy(b.rows, rows)
	copy(b.heads, heads)
	return b
}

func (b *block[T]) top() top { return top{b.heads[len(b.heads)-1], len(b.heads)} }

// before reports whether the ith row comes before a key, of which h is the head.
func (b *block[T]) before(i int, h head, key string) bool {
	if b.heads[i] != h {
		return b.heads[i].less(h)
	}
	return b.rows[i].key < key
}

// head is the first 16 bytes of a key, which is followed by zeros if it is shorter. Heads
// order as their keys do, unless they are the same: most comparisons go no further.
type head struct{ first, second uint64 }

func (h head) less(other head) bool {
	return h.first < other.first || h.first == other.first && h.second < other.second
}

func headOf(key string) head {
	var b [16]byte
	copy(b[:], key)
	return head{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// entry is a row in its place.
type entry[T any] struct {
	key   string // the keys of the order and the id
	row   Row[T]
	sums  []int64 // never written to
	epoch uint64  // of the rope, when it was made
}

const maxBlock = 256

// share gives the rope as it is now to a reader.
func (r *rope[T]) share() []*block[T] {
	r.epoch++
	return r.blocks
}

// find is the place of a key, or the one where it belongs.
func (r *rope[T]) find(key string) (b, i int, found bool) {
	h := headOf(key)
	for end := len(r.tops); b < end; {
		mid := int(uint(b+end) / 2)
		last := r.tops[mid].last
		if last.less(h) || last == h && r.blocks[mid].before(r.tops[mid].n-1, h, key) {
			b = mid + 1
		} else {
			end = mid
		}
	}
	if b == len(r.tops) {
		if b == 0 {
			return 0, 0, false
		}
		return b - 1, r.tops[b-1].n, false
	}
	blk := r.blocks[b]
	for end := len(blk.heads); i < end; {
		if mid := int(uint(i+end) / 2); blk.before(mid, h, key) {
			i = mid + 1
		} else {
			end = mid
		}
	}
	return b, i, blk.heads[i] == h && blk.rows[i].key == key
}

// rank is the number of rows before a place.
func (r *rope[T]) rank(b, i int) int {
	for _, before := range r.tops[:b] {
		i += before.n
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
		rows := append(make([]*entry[T], 0, maxBlock), blk.rows...)
		blk = &block[T]{rows: rows, heads: blk.heads, epoch: r.epoch}
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
	h := headOf(e.key)
	if len(r.blocks) == 0 {
		r.ownSlice()
		r.blocks = append(r.blocks, newBlock([]*entry[T]{e}, []head{h}, r.epoch))
		r.tops = append(r.tops, r.blocks[0].top())
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
	blk.rows = put(blk.rows, i, e)
	blk.heads = put(blk.heads, i, h)
	r.tops[b] = blk.top()
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
	r.blocks = put(r.blocks, b+1, rest)
	r.tops[b] = blk.top()
	r.tops = put(r.tops, b+1, rest.top())
}

// remove takes a row out. Blocks that have become small are joined.
func (r *rope[T]) remove(b, i int) {
	r.n--
	blk := r.own(b)
	blk.rows = cut(blk.rows, i)
	blk.heads = cut(blk.heads, i)
	if r.tops[b].n = len(blk.rows); r.tops[b].n > maxBlock/2 {
		r.tops[b] = blk.top()
		return
	}
	for _, left := range []int{b - 1, b} {
		if left >= 0 && left+1 < len(r.blocks) && r.tops[left].n+r.tops[left+1].n <= maxBlock/2 {
			blk, right := r.own(left), r.blocks[left+1]
			blk.rows, blk.heads = append(blk.rows, right.rows...), append(blk.heads, right.heads...)
			r.tops[left] = blk.top()
			r.drop(left + 1)
			return
		}
	}
	if len(blk.rows) == 0 {
		r.drop(b)
		return
	}
	r.tops[b] = blk.top()
}

func (r *rope[T]) drop(b int) {
	r.blocks, r.tops = cut(r.blocks, b), cut(r.tops, b)
}

// build fills an empty rope with entries in order.
func (r *rope[T]) build(sorted []*entry[T]) {
	const full = maxBlock - maxBlock/8
	heads := make([]head, full)
	for part := range slices.Chunk(sorted, full) {
		for i, e := range part {
			heads[i] = headOf(e.key)
		}
		r.blocks = append(r.blocks, newBlock(part, heads[:len(part)], r.epoch))
		r.tops = append(r.tops, r.blocks[len(r.blocks)-1].top())
	}
	r.n = len(sorted)
}

// put returns s with v at i. slices.Insert, which takes any number of values, is ten times
// the code in a page.
func put[E any](s []E, i int, v E) []E {
	s = append(s, v)
	copy(s[i+1:], s[i:])
	s[i] = v
	return s
}

// cut returns s without the element at i, and erases the place behind the last one.
func cut[E any](s []E, i int) []E {
	last := len(s) - 1
	copy(s[i:], s[i+1:])
	clear(s[last:])
	return s[:last]
}
