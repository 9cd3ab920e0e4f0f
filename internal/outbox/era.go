package outbox

// SetEra has the header written with the era of the server, behind all that is queued.
func (b *Outbox) SetEra(era uint64) {
	if b.era, b.outlived = era, true; b.restored && !b.dead {
		b.header = true
		b.outlive()
	}
}

// outlive has the records in quarantine say that nobody knows whether the server has the
// operations: those that it acknowledged in an era that is over.
func (b *Outbox) outlive() {
	for i := range b.quarantine {
		l := &b.quarantine[i]
		if l.Record == nil || !l.Record.Kept.Acked {
			continue
		}
		k := &l.Record.Kept
		k.Acked, k.Silent, k.Guess, k.Version, k.Used, k.Unknown = false, false, false, 0, 0, true
		b.rewrite(l)
	}
}

// rewrite queues a record of an earlier life in which something has changed.
func (b *Outbox) rewrite(l *Loaded) {
	l.Data = l.Record.Encode()
	b.queue = append(b.queue, Entry{Seq: l.Seq, Data: l.Data})
}
