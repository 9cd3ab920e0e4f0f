package enginetest

import (
	"errors"
	"fmt"

	"github.com/optimist-go/optimist/internal/engine"
)

// Value is the state of one entity. Each slot writes a field of its own.
type Value struct {
	Likes [2]bool
	Saves [2]bool
	N     int
	Doc   string
	Note  string
	Pub   bool
	Safe  bool
}

// Args are the arguments of every operation of the driver.
type Args struct {
	I    int // which like or save
	On   bool
	N    int
	Text string
}

const (
	ms  = engine.Time(1e6)
	sec = 1000 * ms
)

var errNo = errors.New("no")

// change makes a pure function of the engine's shape.
func change(f func(v *Value, a Args) error) func(value, args any) (any, error) {
	return func(value, args any) (any, error) {
		v, _ := value.(Value)
		if err := f(&v, args.(Args)); err != nil {
			return nil, err
		}
		return v, nil
	}
}

func sameArgs(a, b any) bool { return a.(Args) == b.(Args) }

type rules = map[string]func(older, newer *engine.Op) engine.Merged

var docRules = rules{"create": mergeDoc, "edit": mergeDoc}

var (
	retry3   = engine.Retry{Max: 3, Base: sec, Cap: 30 * sec, Jitter: 0.25}
	debounce = engine.Debounce{Wait: 300 * ms, MaxWait: 2 * sec}
)

// Types of the driver, by name. They share one value and cover every policy.
var (
	Like = &engine.Type{
		Name: "like", Undoable: true, Family: "like", SameArgs: sameArgs, Debounce: debounce, Retry: retry3, MaxConflicts: 2,
		Apply:     change(func(v *Value, a Args) error { v.Likes[a.I] = a.On; return nil }),
		Fulfilled: func(value, args any) bool { return value.(Value).Likes[args.(Args).I] == args.(Args).On },
	}
	// Save fails into a person's hands, and its conflicts are kept.
	Save = &engine.Type{
		Name: "save", Undoable: true, Family: "save", SameArgs: sameArgs, Retry: engine.Retry{Max: 1, Base: sec, Cap: 4 * sec}, MaxConflicts: 1,
		Debounce: engine.Debounce{Wait: 2 * sec, MaxWait: 5 * sec, Leading: true}, Failure: engine.Park,
		Apply:   change(func(v *Value, a Args) error { v.Saves[a.I] = a.On; return nil }),
		Resolve: func(*engine.Conflict) engine.Decision { return engine.Decision{Choice: engine.KeepMine} },
	}
	Add = &engine.Type{
		Name: "add", Undoable: true, Family: "add", Retry: engine.Retry{Max: 0, Base: sec, Cap: sec},
		Apply:   change(func(v *Value, a Args) error { v.N += a.N; return nil }),
		Resolve: func(*engine.Conflict) engine.Decision { return engine.Decision{Choice: engine.TakeTheirs} },
	}
	Stored = &engine.Type{
		Name: "stored", Family: "add", Retry: retry3, Stored: true, Cancel: engine.EndCalls, Failure: engine.Park, Deadline: 20 * sec,
		Apply: change(func(v *Value, a Args) error { v.N += a.N; return nil }),
	}
	CreateDoc = &engine.Type{
		Name: "create", Undoable: true, Family: "doc", Kind: engine.Create, SameArgs: sameArgs, Debounce: debounce, Retry: retry3,
		Apply: change(func(v *Value, a Args) error { v.Doc = a.Text; return nil }),
	}
	// Found makes the entity, is stored, and fails into a person's hands; so does Keep,
	// which changes it. Drop removes it.
	Found = &engine.Type{
		Name: "found", Undoable: true, Family: "found", Kind: engine.Create, Retry: engine.Retry{Max: 1, Base: sec, Cap: sec}, Stored: true, Failure: engine.Park,
		Apply: change(func(v *Value, a Args) error { v.Safe = a.On; return nil }),
	}
	Drop = &engine.Type{
		Name: "drop", Family: "drop", Kind: engine.Delete, Retry: engine.Retry{Max: 1, Base: sec, Cap: sec}, Stored: true,
	}
	Keep = &engine.Type{
		Name: "keep", Family: "keep", Retry: engine.Retry{Max: 1, Base: sec, Cap: sec}, Stored: true, Failure: engine.Park,
		Apply: change(func(v *Value, a Args) error { v.N = a.N; return nil }),
	}
	Edit = &engine.Type{
		Name: "edit", Undoable: true, Family: "doc", SameArgs: sameArgs, Debounce: debounce, Retry: retry3, MaxConflicts: 2, Failure: engine.Park,
		Apply: change(func(v *Value, a Args) error {
			if v.Doc == "" {
				return errNo
			}
			v.Doc = a.Text
			return nil
		}),
		Merge:   docRules,
		Resolve: mergeBoth,
	}
	DeleteDoc = &engine.Type{
		Name: "delete", Undoable: true, Family: "doc", Kind: engine.Delete, SameArgs: sameArgs, Retry: retry3, Merge: docRules,
		Resolve: func(c *engine.Conflict) engine.Decision { panic("resolver") },
	}
	// Rename shows when it is confirmed, and shares the slot of those that show at once.
	Rename = &engine.Type{
		Name: "rename", Undoable: true, Family: "doc", SameArgs: sameArgs, Debounce: debounce, Retry: retry3, Pessimistic: true,
		Apply: change(func(v *Value, a Args) error {
			if v.Doc == "" {
				return errNo
			}
			v.Doc = a.Text
			return nil
		}),
	}
	// Note stays apart from the operations before it in its slot; its rule may panic.
	Note = &engine.Type{
		Name: "note", Family: "note", SameArgs: sameArgs, Debounce: debounce, Retry: retry3, Deadline: 3 * sec,
		Apply: change(func(v *Value, a Args) error {
			if v.N%2 != 0 {
				panic("odd")
			}
			v.Note = a.Text
			return nil
		}),
		Merge: rules{"note": func(older, newer *engine.Op) engine.Merged {
			if newer.Args.(Args).N == 0 {
				panic("rule")
			}
			return engine.Merged{Rule: engine.Separate}
		}},
	}
	// Sum adds up with the sums before it, also with failed ones.
	Sum = &engine.Type{
		Name: "sum", Undoable: true, Family: "sum", SameArgs: sameArgs, Debounce: debounce, Retry: engine.Retry{Base: sec, Cap: sec}, Failure: engine.Park,
		Apply: change(func(v *Value, a Args) error { v.N += a.N; return nil }),
		Merge: rules{"sum": func(older, newer *engine.Op) engine.Merged {
			a := newer.Args.(Args)
			if a.N += older.Args.(Args).N; a.N == 0 {
				return engine.Merged{Rule: engine.Annihilate}
			}
			return engine.Merged{Rule: engine.TakeSecond, Args: a, Changed: true}
		}},
	}
	Publish = &engine.Type{
		Name: "publish", Family: "publish", Retry: retry3, Barrier: true,
		Apply: change(func(v *Value, a Args) error { v.Pub = a.On; return nil }),
	}
	Guarded = &engine.Type{
		Name: "guarded", Family: "guarded", SameArgs: sameArgs, Cancel: engine.EndCalls, Retry: engine.Retry{Max: -1, Base: sec, Cap: 8 * sec, Jitter: 1},
		Apply: change(func(v *Value, a Args) error { v.Safe = a.On; return nil }),
		Guard: func(value, args any) error {
			if v := value.(Value); !v.Likes[0] && v.N < 3 {
				return errNo
			}
			return nil
		},
	}
	Group = &engine.Type{
		Name: "group", Undoable: true, Family: "group", Retry: retry3, Debounce: engine.Debounce{Wait: 100 * ms}, MaxConflicts: 2, Resolve: byBothSides,
	}
	// Pair is a group without a resolver.
	Pair = &engine.Type{Name: "pair", Family: "group", Retry: retry3, Failure: engine.Park}
)

