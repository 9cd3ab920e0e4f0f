package optimist

import (
	"bytes"
	"reflect"
	"testing"
)

// What decodes has one meaning: encoded again and decoded again it is the same.
func FuzzDecodeRecord(f *testing.F) {
	full := record{
		parked: true, unknown: true, pos: 7, stamp: 1 << 40, attempts: 3, id: "id", typ: "like", schema: 2, store: "post",
		entity: "42", slot: "user 7", failure: "no", deps: []uint64{1, 1 << 63}, args: []byte(`{"On":true}`),
	}
	f.Add(full.encode())
	f.Add((&record{id: "x"}).encode())
	f.Add([]byte{})
	f.Add([]byte{recordFormat, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.encode())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}

func FuzzEncodeRecord(f *testing.F) {
	f.Add(true, false, uint64(1), uint64(2), uint16(3), "id", "like", uint16(1), "post", "42", "user", "no", uint64(5), []byte("args"))
	f.Fuzz(func(t *testing.T, parked, unknown bool, pos, stamp uint64, attempts uint16, id, typ string, schema uint16,
		store, entity, slot, failure string, dep uint64, args []byte) {
		if id == "" {
			t.Skip("an operation has an id")
		}
		r := record{
			parked: parked, unknown: parked && unknown, pos: pos, stamp: Timestamp(stamp), attempts: int(attempts % (1 << 15)), id: id,
			typ: typ, schema: int(schema), store: store, entity: entity, slot: slot, failure: failure, deps: []uint64{dep}, args: args,
		}
		got, err := decodeRecord(r.encode())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.args, args) {
			t.Fatalf("args %q became %q", args, got.args)
		}
		got.args = r.args
		if !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v became %+v", r, got)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(header{client: "me", clock: 1 << 50, seq: 9}.encode())
	f.Add([]byte{recordFormat, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeHeader(data)
		if err != nil {
			return
		}
		if again, err := decodeHeader(h.encode()); err != nil || again != h {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}
