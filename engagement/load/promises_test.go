package load

import "testing"

// TestPromises: the operations that a restarted client must find.
func TestPromises(t *testing.T) {
	restart := func(ids ...string) note { return note{Kind: noteRestored, IDs: ids} }
	a, b, c := note{Kind: noteAccepted, ID: "a"}, note{Kind: noteAccepted, ID: "b"}, note{Kind: noteAccepted, ID: "c"}
	durable, ends := note{Kind: noteDurable, ID: "a"}, note{Kind: noteEnding, ID: "a"}
	replaced := note{Kind: noteEnding, ID: "a", Successor: "b"}
	for name, test := range map[string]struct {
		notes           []note
		broken, unknown int
	}{
		"restored":                          {notes: []note{a, durable, restart("a")}},
		"lost":                              {notes: []note{a, durable, restart()}, broken: 1},
		"lost at the second start":          {notes: []note{a, restart("a"), restart()}, broken: 1},
		"lost once":                         {notes: []note{a, durable, restart(), restart()}, broken: 1},
		"lost in the end":                   {notes: []note{a, durable, {Kind: noteHeld}}, broken: 1},
		"never durable":                     {notes: []note{a, restart()}},
		"ended":                             {notes: []note{a, durable, ends, restart()}},
		"its end was not written":           {notes: []note{a, durable, ends, restart("a")}},
		"its end was not written, and lost": {notes: []note{a, durable, ends, restart("a"), restart()}, broken: 1},
		"replaced":                          {notes: []note{a, durable, b, replaced, restart("b")}},
		"replaced by one that is lost":      {notes: []note{a, durable, b, replaced, restart()}, broken: 1},
		"replaced by one that has ended":    {notes: []note{a, durable, b, replaced, {Kind: noteEnding, ID: "b"}, restart()}},
		"the replacement was not written":   {notes: []note{a, durable, b, replaced, restart("a")}},
		"replaced twice":                    {notes: []note{a, durable, b, replaced, c, {Kind: noteEnding, ID: "b", Successor: "c"}, restart("c")}},
		"replaced twice and lost":           {notes: []note{a, durable, b, replaced, c, {Kind: noteEnding, ID: "b", Successor: "c"}, restart()}, broken: 1},
		"restored under another id":         {notes: []note{a, durable, restart("b")}, broken: 1, unknown: 1},
		"of another client":                 {notes: []note{a, {Kind: noteRestored, Client: 1, IDs: []string{"a"}}}, unknown: 1},
	} {
		t.Run(name, func(t *testing.T) {
			book := newBook(2, func(int) {})
			for _, n := range test.notes {
				book.take(n)
			}
			if r := book.report(); r.Forgotten != test.broken || r.Unknown != test.unknown {
				t.Errorf("%d lost, %d unknown; want %d and %d", r.Forgotten, r.Unknown, test.broken, test.unknown)
			}
		})
	}
}
