package outbox

import (
	"errors"
	"math"

	"github.com/optimist-go/optimist/internal/engine"
	"github.com/optimist-go/optimist/internal/errorf"
)

// The bytes of a journal record, all integers as unsigned varints, all strings and
// byte slices with their length before them:
//
//	format     byte     2
//	flags      uvarint  see below
//	pos        uvarint  order in the lane (an operation that took another's place has
//	                    that one's)
//	timestamp  uvarint  hybrid logical time of the tap
//	calls      uvarint  attempts that left, the one under way included
//	attempts   uvarint  those that are charged to the retry policy
//	unanswered uvarint  those of them that nobody answered
//	conflicts  uvarint  conflicts that were kept
//	conflict   uvarint  how the last one was resolved
//	not before uvarint  milliseconds since 1970 before which the server wants no attempt
//	used       uvarint  milliseconds of the retry deadline that have gone by
//	version    uvarint  of the truth that an acknowledged operation awaits
//	since      uvarint  milliseconds since 1970 at which the first attempt left of which
//	                    nobody knows how it ended, or will; there only with its flag
//	id         string   also the idempotency key
//	type       string
//	schema     uvarint  version of the arguments, at most maxSchema
//	store      string   empty for a group, whose entities follow from its arguments
//	entity     string
//	slot       string
//	failure    string   why it is parked
//	deps       uvarint  count, then the sequence number of each as uvarint
//	args       bytes    the encoded arguments
//
// Format 1 has a byte of flags (1: parked; 2: and its outcome is unknown), and of the
// numbers only pos, timestamp and attempts that may have left.
//
// The header record (sequence number 0):
//
//	format   byte     1
//	client   string   the client id
//	clock    uvarint  no timestamp that was given is later
//	seq      uvarint  no sequence number that was given is greater
//	era      uvarint  the era of the server that is held; left out while there is none
//
// A pair of names, of an entity whose id the server has made; a program that does not know
// the format puts it into quarantine, and with it the operations that stand on a creation:
//
//	format   byte     3
//	store    string
//	first    string   under which operations have the entity
//	server   string   the server's name
const (
	recordFormat = 2
	oldFormat    = 1 // of records
	nameFormat   = 3
	headerFormat = 1
)

// Flags of a record.
const (
	flagParked       = 1 << iota // a person decides
	flagUnknown                  // nobody knows how an attempt ended
	flagInFlight                 // an attempt is under way
	flagAcked                    // the server has it, and truth is awaited
	flagSilent                   // the server acknowledged it without a version of its own
	flagGuess                    // the answer seemed to be a lagging replica's
	flagUnclassified             // nobody classified how an attempt ended
	flagStands                   // it stands on a creation
	flagSince                    // it has the field since

	allFlags = 1<<iota - 1
)

// Record is an operation as the journal holds it.
type Record struct {
	Kept      engine.Kept // its times in milliseconds: NotBefore since 1970
	Pos       uint64      // its place in the lane
	Timestamp engine.Timestamp
	ID        string
	Type      string
	Schema    int    // version of Args, at most maxSchema
	Store     string // empty for a group
	Entity    string
	Slot      string
	Failure   string // why it is parked
	Deps      []uint64
	Args      []byte
	// Members are the entities of a group, each by the name of its store and its id. A record
	// of earlier times has none.
	Members []string
}

// Grouped reports whether it is of a group, and names the entities.
func (r *Record) Grouped() bool { return len(r.Members) > 0 }

// Entities ranges over the operation's entities, at least one, each by the name of its store and
// its id. The record of a group of earlier times has one without names.
func (r *Record) Entities(yield func(store, id string) bool) {
	if !r.Grouped() {
		yield(r.Store, r.Entity)
		return
	}
	for i := 0; i < len(r.Members) && yield(r.Members[i], r.Members[i+1]); i += 2 {
	}
}

// FullNames are the full names of its entities.
func (r *Record) FullNames() (names []string) {
	r.Entities(func(store, id string) bool {
		if store != "" {
			id = store + ":" + id
		}
		names = append(names, id)
		return true
	})
	return names
}

// maxSchema is the greatest version of arguments that a record can hold.
const maxSchema = math.MaxInt32

// flagsOf names the flags of a record, in the order of their bits.
func flagsOf(k *engine.Kept) [8]*bool {
	return [8]*bool{&k.Parked, &k.Unknown, &k.InFlight, &k.Acked, &k.Silent, &k.Guess, &k.Unclassified, &k.Stands}
}

func (r *Record) Encode() []byte {
	b := make([]byte, 0, 72+len(r.ID)+len(r.Type)+len(r.Entity)+len(r.Slot)+len(r.Args))
	k := &r.Kept
	var flags uint64
	for i, on := range flagsOf(k) {
		if *on {
			flags |= 1 << i
		}
	}
	if k.Since != 0 {
		flags |= flagSince
	}
	b = append(b, recordFormat)
	for _, n := range [...]uint64{
		flags, r.Pos, uint64(r.Timestamp), uint64(k.Calls), uint64(k.Attempts), uint64(k.Unanswered), uint64(k.Conflicts),
		uint64(k.Conflict), uint64(k.NotBefore), uint64(k.Used), k.Version,
	} {
		b = appendUint(b, n)
	}
	if k.Since != 0 {
		b = appendUint(b, uint64(k.Since>>16))
	}
	b = appendString(b, r.ID)
	b = appendString(b, r.Type)
	b = appendUint(b, uint64(r.Schema))
	b = appendString(b, r.Store)
	b = appendString(b, r.Entity)
	b = appendString(b, r.Slot)
	b = appendString(b, r.Failure)
	b = appendUint(b, uint64(len(r.Deps)))
	for _, d := range r.Deps {
		b = appendUint(b, d)
	}
	b = append(appendUint(b, uint64(len(r.Args))), r.Args...)
	for _, name := range r.Members {
		b = appendString(b, name)
	}
	return b
}