// byBothSides decides by all that a group's resolver gets of each entity.
func byBothSides(c *engine.Conflict) engine.Decision {
	n := len(c.Rest)
	for _, side := range append([]engine.Conflict{*c}, c.Rest...) {
		n += int(side.BaseVersion) + 3*int(side.BasePresence) + int(side.Theirs.Version) + 3*int(side.Theirs.Presence)
		if mine, ok := side.Mine.(Value); ok {
			n += mine.N
		}
	}
	return engine.Decision{Choice: []engine.Choice{engine.KeepMine, engine.TakeTheirs, engine.Merge, engine.Fail}[n%4]}
}

// mergeDoc is the usual table.
//
//	create+edit = create   create+delete = nothing   edit+edit = edit   edit+delete = delete
func mergeDoc(older, newer *engine.Op) engine.Merged {
	a, b := older.Args.(Args), newer.Args.(Args)
	switch {
	case older.Type.Name == "create" && newer.Type.Name == "edit":
		a.Text = b.Text
		return engine.Merged{Rule: engine.TakeFirst, Args: a}
	case older.Type.Name == "create" && newer.Type.Name == "delete":
		return engine.Merged{Rule: engine.Annihilate}
	case older.Type.Name == "edit" && newer.Type.Name == "edit" && b.N == 2: // it takes the edit back
		return engine.Merged{Rule: engine.Annihilate}
	case older.Type.Name == "edit":
		return engine.Merged{Rule: engine.TakeSecond, Args: b, Changed: true}
	}
	return engine.Merged{Rule: engine.TakeSecond}
}

// mergeBoth answers a conflict with both texts. Engine and twin get the same
// operation for the same question.
func mergeBoth(c *engine.Conflict) engine.Decision {
	d := c.Op.Owner.(*Driver)
	told := base{c.Base, c.Mine, c.BasePresence, c.BaseVersion}
	if first, asked := d.basedOn[c.Op]; !asked {
		d.basedOn[c.Op] = told
	} else if delete(d.basedOn, c.Op); first != told {
		d.unlike = fmt.Errorf("the engine's resolver saw %+v, the twin's %+v", first, told)
	}
	m := d.mergedOf[c.Op]
	if m == nil {
		a := c.Op.Args.(Args)
		theirs, _ := c.Theirs.Value.(Value)
		a.Text += "+" + theirs.Doc
		m = &engine.Op{Type: c.Op.Type, Args: a, Slot: c.Op.Slot, Owner: d}
		d.mergedOf[c.Op] = m
		d.known = append(d.known, m)
		d.twin.Ask(m)
	}
	if len(m.Args.(Args).Text) > 8 {
		return engine.Decision{Choice: engine.Fail, Err: errNo}
	}
	return engine.Decision{Choice: engine.Merge, Merged: m}
}
