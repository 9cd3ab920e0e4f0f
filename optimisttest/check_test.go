package optimisttest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optimist-go/optimist"
)

// draft is the arguments of the mutations below.
type draft struct {
	ID   string
	Tags []string
	At   time.Time
	Note *string
	Meta map[string]int
}

var samples = Samples[note, draft]{
	Values: []note{{}, {Text: "a", Likes: []string{"ann"}}},
	Args:   []draft{{}, {ID: "1", Tags: []string{"x", "y"}, At: time.Unix(1, 2), Note: new(string), Meta: map[string]int{"a": 1}}},
}

func sound() optimist.Mutation[note, draft] {
	return optimist.Mutation[note, draft]{
		Type: "tag", Slot: func(draft) string { return "tags" },
		Apply: func(n note, d draft) (note, error) { n.Likes = slices.Clone(d.Tags); return n, nil },
		Stored: optimist.Stored[draft]{
			Version: 1,
			Encode:  func(d draft) ([]byte, error) { return json.Marshal(d) },
			Decode:  func(_ int, data []byte) (d draft, err error) { return d, json.Unmarshal(data, &d) },
		},
	}
}

func TestCheckMutation(t *testing.T) {
	calls := 0
	for _, test := range []struct {
		name  string
		spoil func(*optimist.Mutation[note, draft])
		want  string // part of the message; empty: no message
	}{
		{"sound", func(*optimist.Mutation[note, draft]) {}, ""},
		{"no type", func(m *optimist.Mutation[note, draft]) { m.Type = "" }, "Type is empty"},
		{"increments", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, _ draft) (note, error) { n.Text += "!"; return n, nil }
		}, "not idempotent"},
		{"increments without a slot", func(m *optimist.Mutation[note, draft]) {
			m.Slot = nil
			m.Apply = func(n note, _ draft) (note, error) { n.Text += "!"; return n, nil }
		}, "has no slot"},
		{"a state without a slot", func(m *optimist.Mutation[note, draft]) { m.Slot = nil }, ""},
		{"appends in place", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, d draft) (note, error) {
				if !slices.Contains(n.Likes, "eve") {
					n.Likes = append(n.Likes, "eve")
				}
				return n, nil
			}
		}, "appends to Likes in place"},
		{"appends to a copy", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, d draft) (note, error) {
				if !slices.Contains(n.Likes, "eve") {
					n.Likes = append(slices.Clip(n.Likes), "eve")
				}
				return n, nil
			}
		}, ""},
		{"refuses the second time", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, _ draft) (note, error) {
				if n.Text == "done" {
					return n, errors.New("done already")
				}
				n.Text = "done"
				return n, nil
			}
		}, "refuses to be applied again"},
		{"refuses", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, _ draft) (note, error) { return n, errors.New("no") }
		}, ""},
		{"guards", func(m *optimist.Mutation[note, draft]) {
			m.Guard = func(n note, _ draft) error { return errors.New("no") }
			m.Apply = func(n note, _ draft) (note, error) { panic("guarded") }
		}, ""},
		{"changes its value", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, _ draft) (note, error) {
				if len(n.Likes) > 0 {
					n.Likes[0] = "eve"
				}
				return n, nil
			}
		}, "changes its input"},
		{"changes its arguments", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, d draft) (note, error) {
				if len(d.Tags) > 0 {
					d.Tags[0] += "z"
				}
				return n, nil
			}
		}, "changes its arguments"},
		{"differs", func(m *optimist.Mutation[note, draft]) {
			m.Apply = func(n note, _ draft) (note, error) { calls++; n.Text = strings.Repeat("x", calls); return n, nil }
		}, "not pure"},
		{"guard differs", func(m *optimist.Mutation[note, draft]) {
			m.Guard = func(note, draft) error {
				if calls++; calls%2 == 0 {
					return errors.New("every other time")
				}
				return nil
			}
		}, "Guard is not pure"},
		{"a creation", func(m *optimist.Mutation[note, draft]) {
			m.Kind = optimist.Create
			m.Apply = func(n note, d draft) (note, error) { n.Text = d.ID; return n, nil }
		}, ""},
		{"a creation that hides truth", func(m *optimist.Mutation[note, draft]) {
			m.Kind = optimist.Create
			m.Apply = func(_ note, d draft) (note, error) { return note{Text: d.ID}, nil }
		}, "hides field Likes"},
		{"what Apply makes is not what is wanted", func(m *optimist.Mutation[note, draft]) {
			m.Fulfilled = func(note, draft) bool { return false }
		}, "Fulfilled says no"},
		{"slot differs", func(m *optimist.Mutation[note, draft]) {
			m.Slot = func(draft) string { calls++; return strings.Repeat("x", calls) }
		}, "Slot is not pure"},
		{"slot empty", func(m *optimist.Mutation[note, draft]) { m.Slot = func(d draft) string { return d.ID } }, "Slot is empty"},
		{"clone shares", func(m *optimist.Mutation[note, draft]) { m.Clone = func(d draft) draft { return d } }, "shares args.Tags"},
		{"clone shares a map", func(m *optimist.Mutation[note, draft]) {
			m.Clone = func(d draft) draft { d.Tags, d.Note = slices.Clone(d.Tags), new(string); return d }
		}, "shares args.Meta"},
		{"clone loses", func(m *optimist.Mutation[note, draft]) { m.Clone = func(d draft) draft { return draft{ID: d.ID} } }, "Clone of"},
		{"codec loses", func(m *optimist.Mutation[note, draft]) {
			m.Stored.Encode = func(d draft) ([]byte, error) { d.Tags = nil; return json.Marshal(d) }
		}, "comes back from the journal"},
		{"codec cannot write", func(m *optimist.Mutation[note, draft]) {
			m.Stored.Encode = func(draft) ([]byte, error) { return nil, errors.New("no") }
		}, "Encode of"},
		{"codec cannot read", func(m *optimist.Mutation[note, draft]) {
			m.Stored.Decode = func(int, []byte) (d draft, err error) { return d, errors.New("no") }
		}, "Decode of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			def := sound()
			test.spoil(&def)
			s := samples
			s.Values = []note{{}, {Text: "a", Likes: []string{"ann"}}}
			s.Args = []draft{{}, {ID: "1", Tags: []string{"x", "y"}, Note: new(string), Meta: map[string]int{"a": 1}}}
			var r recorder
			CheckMutation(&r, def, s)
			said := strings.Join(r.said, "\n")
			if (test.want == "") != (said == "") || !strings.Contains(said, test.want) {
				t.Errorf("said %q, want %q in it", said, test.want)
			}
		})
	}
}

