package filejournal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/optimist-go/optimist/journal"
)

const (
	magic   = "optimist"
	version = 1

	headerSize  = 20 // bytes before the first frame
	frameHeader = 12 // bytes of a frame before its body

	// maxBody bounds the body of a frame, in bytes, so that lengths fit in an int
	// everywhere. It is far above any batch that a manager writes.
	maxBody = 1 << 30
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errHeader  = errors.New("the header is damaged, or this is not a journal")
)

// salt is random for each file; see the package comment.
type salt [4]byte

func newSalt() (s salt) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

func appendHeader(buf []byte, s salt) []byte {
	start := len(buf)
	buf = append(buf, magic...)
	buf = binary.LittleEndian.AppendUint16(buf, version)
	buf = binary.LittleEndian.AppendUint16(buf, 0)
	buf = append(buf, s[:]...)
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf[start:], castagnoli))
}

// parseHeader reads the header from the first headerSize bytes of a log. Its error
// is errHeader or wraps ErrVersion.
func parseHeader(b []byte) (salt, error) {
	if string(b[:8]) != magic || binary.LittleEndian.Uint32(b[16:]) != crc32.Checksum(b[:16], castagnoli) {
		return salt{}, errHeader
	}
	if v := binary.LittleEndian.Uint16(b[8:]); v != version {
		return salt{}, fmt.Errorf("%w: it has version %d, this program reads %d", ErrVersion, v, version)
	}
	return salt(b[12:16]), nil
}

// record is one record as it stands in a frame.
type record struct {
	seq     uint64
	settled bool
	data    []byte // part of the frame's body
	at      int64  // where the record begins in the file
	size    int    // bytes that it takes in the file
}

// live returns the record as the owner of the journal wrote it.
func (r record) live() journal.Record {
	return journal.Record{Seq: r.seq, Data: r.data}
}

func appendRecord(buf []byte, r journal.Record) []byte {
	buf = binary.AppendUvarint(buf, r.Seq)
	size := uint64(len(r.Data)) << 1
	if r.Settled {
		size |= 1
	}
	buf = binary.AppendUvarint(buf, size)
	return append(buf, r.Data...)
}

// encodedSize returns the number of bytes that appendRecord appends for r.
func encodedSize(r journal.Record) int {
	return uvarintSize(r.Seq) + uvarintSize(uint64(len(r.Data))<<1) + len(r.Data)
}

func uvarintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// recordSize returns the greatest size of a record with data bytes of data, in
// bytes.
func recordSize(data int) int { return 2*binary.MaxVarintLen64 + data }

// beginFrame leaves room for the header of a frame that endFrame fills in.
func beginFrame(buf []byte) []byte {
	return append(buf, make([]byte, frameHeader)...)
}

// endFrame completes frame, which begins at offset at of the file.
func endFrame(frame []byte, s salt, at int64) {
	copy(frame, s[:])
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHeader))
	binary.LittleEndian.PutUint32(frame[8:], frameSum(frame, s, at))
}

// frameSum returns the CRC of a whole frame, except for its CRC field.
func frameSum(frame []byte, s salt, at int64) uint32 {
	var seed [16]byte
	copy(seed[:], s[:])
	binary.LittleEndian.PutUint64(seed[4:], uint64(at))
	copy(seed[12:], frame[4:8])
	return crc32.Update(crc32.Checksum(seed[:], castagnoli), castagnoli, frame[frameHeader:])
}

// bodyLength reads the length from the first frameHeader bytes of a frame. ok is
// false when they do not begin a frame of this file.
func bodyLength(header []byte, s salt) (n int64, ok bool) {
	n = int64(binary.LittleEndian.Uint32(header[4:]))
	return n, salt(header) == s && n <= maxBody
}

// checkFrame reports whether frame is intact and stands where it was written. If it
// is, its records are appended to records; their data is part of frame.
func checkFrame(records []record, frame []byte, s salt, at int64) ([]record, bool) {
	if binary.LittleEndian.Uint32(frame[8:]) != frameSum(frame, s, at) {
		return records, false
	}
	body, at := frame[frameHeader:], at+frameHeader
	for len(body) > 0 {
		seq, n := binary.Uvarint(body)
		if n <= 0 {
			return records, false
		}
		size, m := binary.Uvarint(body[n:])
		if m <= 0 || size>>1 > uint64(len(body)-n-m) {
			return records, false
		}
		whole := n + m + int(size>>1)
		records = append(records, record{
			seq: seq, settled: size&1 == 1, data: body[n+m : whole], at: at, size: whole,
		})
		body, at = body[whole:], at+int64(whole)
	}
	return records, true
}
