package leanjson_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"testing/quick"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/optimist-go/optimist/engagement/leanjson"
)

type Inner struct {
	Name  string `json:"name"`
	Count int    `json:"count,omitempty"`
}

type outer struct {
	Inner
	Big    uint64   `json:"big"`
	Small  int8     `json:"small"`
	Part   float64  `json:"part"`
	On     bool     `json:"on,omitempty"`
	Next   *outer   `json:"next"`
	Maybe  *Inner   `json:"maybe,omitempty"`
	Texts  []string `json:"texts"`
	Inners []Inner  `json:"inners,omitempty"`
	Signed int64    `json:"signed,string"`
	Id     uint16   `json:"id,omitempty,string"`
	Plain  string
	Not    string `json:"-"`
}

// quoted has a number that is a text by its tag.
type quoted[T any] struct {
	N T `json:"n,string"`
}

// TestSameAsEncodingJSON: each package reads the output of the other, with the same
// result.
func TestSameAsEncodingJSON(t *testing.T) {
	same := func(v outer) bool {
		v.Not = ""
		for n := v.Next; n != nil; n = n.Next {
			n.Not = ""
		}
		lean, err := leanjson.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		full, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var fromLean, fromFull, readByFull outer
		if err := leanjson.Unmarshal(lean, &fromLean); err != nil {
			t.Fatalf("%v: %s", err, lean)
		}
		if err := leanjson.Unmarshal(full, &fromFull); err != nil {
			t.Fatalf("%v: %s", err, full)
		}
		if err := json.Unmarshal(lean, &readByFull); err != nil {
			t.Fatalf("%v: %s", err, lean)
		}
		var want outer
		if err := json.Unmarshal(full, &want); err != nil {
			t.Fatal(err)
		}
		return reflect.DeepEqual(fromLean, want) && reflect.DeepEqual(fromFull, want) && reflect.DeepEqual(readByFull, want)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

func TestMarshal(t *testing.T) {
	for want, v := range map[string]any{
		`{"name":"a\"\n<é","count":1}`: Inner{"a\"\n<é", 1},
		`{"name":""}`:                  &Inner{},
		`[{"name":""},null]`:           []*Inner{{}, nil},
		`null`:                         []string(nil),
		`-9223372036854775808`:         int64(math.MinInt64),
		`18446744073709551615`:         uint64(math.MaxUint64),
		`0.1`:                          0.1,
		`{"n":"-5"}`:                   quoted[int64]{-5},
		`{"n":"18446744073709551615"}`: quoted[uint64]{math.MaxUint64},
	} {
		got, err := leanjson.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("%#v: got %s, %v; want %s", v, got, err, want)
		}
	}
	for name, v := range map[string]any{
		"map": map[string]int{}, "bytes": []byte("x"), "nil": nil, "interface": struct{ A any }{1}, "function": func() {},
		"quoted text": quoted[string]{"5"}, "quoted pointer": quoted[*int]{}, "quoted fraction": quoted[float64]{5},
		"not a number": math.NaN(), "infinity": math.Inf(1),
	} {
		if got, err := leanjson.Marshal(v); !isTypeError(err) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if got, err := leanjson.Marshal("\xff"); err == nil {
		t.Errorf("no UTF-8: %s", got)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          ``,
		"cut":              `{"name":"a"`,
		"cut in a list":    `{"texts":["a"`,
		"two values":       `{} {}`,
		"rubbish behind":   `{} x`,
		"a name twice":     `{"name":"a","name":"b"}`,
		"no UTF-8":         "{\"name\":\"\xff\"}",
		"half a character": `{"name":"\ud800"}`,
		"skipped rubbish":  `{"unknown":[1,}`,
	} {
		var v outer
		if err := leanjson.Unmarshal([]byte(text), &v); err == nil || isTypeError(err) {
			t.Errorf("%s: %v, %+v", name, err, v)
		}
	}
	for name, text := range map[string]string{
		"another type":       `{"name":1}`,
		"a list":             `[]`,
		"a fraction":         `{"count":1.5}`,
		"an exponent":        `{"count":1e3}`,
		"too large":          `{"small":128}`,
		"negative":           `{"big":-1}`,
		"beyond 64 bits":     `{"big":18446744073709551616}`,
		"beyond all floats":  `{"part":1e999}`,
		"text for a list":    `{"texts":"a"}`,
		"text for a boolean": `{"on":"true"}`,
		"number in a list":   `{"texts":["a",1]}`,
		"number, not quoted": `{"signed":5}`,
		"quoted word":        `{"signed":"five"}`,
		"quoted nothing":     `{"signed":""}`,
		"quoted fraction":    `{"signed":"5.0"}`,
		"quoted exponent":    `{"signed":"5e0"}`,
		"quoted zeros":       `{"signed":"05"}`,
		"quoted plus":        `{"signed":"+5"}`,
		"quoted space":       `{"signed":" 5"}`,
		"quoted null":        `{"signed":"null"}`,
		"quoted too large":   `{"id":"65536"}`,
		"quoted negative":    `{"id":"-1"}`,
		"quoted 64 bits":     `{"signed":"9223372036854775808"}`,
	} {
		var v outer
		if err := leanjson.Unmarshal([]byte(text), &v); !isTypeError(err) {
			t.Errorf("%s: %v, %+v", name, err, v)
		}
	}
	for name, into := range map[string]any{"quoted text": &quoted[string]{}, "quoted pointer": &quoted[*int]{}, "quoted fraction": &quoted[float64]{}} {
		if err := leanjson.Unmarshal([]byte(`{"n":"5"}`), into); !isTypeError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := leanjson.Unmarshal([]byte(`{}`), outer{}); !isTypeError(err) {
		t.Errorf("no pointer: %v", err)
	}
	if err := leanjson.Unmarshal([]byte(`{}`), nil); !isTypeError(err) {
		t.Errorf("nil: %v", err)
	}
}

func isTypeError(err error) bool {
	_, ok := errors.AsType[*leanjson.TypeError](err)
	return ok
}

// FuzzUnmarshal: an accepted text is read the same by version 2 of encoding/json, which
// matches names exactly, too.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{`{"name":"a","count":2,"next":{"part":1e-7},"texts":["x",null],"maybe":null}`, `null`, `[]`, `{"NAME":"b"}`,
		`{"signed":"-12","id":"65535"}`, `{"signed":"null"}`, `{"signed":null}`, `{"signed":"1\u0030"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var lean, full outer
		if err := leanjson.Unmarshal(data, &lean); err != nil {
			return
		}
		if err := jsonv2.Unmarshal(data, &full); err != nil || !reflect.DeepEqual(lean, full) {
			t.Fatalf("encoding/json: %v, %+v, want %+v", err, full, lean)
		}
		again, err := leanjson.Marshal(lean)
		if err != nil {
			t.Fatal(err)
		}
		var back outer
		if err := leanjson.Unmarshal(again, &back); err != nil || !reflect.DeepEqual(back, lean) {
			t.Fatalf("%v: %+v became %+v", err, lean, back)
		}
	})
}
