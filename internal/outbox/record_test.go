package outbox

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
	if err != nil {
		t.Fatal(err)
	}
	want := Record{
		Kept: engine.Kept{Calls: 4, Parked: true, Unknown: true}, Pos: 7, Timestamp: 9, ID: "id", Type: "like", Schema: 2,
		Store: "post", Entity: "42", Slot: "user 7", Failure: "no", Deps: []uint64{1}, Args: []byte("args"),
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("it became %+v", r)
	}
	sent := slices.Clone(oldRecord)
	sent[1] = 0
	r, err = decodeRecord(sent)
	if err != nil {
		t.Fatal(err)
	}
	if want := (engine.Kept{Calls: 4, Unknown: true}); r.Kept != want {
		t.Errorf("what may have left: %+v", r.Kept)
	}
}

// What decodes has one meaning: encoded again and decoded again it is the same.
func FuzzDecodeRecord(f *testing.F) {
	full := Record{
		Kept: engine.Kept{
			Calls: 5, Attempts: 3, Unanswered: 1, Conflicts: 2, Conflict: engine.KeptMine, NotBefore: 1 << 41, Used: 1500, Since: 1 << 56,
			Parked: true, Unknown: true, Unclassified: true, Stands: true,
		},
		Pos: 7, Timestamp: 1 << 40, ID: "id", Type: "like", Schema: 2, Store: "post",
		Entity: "42", Slot: "user 7", Failure: "no", Deps: []uint64{1, 1 << 63}, Args: []byte(`{"On":true}`),
	}
	f.Add((&Record{ID: "x", Members: []string{"post", "1", "list", ""}}).Encode())
	f.Add(full.Encode())
	f.Add((&Record{ID: "x"}).Encode())
	f.Add([]byte{})
	f.Add((&Record{Kept: engine.Kept{Acked: true, Silent: true, Guess: true, Version: 9}, ID: "x"}).Encode())
	f.Add(oldRecord)
	f.Add([]byte{recordFormat, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.Encode())
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
		r := Record{
			Pos: pos, Timestamp: engine.Timestamp(stamp), ID: id,
			Type: typ, Schema: int(schema), Store: store, Entity: entity, Slot: slot, Failure: failure, Deps: []uint64{dep}, Args: args,
		}
		if number%2 == 1 {
			r.Members = []string{store, entity, slot, id}
		}
		k := &r.Kept
		for i, on := range flagsOf(k) {
			*on = flags&(1<<i) != 0
		}
		k.Parked = k.Parked && !k.InFlight && !k.Acked
		k.InFlight = k.InFlight && !k.Acked
		k.Silent, k.Guess = k.Silent && k.Acked, k.Guess && k.Acked
		k.Calls, k.Attempts, k.Unanswered = int(calls%(1<<15)), int(calls%(1<<15)), int(calls%7)
		k.Unanswered, k.Conflicts, k.Conflict = min(k.Unanswered, k.Attempts), int(calls%256), engine.Resolution(calls%6)
		k.NotBefore, k.Used, k.Version = engine.Time(number>>1), engine.Time(number>>2), number
		k.Since = engine.Timestamp(stamp>>16) << 16 // whole milliseconds
		got, err := decodeRecord(r.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Args, args) {
			t.Fatalf("args %q became %q", args, got.Args)
		}
		got.Args = r.Args
		if !reflect.DeepEqual(got, r) {
			t.Fatalf("%+v became %+v", r, got)
		}
	})
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add(Header{Client: "me", Clock: 1 << 50, Seq: 9}.Encode())
	f.Add([]byte{headerFormat, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decodeHeader(data)
		if err != nil {
			return
		}
		if again, err := decodeHeader(h.Encode()); err != nil || again != h {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}
