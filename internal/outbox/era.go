package outbox

// SetEra has the header written with the era of the server, behind all that is queued.
func (b *Outbox) SetEra(era uint64) {
	if b.era, b.outlived = era, true; b.restored && !b.dead {
		b.header = true
		for i := range b.quarantine {
			b.outlive(&b.quarantine[i])
		}
	}
}

// outlive has a record in quarantine say that nobody knows whether the server has the operation, if
// it was acknowledged in an era that is over.
func (b *Outbox) outlive(l *Loaded) {
	if l.Record == nil || !l.Record.Kept.Acked {
		return
	}
	r := *l.Record
	k := &r.Kept
	k.Acked, k.Silent, k.Guess, k.Version, k.Used, k.Unknown = false, false, false, 0, 0, true
	l.Record, l.Data = &r, r.Encode()
	b.queue = append(b.queue, Entry{Seq: l.Seq, Data: l.Data})
}