// appendUint appends an unsigned varint: seven bits a byte, the lowest first.
//
//go:noinline
func appendUint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendString is not inlined: a browser would get too many copies.
//
//go:noinline
func appendString(b []byte, s string) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

var errRecord = errors.New("the record is not of a known format")

// decodeRecord reads the bytes that [Record.Encode] writes, and the bytes of
// format 1. It refuses all others.
func decodeRecord(data []byte) (r Record, err error) {
	d := decoder{rest: data}
	switch d.byte() {
	case recordFormat:
		d.way(&r)
	case oldFormat:
		d.oldWay(&r)
	default:
		return r, errRecord
	}
	r.ID = d.string()
	r.Type = d.string()
	schema := d.uint()
	r.Schema = int(min(schema, maxSchema))
	r.Store = d.string()
	r.Entity = d.string()
	r.Slot = d.string()
	r.Failure = d.string()
	for n := d.uint(); n > 0 && !d.bad; n-- {
		r.Deps = append(r.Deps, d.uint())
	}
	r.Args = []byte(d.string())
	for len(d.rest) > 0 && !d.bad {
		r.Members = append(r.Members, d.string())
	}
	if d.bad || len(r.Members)%2 != 0 || r.ID == "" || schema > maxSchema {
		return Record{}, errRecord
	}
	return r, nil
}

// way reads how far an operation has come.
func (d *decoder) way(r *Record) {
	k := &r.Kept
	flags := d.uint()
	d.bad = d.bad || flags > allFlags
	for i, on := range flagsOf(k) {
		*on = flags&(1<<i) != 0
	}
	r.Pos, r.Timestamp = d.uint(), engine.Timestamp(d.uint())
	k.Calls, k.Attempts, k.Unanswered, k.Conflicts = d.count(1<<15), d.count(1<<15), d.count(1<<15), d.count(math.MaxUint8)
	k.Conflict = engine.Resolution(d.count(math.MaxUint8))
	k.NotBefore, k.Used = engine.Time(min(d.uint(), math.MaxInt64)), engine.Time(min(d.uint(), math.MaxInt64))
	k.Version = d.uint()
	if flags&flagSince != 0 {
		k.Since = engine.Timestamp(min(d.uint(), 1<<48-1)) << 16
	}
	k.Unanswered = min(k.Unanswered, k.Attempts)
	states := 0
	for _, on := range []bool{k.Parked, k.InFlight, k.Acked} {
		if on {
			states++
		}
	}
	d.bad = d.bad || states > 1 || !k.Acked && (k.Silent || k.Guess) || k.Conflict > engine.Refused
}

// oldWay reads format 1. It does not say how the attempts ended: of one that left
// nobody knows, unless the operation is parked and its failure known.
func (d *decoder) oldWay(r *Record) {
	flags := d.byte()
	r.Pos, r.Timestamp = d.uint(), engine.Timestamp(d.uint())
	k := &r.Kept
	k.Parked, k.Calls = flags&flagParked != 0, d.count(1<<15)
	unknown := flags&flagUnknown != 0
	k.Unknown = k.Calls > 0 && (!k.Parked || unknown)
	d.bad = d.bad || flags > flagParked|flagUnknown || unknown && !k.Parked
}

// count reads a number of which nothing above a limit can be meant.
func (d *decoder) count(limit int) int { return int(min(d.uint(), uint64(limit))) }

// Header is the manager's own record.
type Header struct {
	Client string           // the client id
	Clock  engine.Timestamp // no timestamp that was given is later
	Seq    uint64           // no sequence number that was given is greater
	Era    uint64           // of the server; 0: none was met
}

func (h Header) Encode() []byte {
	b := appendString([]byte{headerFormat}, h.Client)
	b = appendUint(b, uint64(h.Clock))
	if b = appendUint(b, h.Seq); h.Era == 0 {
		return b
	}
	return appendUint(b, h.Era)
}

func decodeHeader(data []byte) (Header, error) {
	d := decoder{rest: data}
	if d.byte() != headerFormat {
		return Header{}, errorf.New("journal header: %w", errRecord)
	}
	h := Header{Client: d.string(), Clock: engine.Timestamp(d.uint()), Seq: d.uint()}
	if len(d.rest) > 0 {
		h.Era = d.uint()
	}
	if d.bad || len(d.rest) > 0 {
		return Header{}, errorf.New("journal header: %w", errRecord)
	}
	return h, nil
}

// decoder reads fields until something is wrong, and then only zeros.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if d.bad || len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uint() uint64 {
	var v uint64
	for shift := 0; shift < 64 && !d.bad; shift += 7 {
		b := d.byte()
		if shift == 63 && b > 1 {
			break // more than 64 bits
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.bad = true
	return 0
}

func (d *decoder) string() string {
	n := d.uint()
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
