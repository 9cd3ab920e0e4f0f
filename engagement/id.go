package engagement

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

var lastID struct {
	mu sync.Mutex
	// reading is milliseconds << 12 | counter of the last id; it only grows.
	reading uint64
}

// NewID returns a fresh UUID of version 7. Ids of one process sort in the order
// in which they were made. Safe for concurrent use.
func NewID() string {
	reading := uint64(time.Now().UnixMilli()) << 12
	lastID.mu.Lock()
	reading = max(reading, lastID.reading+1)
	lastID.reading = reading
	lastID.mu.Unlock()

	var id [16]byte
	rand.Read(id[8:])
	binary.BigEndian.PutUint64(id[:8], reading>>12<<16|7<<12|reading&0xfff)
	id[8] = id[8]&0x3f | 0x80

	text := make([]byte, 36)
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text)
}
