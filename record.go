package optimist

import (
	"errors"
	"math"

	"github.com/optimist-go/optimist/internal/errorf"
)

// The bytes of a journal record, all integers as unsigned varints, all strings and
// byte slices with their length before them:
//
//	format   byte     1
//	flags    byte     1: parked; 2: and its outcome is unknown
//	pos      uvarint  order in the lane (an operation that took another's place has
//	                  that one's)
//	stamp    uvarint  hybrid logical time of the tap
//	attempts uvarint  attempts that may have left
//	id       string   also the idempotency key
//	type     string
//	schema   uvarint  version of the arguments, at most 2^31-1
//	store    string   empty for a group, whose entities follow from its arguments
//	entity   string
//	slot     string
//	failure  string   why it is parked
//	deps     uvarint  count, then the sequence number of each as uvarint
//	args     bytes    what Stored.Encode gave
//
// The header record (sequence number 0):
//
//	format   byte     1
//	client   string   the client id
//	clock    uvarint  no stamp that the clock gave is later
//	seq      uvarint  no sequence number that was given is greater
const recordFormat = 1

const (
	flagParked  = 1
	flagUnknown = 2
)

// record is an operation as the journal holds it.
type record struct {
	parked   bool
	unknown  bool // parked, and an attempt left whose outcome is not known
	pos      uint64
	stamp    Timestamp
	attempts int
	id       string
	typ      string
	schema   int
	store    string
	entity   string
	slot     string
	failure  string
	deps     []uint64
	args     []byte
}

func (r *record) encode() []byte {
	b := make([]byte, 0, 64+len(r.id)+len(r.typ)+len(r.entity)+len(r.slot)+len(r.args))
	var flags byte
	if r.parked {
		flags |= flagParked
	}
	if r.unknown {
		flags |= flagUnknown
	}
	b = append(b, recordFormat, flags)
	b = appendUint(b, r.pos)
	b = appendUint(b, uint64(r.stamp))
	b = appendUint(b, uint64(r.attempts))
	b = appendString(b, r.id)
	b = appendString(b, r.typ)
	b = appendUint(b, uint64(r.schema))
	b = appendString(b, r.store)
	b = appendString(b, r.entity)
	b = appendString(b, r.slot)
	b = appendString(b, r.failure)
	b = appendUint(b, uint64(len(r.deps)))
	for _, d := range r.deps {
		b = appendUint(b, d)
	}
	return append(appendUint(b, uint64(len(r.args))), r.args...)
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

func appendString(b []byte, s string) []byte {
	return append(appendUint(b, uint64(len(s))), s...)
}

var errRecord = errors.New("the record is not of a known format")

// checkVersion refuses a schema version that a record cannot hold.
func checkVersion(v int) error {
	if v < 0 || v > math.MaxInt32 {
		return errorf.New("%w: Stored.Version must be 0 to %d, not %d", ErrInvalid, math.MaxInt32, v)
	}
	return nil
}

// decodeRecord reads what encode wrote. It refuses anything else, whatever the bytes.
func decodeRecord(data []byte) (r record, err error) {
	d := decoder{rest: data}
	if d.byte() != recordFormat {
		return r, errRecord
	}
	flags := d.byte()
	r.parked, r.unknown = flags&flagParked != 0, flags&flagUnknown != 0
	r.pos = d.uint()
	r.stamp = Timestamp(d.uint())
	r.attempts = int(min(d.uint(), 1<<15))
	r.id = d.string()
	r.typ = d.string()
	schema := d.uint()
	r.schema = int(min(schema, math.MaxInt32))
	r.store = d.string()
	r.entity = d.string()
	r.slot = d.string()
	r.failure = d.string()
	for n := d.uint(); n > 0 && !d.bad; n-- {
		r.deps = append(r.deps, d.uint())
	}
	r.args = []byte(d.string())
	if d.bad || len(d.rest) > 0 || r.id == "" || schema > math.MaxInt32 || flags > flagParked|flagUnknown || r.unknown && !r.parked {
		return record{}, errRecord
	}
	return r, nil
}

// header is the journal's own record.
type header struct {
	client string
	clock  Timestamp
	seq    uint64
}

func (h header) encode() []byte {
	b := appendString([]byte{recordFormat}, h.client)
	b = appendUint(b, uint64(h.clock))
	return appendUint(b, h.seq)
}

func decodeHeader(data []byte) (header, error) {
	d := decoder{rest: data}
	if d.byte() != recordFormat {
		return header{}, errorf.New("journal header: %w", errRecord)
	}
	h := header{client: d.string(), clock: Timestamp(d.uint()), seq: d.uint()}
	if d.bad || len(d.rest) > 0 {
		return header{}, errorf.New("journal header: %w", errRecord)
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
