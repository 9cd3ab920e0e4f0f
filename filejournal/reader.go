package filejournal

import (
	"bufio"
	"encoding/binary"
	"io"
)

// scanned is the result of reading the log.
type scanned struct {
	salt salt
	// end is the offset of the end of the last intact frame; the bytes after it were
	// cut off by a crash.
	end int64
	// sealed says that the last intact frame is a closing mark.
	sealed bool
	// damaged is true if the log is damaged.
	damaged bool
	at      int64
}

// scan reads a log of size bytes and calls visit for every record of every intact
// frame, in order. The record's data is valid during the call only. The error is an
// error of reading or of visit, or wraps ErrVersion; damage is not an error here.
func scan(f io.ReaderAt, size int64, visit func(record) error) (scanned, error) {
	found := scanned{end: min(headerSize, size)}
	header := make([]byte, headerSize)
	if _, err := f.ReadAt(header[:found.end], 0); err != nil && err != io.EOF {
		return found, err
	}
	s, err := parseHeader(header)
	at := found.end
	switch {
	case err == errHeader:
		found.damaged = true
		if at, s, err = findFrame(f, 0, size, nil); err != nil {
			return found, err
		}
	case err != nil:
		return found, err
	}
	found.salt = s

	r := frameReader{f: f, size: size, salt: s}
	for at < size {
		ok, err := r.read(at)
		if err != nil {
			return found, err
		}
		if !ok {
			next, _, err := findFrame(f, at+1, size, &s)
			if err != nil {
				return found, err
			}
			if next < size && !found.damaged {
				found.damaged, found.at = true, at
			}
			at = next
			continue
		}
		for _, rec := range r.records {
			if err := visit(rec); err != nil {
				return found, err
			}
		}
		at += int64(len(r.frame))
		found.end, found.sealed = at, len(r.records) == 0
	}
	return found, nil
}

// frameReader reads frames of one file, fast when they follow one another.
type frameReader struct {
	f    io.ReaderAt
	size int64
	salt salt

	buf  *bufio.Reader // stands at next
	next int64

	frame   []byte   // the frame read last
	records []record // its records
}

// readBuffer is the number of bytes of a log that are read at a time.
const readBuffer = 1 << 16

// read reads the frame at offset at. ok is false if there is no intact one.
func (r *frameReader) read(at int64) (ok bool, err error) {
	if at+frameHeader > r.size {
		return false, nil
	}
	if r.buf == nil || at != r.next {
		rest := r.size - at
		r.buf = bufio.NewReaderSize(io.NewSectionReader(r.f, at, rest), int(min(rest, readBuffer)))
		r.next = at
	}
	header, err := r.buf.Peek(frameHeader)
	if err != nil {
		return false, noEOF(err)
	}
	n, ok := bodyLength(header, r.salt)
	if !ok || n > r.size-at-frameHeader {
		return false, nil
	}
	whole := int(n) + frameHeader
	if cap(r.frame) < whole {
		r.frame = make([]byte, whole, whole+whole/4)
	}
	r.frame = r.frame[:whole]
	if _, err := io.ReadFull(r.buf, r.frame); err != nil {
		return false, noEOF(err)
	}
	r.next = at + int64(whole)
	r.records, ok = checkFrame(r.records[:0], r.frame, r.salt, at)
	return ok, nil
}

// findFrame returns the offset of the first intact frame at or after from, or size
// if there is none. If known is nil the header is lost: then a frame counts if it is
// intact under its own salt, which is returned.
func findFrame(f io.ReaderAt, from, size int64, known *salt) (int64, salt, error) {
	if from >= size {
		return size, salt{}, nil
	}
	rest := make([]byte, size-from)
	if _, err := f.ReadAt(rest, from); err != nil && err != io.EOF {
		return size, salt{}, err
	}
	for i := 0; i+frameHeader <= len(rest); i++ {
		s := salt(rest[i:])
		if known != nil && s != *known {
			continue
		}
		n := int64(binary.LittleEndian.Uint32(rest[i+4:]))
		if n > int64(len(rest)-i-frameHeader) {
			continue
		}
		if _, ok := checkFrame(nil, rest[i:int64(i)+frameHeader+n], s, from+int64(i)); ok {
			return from + int64(i), s, nil
		}
	}
	return size, salt{}, nil
}

// noEOF makes the end of a file that became shorter while it was read an error.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