// TestCheckContains: a server that names the operations in its truth allows "one more".
func TestCheckContains(t *testing.T) {
	var r recorder
	CheckMutation(&r, optimist.Mutation[int, int]{Type: "add", Apply: func(sum, n int) (int, error) { return sum + n, nil }},
		Samples[int, int]{Values: []int{3}, Args: []int{2}, Contains: true})
	if len(r.said) > 0 {
		t.Errorf("%q", r.said)
	}
}

// TestCheckCreation: a creation hides no truth, whatever the type of the value.
func TestCheckCreation(t *testing.T) {
	tryCreation(t, "a text", "hides all", []string{"", "theirs"}, func(_, text string) (string, error) { return text, nil })
	tryCreation(t, "a text that stays", "", []string{"", "theirs"}, func(there, text string) (string, error) {
		if there != "" {
			return there, nil
		}
		return text, nil
	})
	tryCreation(t, "a list", "hides all", [][]string{nil, {"theirs"}}, func(_ []string, text string) ([]string, error) { return []string{text}, nil })
	tryCreation(t, "a list with one more", "", [][]string{nil, {"theirs"}}, func(l []string, text string) ([]string, error) {
		if slices.Contains(l, text) {
			return l, nil
		}
		return append(slices.Clip(l), text), nil
	})
	tryCreation(t, "a map", "hides all", []map[string]bool{{"theirs": true}}, func(_ map[string]bool, text string) (map[string]bool, error) {
		return map[string]bool{text: true}, nil
	})
	tryCreation(t, "behind a pointer", "hides field Likes", []*note{nil, {Likes: []string{"ann"}}}, func(_ *note, text string) (*note, error) {
		return &note{Text: text}, nil
	})
	tryCreation(t, "a pointer that keeps", "", []*note{nil, {Likes: []string{"ann"}}}, func(n *note, text string) (*note, error) {
		made := note{Text: text}
		if n != nil {
			made.Likes = n.Likes
		}
		return &made, nil
	})
}

func tryCreation[T any](t *testing.T, name, want string, values []T, apply func(T, string) (T, error)) {
	t.Helper()
	var r recorder
	CheckMutation(&r, optimist.Mutation[T, string]{Type: "write", Kind: optimist.Create, Slot: func(string) string { return "x" }, Apply: apply},
		Samples[T, string]{Values: values, Args: []string{"ours"}})
	said := strings.Join(r.said, "\n")
	if (want == "") != (said == "") || !strings.Contains(said, want) {
		t.Errorf("%s: said %q, want %q in it", name, said, want)
	}
}

// TestCheckArguments: arguments that cannot be copied are refused at registration.
func TestCheckArguments(t *testing.T) {
	var r recorder
	CheckMutation(&r, optimist.Mutation[note, any]{
		Type: "any", Apply: func(n note, _ any) (note, error) { return n, nil },
	}, Samples[note, any]{})
	if len(r.said) != 1 || !strings.Contains(r.said[0], "cannot be copied") {
		t.Errorf("%q", r.said)
	}
}

