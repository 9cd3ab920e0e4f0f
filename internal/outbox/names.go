package outbox

// Name is a pair of names as the journal holds it: of an entity whose id the server makes.
type Name struct {
	Seq    uint64 // of the record
	Store  string
	First  string // under which operations have the entity
	Server string // empty: the entity was never made
}

// Encode makes the record's bytes; [Outbox.Load] reads them.
func (n *Name) Encode() []byte {
	return appendString(appendString(appendString([]byte{nameFormat}, n.Store), n.First), n.Server)
}

// decodeName reads the bytes that [Name.Encode] writes, and says of all others no.
func decodeName(seq uint64, data []byte) (n Name, ok bool) {
	d := decoder{rest: data}
	if d.byte() != nameFormat {
		return Name{}, false
	}
	n = Name{Seq: seq, Store: d.string(), First: d.string(), Server: d.string()}
	return n, !d.bad && len(d.rest) == 0 && n.First != ""
}

// PutName queues a pair of names. It is in the journal before all that is queued later.
func (b *Outbox) PutName(n Name) { b.Put(Entry{Seq: n.Seq, Data: n.Encode()}) }

// ForgetName queues the end of the pair's record.
func (b *Outbox) ForgetName(seq uint64) {
	if !b.dead {
		b.end(seq, "forgotten")
	}
}

// BeginNames returns the pairs that an earlier life left, in the order in which they became known, as far as
// the store is known. The others stay in the journal, until a program knows their store or
// [Outbox.Forget].
func (b *Outbox) BeginNames(known func(store string) bool) (all []Name) {
	var unknown []Name
	for _, n := range b.names {
		if known(n.Store) {
			all = append(all, n)
		} else {
			unknown = append(unknown, n)
		}
	}
	b.names = unknown
	return all
}
