package optimist

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/optimist-go/optimist/internal/engine"
)

// oldRecord is of format 1: parked, of unknown outcome.
var oldRecord = append([]byte{
	oldFormat, 3, 7, 9, 4,
}, "\x02id\x04like\x02\x04post\x0242\x06user 7\x02no\x01\x01\x04args"...)

func TestLaw31_RecordsOfFormat1AreReadAsBefore(t *testing.T) {
	r, err := decodeRecord(oldRecord)
	is(t, err, nil)
	want := record{
		kept: engine.Kept{Calls: 4, Parked: true, Unknown: true}, pos: 7, timestamp: 9, id: "id", typ: "like", schema: 2,
		store: "post", entity: "42", slot: "user 7", failure: "no", deps: []uint64{1}, args: []byte("args"),
	}
	equal(t, "record", r, want)
	sent := slices.Clone(oldRecord)
	sent[1] = 0
	r, err = decodeRecord(sent)
	is(t, err, nil)
	equal(t, "what may have left", r.kept, engine.Kept{Calls: 4, Unknown: true})
}

// What decodes has one meaning: encoded again and decoded again it is the same.
func FuzzDecodeRecord(f *testing.F) {
	full := record{
		kept: engine.Kept{
			Calls: 5, Attempts: 3, Unanswered: 1, Conflicts: 2, Conflict: engine.KeptMine, NotBefore: 1 << 41, Used: 1500,
			Parked: true, Unknown: true, Unclassified: true, Stands: true,
		},
		pos: 7, timestamp: 1 << 40, id: "id", typ: "like", schema: 2, store: "post",
		entity: "42", slot: "user 7", failure: "no", deps: []uint64{1, 1 << 63}, args: []byte(`{"On":true}`),
	}
	f.Add(full.encode())
	f.Add((&record{id: "x"}).encode())
	f.Add([]byte{})
	f.Add((&record{kept: engine.Kept{Acked: true, Silent: true, Guess: true, Version: 9}, id: "x"}).encode())
	f.Add(oldRecord)
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
	f.Add(uint16(flagInFlight|flagStands), uint64(1), uint64(2), uint16(3), uint64(4), "id", "like", uint16(1), "post", "42", "user", "no", uint64(5), []byte("args"))
	f.Fuzz(func(t *testing.T, flags uint16, pos, stamp uint64, calls uint16, number uint64, id, typ string, schema uint16,
		store, entity, slot, failure string, dep uint64, args []byte) {
		if id == "" {
			t.Skip("an operation has an id")
		}
		r := record{
			pos: pos, timestamp: Timestamp(stamp), id: id,
			typ: typ, schema: int(schema), store: store, entity: entity, slot: slot, failure: failure, deps: []uint64{dep}, args: args,
		}
		k := &r.kept
		for i, on := range flagsOf(k) {
			*on = flags&(1<<i) != 0
		}
		k.Parked = k.Parked && !k.InFlight && !k.Acked
		k.InFlight = k.InFlight && !k.Acked
		k.Silent, k.Guess = k.Silent && k.Acked, k.Guess && k.Acked
		k.Calls, k.Attempts, k.Unanswered = int(calls%(1<<15)), int(calls%(1<<15)), int(calls%7)
		k.Unanswered, k.Conflicts, k.Conflict = min(k.Unanswered, k.Attempts), int(calls%256), engine.Resolution(calls%6)
		k.NotBefore, k.Used, k.Version = engine.Time(number>>1), engine.Time(number>>2), number
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
	f.Add([]byte{headerFormat, 5})
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
