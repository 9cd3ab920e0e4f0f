package list

import "slices"

// totals corrects the number of rows that the server told by all that this client knows beside
// it. It has no lock, goroutine or clock.
type totals struct {
	known    bool
	n        int    // as it was told
	position uint64 // as of which; 0: not told
	began    moment // when it was read
	// settled are the changes that n does not contain, or may not contain, in the order in which
	// they came.
	settled []difference
	sum     int    // of settled
	unsure  int    // of settled: those of which nobody knows whether n contains them
	dropped moment // when the newest of those came that were dropped from settled
	// outlived: n is of a history of the server that has ended.
	outlived bool

	// Of entities of which nothing was known before: the greatest position, and when the newest
	// came that this client may have made, anywhere and without a position.
	appeared           uint64
	made, madeAnywhere moment

	ahead   map[string]int  // what unsettled work adds to the truth of each entity, if not 0
	adds    int             // their sum
	doubted map[string]bool // entities in ahead whose work n may contain
	guessed map[string]bool // entities with work of whose truth nobody knows whether n contains it
}

// difference is a change of truth: an entity has come to satisfy the query, or ceased to.
type difference struct {
	id       string
	by       int // 1 or -1
	position uint64
	before   uint64 // the position of a later truth, where its own is not known; 0: none
	came     moment
	guessed  bool // nobody knows whether n contains the entity of before
}

// maxDifferences bounds the changes kept between two totals told.
const maxDifferences = 1000

// tell takes a number that the server told, read since began.
func (t *totals) tell(n int, position uint64, began moment) {
	t.known, t.n, t.position, t.began, t.outlived = true, n, position, began, false
	last := make(map[string]int) // by entity: its last change that n contains
	for i := range t.settled {
		if d := &t.settled[i]; t.has(d) {
			last[d.id] = i
		}
	}
	kept := t.settled[:0]
	t.sum, t.unsure = 0, 0
	for i, d := range t.settled {
		if t.has(&d) || d.position == 0 && i < last[d.id] {
			continue
		}
		kept = append(kept, d)
		t.sum += d.by
		t.unsure += t.doubts(d)
	}
	t.settled = kept
	for id := range t.ahead {
		t.doubted[id] = true
	}
}

// outlive notes that the server has begun a new history. Positions of the one before say
// nothing about it.
func (t *totals) outlive() {
	t.position, t.appeared, t.outlived, t.unsure, t.madeAnywhere = 0, 0, true, len(t.settled), t.made
	for i := range t.settled {
		t.settled[i].position, t.settled[i].before = 0, 0
	}
}

// has reports whether the number that the server told is known to contain a change.
func (t *totals) has(d *difference) bool {
	if d.position != 0 && t.position != 0 {
		return d.position <= t.position
	}
	return t.known && !d.came.after(t.began) || d.before != 0 && d.before <= t.position
}

// forget takes out the i-th change.
func (t *totals) forget(i int) {
	d := t.settled[i]
	t.sum -= d.by
	t.unsure -= t.doubts(d)
	t.settled = cut(t.settled, i)
}

// forgetBefore takes out an entity's changes without a position, among the first n: the number
// contains a later one, by its position.
func (t *totals) forgetBefore(n int, id string) {
	for i := n - 1; i >= 0; i-- {
		if d := &t.settled[i]; d.id == id && d.position == 0 {
			t.forget(i)
		}
	}
}

// settle notes a change of the truth.
func (t *totals) settle(d difference) {
	if t.has(&d) {
		if d.position != 0 && t.position != 0 {
			t.forgetBefore(len(t.settled), d.id)
		}
		return
	}
	if len(t.settled) == maxDifferences {
		old := t.settled[0]
		t.settled = append(t.settled[:0], t.settled[1:]...)
		t.n, t.dropped = t.n+old.by, old.came
		t.sum -= old.by
		t.unsure -= t.doubts(old)
	}
	t.settled = append(t.settled, d)
	t.sum += d.by
	t.unsure += t.doubts(d)
}

func (t *totals) doubts(d difference) int {
	if d.position == 0 || t.position == 0 || d.guessed {
		return 1
	}
	return 0
}

// place notes where an entity's truth is in the feed, of whose last change that was not known.
// same: that truth is the change. Else it is a later one.
func (t *totals) place(id string, position uint64, same bool) {
	for i := len(t.settled) - 1; i >= 0; i-- {
		d := &t.settled[i]
		if d.id != id {
			continue
		}
		if d.position != 0 {
			return // it is later than those whose positions are not known
		}
		if t.position != 0 && position <= t.position {
			t.forget(i)
			t.forgetBefore(i, id)
		} else if same {
			t.unsure -= t.doubts(*d)
			d.position = position
			t.unsure += t.doubts(*d)
		} else if d.before == 0 {
			d.before = position
		}
		return
	}
}

// contains notes that the page of the total has an entity, which was there before the first of its
// changes that are kept: had nothing been known of it then, that one does not add it.
func (t *totals) contains(id string) {
	i := slices.IndexFunc(t.settled, func(d difference) bool { return d.id == id })
	if i >= 0 && t.settled[i].by > 0 {
		t.forget(i)
	}
}

// withdraw forgets the changes of an entity that turned out to be another one, which tells them.
func (t *totals) withdraw(id string) {
	for i := len(t.settled) - 1; i >= 0; i-- {
		if t.settled[i].id == id {
			t.forget(i)
		}
	}
}

// appear notes an entity of which nothing was known. Where the total may not contain it,
// nobody knows whether it is new: if it is later than the total, or if an operation of this
// client may have made it.
func (t *totals) appear(position uint64, made bool, came moment) {
	if position != 0 && position <= t.position {
		return // in this total, and in all that are read later
	}
	t.appeared = max(t.appeared, position)
	if made {
		t.made = came
		if position == 0 {
			t.madeAnywhere = came
		}
	}
}

// lost reports whether the total may lack an entity that has appeared, or a change that was
// dropped.
func (t *totals) lost() bool {
	if t.position == 0 {
		return t.made.after(t.began) || t.dropped.after(t.began)
	}
	return t.appeared > t.position || t.madeAnywhere.after(t.began) || t.dropped.after(t.began)
}

// work notes the addition of an entity's unsettled work. guessed: nobody knows whether n contains
// the entity.
func (t *totals) work(id string, by int, guessed bool) {
	t.adds += by - t.ahead[id]
	delete(t.guessed, id)
	if guessed {
		t.guessed[id] = true
	}
	if by != 0 {
		t.ahead[id] = by
		return
	}
	delete(t.ahead, id)
	delete(t.doubted, id)
}

// now is the number of rows that the server has, with this client's work.
func (t *totals) now() Total {
	if !t.known {
		return Total{}
	}
	return Total{Known: true, N: t.n + t.sum + t.adds, Exact: !t.outlived && !t.lost() && t.unsure == 0 && len(t.doubted) == 0 && len(t.guessed) == 0}
}
