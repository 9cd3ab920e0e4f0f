package replay

import (
	"slices"

	"github.com/optimist-go/optimist/internal/engine"
)

// Book has a page for each entity whose closures may still have to be undone, or have tasks.
// It is told the decisions of the engine about them. All its methods need the caller's lock.
// [NewBook] makes one.
type Book[T any] struct {
	turn  func() T
	pages map[engine.Key]*Page[T]
	most  int // len(pages) at most, since the map was made
	// ready are the pages that got tasks and that nobody was asked to serve.
	ready     []*Page[T]
	due       int // tasks that have still to be carried out
	clearings int
}

// Page is the log of one entity, and the tasks that it was not told yet. Acts of one page are
// carried out by the one goroutine that has its Turn.
type Page[T any] struct {
	Key  engine.Key
	Turn T

	Log       // touched only by the goroutine that has the turn
	taken int // tasks that the Log was told last; as the Log

	tasks []Task
	users int // that hold or await the turn to execute something
}

// NewBook returns an empty book. turn makes the turn of a page.
func NewBook[T any](turn func() T) *Book[T] {
	return &Book[T]{turn: turn, pages: make(map[engine.Key]*Page[T])}
}

// Join finds or makes the page of an entity, and keeps it until the caller leaves it.
func (b *Book[T]) Join(key engine.Key) *Page[T] {
	p := b.page(key)
	p.users++
	return p
}

// Leave ends a Join.
func (b *Book[T]) Leave(p *Page[T]) { p.users-- }

func (b *Book[T]) page(key engine.Key) *Page[T] {
	p := b.pages[key]
	if p == nil {
		p = &Page[T]{Key: key, Turn: b.turn()}
		b.pages[key] = p
		b.most = max(b.most, len(b.pages))
	}
	return p
}

// Pages calls yield for each page.
func (b *Book[T]) Pages(yield func(*Page[T]) bool) {
	for _, p := range b.pages {
		if !yield(p) {
			return
		}
	}
}

// Len is how many pages there are.
func (b *Book[T]) Len() int { return len(b.pages) }

// Tell gives the page of an entity a task.
func (b *Book[T]) Tell(key engine.Key, t Task) {
	p := b.page(key)
	if len(p.tasks) == 0 {
		b.ready = append(b.ready, p)
	}
	p.tasks = append(p.tasks, t)
	b.due++
}

// Settle is Tell of the end of an operation. silent says that it ends a life, without callbacks.
func (b *Book[T]) Settle(o *engine.Op, silent bool) { b.Tell(o.Entity().Key(), b.settling(o, silent)) }

func (b *Book[T]) settling(o *engine.Op, silent bool) Task {
	t := Task{Settle: o, Heir: o.Successor(), Mark: b.clearings}
	if silent {
		t.Mark = -1 // of none
	}
	return t
}

// Clear has the operations whose ends were told before end silently as well.
func (b *Book[T]) Clear() { b.clearings++ }

// Silent reports whether an operation ends without callbacks.
func (b *Book[T]) Silent(settled Act) bool { return settled.Mark != b.clearings }

// Ready are the pages that have tasks and that nobody was asked to serve. It must not be
// changed, and is good until the next call.
func (b *Book[T]) Ready() []*Page[T] { return b.ready }

// Serve hands over the pages that are ready: the caller takes their turns.
func (b *Book[T]) Serve() (ready []*Page[T]) {
	ready, b.ready = b.ready, nil
	return ready
}

// Served says that the caller, who has the turn of a page, serves it.
func (b *Book[T]) Served(p *Page[T]) {
	b.ready = slices.DeleteFunc(b.ready, func(other *Page[T]) bool { return other == p })
}

// Slow reports whether tasks of a page call functions of the program.
func (p *Page[T]) Slow() bool {
	return slices.ContainsFunc(p.tasks, func(t Task) bool { return t.Settle == nil })
}

// Take notes that the tasks taken before are done, and takes those that have come. It reports
// whether there are any. The caller has the turn.
func (b *Book[T]) Take(p *Page[T]) (more bool) {
	b.due -= p.taken
	p.Tell(p.tasks)
	p.taken, p.tasks = len(p.tasks), nil
	return p.taken > 0
}

// Idle reports whether all tasks are done.
func (b *Book[T]) Idle() bool { return b.due == 0 }

// Close forgets a page that holds nothing. It is false when the page has got tasks: the caller,
// who has the turn, serves them before it gives the turn back.
func (b *Book[T]) Close(p *Page[T]) bool {
	if len(p.tasks) > 0 {
		return false
	}
	if p.Empty() && p.users == 0 && b.pages[p.Key] == p {
		delete(b.pages, p.Key)
		if len(b.pages) == 0 && b.most > 1024 {
			b.pages, b.most = make(map[engine.Key]*Page[T]), 0 // a map keeps the memory of a burst
		}
	}
	return true
}