func TestCheckToggle(t *testing.T) {
	values := []note{{}, {Likes: []string{"ann"}}, {Likes: []string{"ann", "bob"}}}
	for _, test := range []struct {
		name string
		get  func(note, string) bool
		set  func(note, string, bool) note
		want string
	}{
		{"sound", liked, setLiked, ""},
		{"missing", liked, nil, "required"},
		{"does nothing", liked, func(n note, _ string, _ bool) note { return n }, "after Set made it so"},
		{"touches others", liked, func(n note, user string, on bool) note {
			n.Likes = nil
			return setLiked(n, user, on)
		}, "changes the state of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r recorder
			CheckToggle(&r, optimist.Toggle[note]{Type: "like", Get: test.get, Set: test.set}, values, "ann", "bob")
			said := strings.Join(r.said, "\n")
			if (test.want == "") != (said == "") || !strings.Contains(said, test.want) {
				t.Errorf("said %q, want %q in it", said, test.want)
			}
		})
	}
}

// TestCheckMerge tries the table in the documentation of optimist.MergeRule.
func TestCheckMerge(t *testing.T) {
	slot := func(string) string { return "text" }
	text := func(n note, s string) (note, error) { n.Text = s; return n, nil }
	create := optimist.Mutation[note, string]{Type: "create", Kind: optimist.Create, Slot: slot, Apply: text}
	edit := optimist.Mutation[note, string]{Type: "edit", Slot: slot, Apply: text}
	remove := optimist.Mutation[note, string]{Type: "delete", Kind: optimist.Delete, Slot: slot}
	calls := 0
	p := Pairs[note, string, string]{Values: []note{{}, {Text: "old"}}, First: []string{"a"}, Second: []string{"b"}}
	for _, test := range []struct {
		name          string
		first, second optimist.Mutation[note, string]
		rule          func(a, b *string) optimist.MergeRule
		want          string
	}{
		{"create+edit", create, edit, func(a, b *string) optimist.MergeRule { *a = *b; return optimist.TakeFirst }, ""},
		{"create+edit, forgotten", create, edit, func(a, b *string) optimist.MergeRule { return optimist.TakeFirst }, "leave edit out only with its arguments in those of create"},
		{"create+edit, the edit alone", create, edit, func(a, b *string) optimist.MergeRule { return optimist.TakeSecond }, "leave out edit (TakeFirst)"},
		{"create+delete annihilated", create, remove, func(a, b *string) optimist.MergeRule { return optimist.Annihilate }, "leave out the Values"},
		{"edit+edit", edit, edit, func(a, b *string) optimist.MergeRule { return optimist.TakeSecond }, ""},
		{"edit+delete", edit, remove, func(a, b *string) optimist.MergeRule { return optimist.TakeSecond }, ""},
		{"edit+delete annihilated", edit, remove, func(a, b *string) optimist.MergeRule { return optimist.Annihilate }, "ends as nothing"},
		{"separate", edit, remove, func(a, b *string) optimist.MergeRule { return optimist.Separate }, ""},
		{"not pure", edit, edit, func(a, b *string) optimist.MergeRule {
			calls++
			return optimist.MergeRule(calls % 2)
		}, "not pure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r recorder
			CheckMerge(&r, test.first, test.second, test.rule, p)
			said := strings.Join(r.said, "\n")
			if (test.want == "") != (said == "") || !strings.Contains(said, test.want) {
				t.Errorf("said %q, want %q in it", said, test.want)
			}
		})
	}
	// An entity that is created is new: over one that is there, create+delete is not nothing.
	p.Values = nil
	var r recorder
	CheckMerge(&r, create, remove, func(a, b *string) optimist.MergeRule { return optimist.Annihilate }, p)
	if len(r.said) > 0 {
		t.Errorf("%q", r.said)
	}
}

func TestFingerprint(t *testing.T) {
	type ring struct{ next *ring }
	r := &ring{}
	r.next = r
	one, other := 1, 1
	for _, test := range []struct {
		a, b any
		same bool
	}{
		{[]int(nil), []int{}, true},
		{map[string]int(nil), map[string]int{}, true},
		{map[string]int{"a": 1, "b": 2}, map[string]int{"b": 2, "a": 1}, true},
		{time.Unix(5, 0).UTC(), time.Unix(5, 0).Local(), true},
		{&one, &other, true},
		{note{Text: "a"}, note{Text: "b"}, false},
		{[]string{"a b"}, []string{"a", "b"}, false},
		{nil, 0, false},
		{r, r, true},
		{struct{ v any }{1}, struct{ v any }{"1"}, false},
	} {
		if got := fingerprint(test.a) == fingerprint(test.b); got != test.same {
			t.Errorf("%s and %s: same is %v", fingerprint(test.a), fingerprint(test.b), got)
		}
	}
}
