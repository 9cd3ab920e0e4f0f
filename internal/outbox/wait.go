package outbox

// Wait is for the records that were queued when it began.
type Wait struct {
	Done chan struct{} // closed when they have been written, or cannot be

	// Known from then on.
	Err  error // of that write
	Owed error // the ends that the disk did not have then
}

// Await begins to wait for the records queued. A writer must be at work.
func (b *Outbox) Await() *Wait {
	w := &Wait{Done: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	return w
}

// answer tells those who wait how it ended.
func (b *Outbox) answer(all []*Wait, err error) {
	for _, w := range all {
		w.Err, w.Owed = err, b.Owed()
		close(w.Done)
	}
}
