package jsonstored_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/optimist-go/optimist/jsonstored"
)

// Three versions of the arguments of "rename".
type (
	renameV1 struct{ Name string }
	renameV2 struct{ First, Last string }
	rename   struct {
		First string `json:"first"`
		Last  string `json:"last"`
		By    string `json:"by,omitempty"`
	}
)

var (
	from1 = jsonstored.Cast(func(old renameV1) (renameV2, error) {
		first, last, ok := strings.Cut(old.Name, " ")
		if !ok {
			return renameV2{}, errors.New("no last name")
		}
		return renameV2{first, last}, nil
	})
	from2 = jsonstored.Cast(func(old renameV2) (rename, error) { return rename{First: old.First, Last: old.Last}, nil })
)

func ExampleOf() {
	stored := jsonstored.Of[rename](3, from1, from2)
	data, _ := stored.Encode(rename{First: "Ann", Last: "Lee", By: "bob"})
	fmt.Printf("%s\n", data)

	args, err := stored.Decode(1, []byte(`{"Name":"Ann Lee"}`)) // an old program wrote it
	fmt.Printf("%+v %v\n", args, err)
	// Output:
	// {"first":"Ann","last":"Lee","by":"bob"}
	// {First:Ann Last:Lee By:} <nil>
}

func TestDecode(t *testing.T) {
	all := jsonstored.Of[rename](3, from1, from2)
	recent := jsonstored.Of[rename](3, from2)
	for _, test := range []struct {
		name    string
		stored  func(int, []byte) (rename, error)
		version int
		data    string
		want    rename
		err     string
	}{
		{"now", all.Decode, 3, `{"first":"A","last":"B"}`, rename{First: "A", Last: "B"}, ""},
		{"one step", all.Decode, 2, `{"First":"A","Last":"B"}`, rename{First: "A", Last: "B"}, ""},
		{"two steps", all.Decode, 1, `{"Name":"A B"}`, rename{First: "A", Last: "B"}, ""},
		{"the last step alone", recent.Decode, 2, `{"First":"A","Last":"B"}`, rename{First: "A", Last: "B"}, ""},
		{"too old", recent.Decode, 1, `{"Name":"A B"}`, rename{}, "too old; this program knows from 2 to 3"},
		{"never was", all.Decode, 0, `{}`, rename{}, "too old"},
		{"newer", all.Decode, 4, `{}`, rename{}, "newer program"},
		{"cast fails", all.Decode, 1, `{"Name":"A"}`, rename{}, "from version 1 to 2: no last name"},
		{"old damage", all.Decode, 1, `{`, rename{}, "from version 1 to 2"},
		{"damage", all.Decode, 3, `{`, rename{}, "of version 3"},
		{"nothing", all.Decode, 3, ``, rename{}, "of version 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.stored(test.version, []byte(test.data))
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error %v, want %q in it", err, test.err)
			}
			if err == nil && got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestEncodeFails(t *testing.T) {
	if _, err := jsonstored.Of[chan int](1).Encode(make(chan int)); err == nil {
		t.Error("a channel was stored")
	}
}

func TestTooManyUpcasts(t *testing.T) {
	for _, version := range []int{0, 1, 2} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("version %d with two upcasts was accepted", version)
				}
			}()
			jsonstored.Of[rename](version, from1, from2)
		}()
	}
}
