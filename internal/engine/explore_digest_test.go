package engine

import "encoding/binary"

// digest builds the fingerprint of a state; times count from now.
type digest struct {
	b   []byte
	now Time
}

func (d *digest) number(n ...uint64) {
	for _, x := range n {
		d.b = binary.AppendUvarint(d.b, x)
	}
}

func (d *digest) flag(flags ...bool) {
	bits := uint64(0)
	for i, f := range flags {
		if f {
			bits |= 1 << i
		}
	}
	d.number(bits)
}

func (d *digest) after(t Time) {
	if t == Never {
		d.number(0)
	} else {
		d.number(1 + uint64(max(t-d.now, 0)))
	}
}
