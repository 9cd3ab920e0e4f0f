package optimist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/journal"
	"github.com/optimist-go/optimist/memjournal"
)

// program is one whose versions know different types.
type program struct {
	t    *testing.T
	disk memjournal.Disk
	seen []string // what the server got
	with map[string]func(*optimist.Mutation[note, edit])
}

// version is a life of the program, in which it knows some types. It begins offline.
type version struct {
	m        *optimist.Manager
	notes    *optimist.Store[note]
	types    map[string]*optimist.Action[note, edit]
	restored optimist.Restored
}

func (p *program) start(types ...string) *version {
	p.t.Helper()
	m := must(optimist.New(optimist.Options{Journal: durable{must(p.disk.Open())(p.t)}}))(p.t)
	v := &version{m: m, notes: optimist.NewStore[note](m, "note"), types: make(map[string]*optimist.Action[note, edit])}
	for _, name := range types {
		def := optimist.Mutation[note, edit]{
			Type: name, Kind: optimist.Create, Stored: stored[edit](),
			Apply: func(n note, e edit) (note, error) { n.Text = e.Text; return n, nil },
			Send: func(_ context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
				p.seen = append(p.seen, c.Args.Text)
				return optimist.Truth[note]{}, nil
			},
		}
		if p.with[name] != nil {
			p.with[name](&def)
		}
		v.types[name] = optimist.Register(v.notes, def)
	}
	m.SetOnline(false)
	v.restored = must(m.Restore())(p.t)
	return v
}

func (p *program) crash(v *version) {
	synctest.Wait()
	p.disk.Crash()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	v.m.Close(ended)
}

// tap executes an operation of the type on the entity of the same name.
func (p *program) tap(v *version, name, text string, after ...*optimist.Handle) *optimist.Handle {
	p.t.Helper()
	return must(v.types[name].Execute(p.t.Context(), name, edit{text}, after...))(p.t)
}

// finish goes online until all is settled, and compares what the server got in all
// lives.
func (p *program) finish(v *version, want ...string) {
	p.t.Helper()
	v.m.SetOnline(true)
	if err := errors.Join(v.m.Flush(p.t.Context()), v.m.Close(p.t.Context())); err != nil {
		p.t.Error(err)
	}
	if !slices.Equal(p.seen, want) {
		p.t.Errorf("the server got %q, want %q", p.seen, want)
	}
}

// family is a first life with a chain of operations, that crashes.
func family(t *testing.T) *program {
	p := &program{t: t}
	v := p.start("parent", "child", "grandchild")
	parent := p.tap(v, "parent", "p")
	child := p.tap(v, "child", "c", parent)
	p.tap(v, "grandchild", "g", child)
	p.crash(v)
	return p
}

// What depends on an operation that is discarded from quarantine goes with it.
func TestLaw31_DiscardedTakesDependentsAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := family(t)
		v := p.start("child", "grandchild")
		if n := len(v.restored.Quarantined); n != 3 {
			t.Fatalf("%d in quarantine, want 3", n)
		}
		if err := v.restored.Quarantined[0].Discard(); err != nil {
			t.Fatal(err)
		}
		if rest := v.m.Quarantined(); len(rest) > 0 {
			t.Errorf("still in quarantine: %+v", rest)
		}
		p.crash(v)
		p.finish(p.start("parent", "child", "grandchild"))
	})
}

// What is in quarantine goes with the operation on which it depends, when that one comes
// to nothing.
func TestLaw31_QuarantinedGoesWithWhatItDependsOn(t *testing.T) {
	for what, end := range map[string]func(*program, *version){
		"cancelled": func(_ *program, v *version) { v.restored.Operations[0].Cancel() },
		"cleared":   func(_ *program, v *version) { v.m.ClearAll() },
		"refused": func(p *program, v *version) {
			v.m.SetOnline(true)
			v.m.Flush(p.t.Context())
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := family(t)
				p.with = map[string]func(*optimist.Mutation[note, edit]){"parent": func(def *optimist.Mutation[note, edit]) {
					def.Send = func(context.Context, optimist.Call[edit]) (none optimist.Truth[note], err error) {
						return none, optimist.Fail(optimist.Permanent, errors.New("no"))
					}
				}}
				v := p.start("parent", "grandchild") // in quarantine: child, and grandchild with it
				end(p, v)
				p.crash(v)
				p.with = nil
				v = p.start("parent", "child", "grandchild")
				if n := len(v.restored.Operations) + len(v.restored.Quarantined); n > 0 {
					t.Errorf("%d are back", n)
				}
				p.finish(v)
			})
		})
	}
}

// What is in quarantine waits for what took the place of what it depends on.
func TestLaw31_QuarantinedFollowsReplacements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &program{t: t, with: map[string]func(*optimist.Mutation[note, edit]){"parent": func(def *optimist.Mutation[note, edit]) {
			def.Slot = func(edit) string { return "text" }
		}}}
		v := p.start("parent", "child")
		p.tap(v, "child", "c", p.tap(v, "parent", "p"))
		p.crash(v)
		v = p.start("parent")
		p.tap(v, "parent", "q") // in the place of p
		p.crash(v)
		v = p.start("parent", "child")
		if err := v.restored.Operations[0].Cancel(); err != nil {
			t.Fatal(err)
		}
		p.finish(v)
	})
}

// An operation that no longer applies is rolled back when it is restored, and takes its
// dependents along: also one whose type is not known any more.
func TestLaw30_DependentsOfWhatIsNotRestored(t *testing.T) {
	for _, types := range [][]string{{"parent", "child", "grandchild"}, {"parent", "grandchild"}} {
		synctest.Test(t, func(t *testing.T) {
			p := family(t)
			p.with = map[string]func(*optimist.Mutation[note, edit]){"parent": func(def *optimist.Mutation[note, edit]) {
				def.Apply = func(n note, _ edit) (note, error) { return n, errors.New("no longer valid") }
			}}
			v := p.start(types...)
			for _, h := range v.restored.Operations {
				if r, ok := h.Result(); !ok || r.Outcome != optimist.RolledBack {
					t.Errorf("%s: %v", h.Type(), r.Outcome)
				}
			}
			if n := len(v.restored.Operations); n != len(types) || len(v.restored.Quarantined) > 0 {
				t.Errorf("%d operations, in quarantine %+v", n, v.restored.Quarantined)
			}
			p.crash(v)
			p.with = nil
			p.finish(p.start("parent", "child", "grandchild"))
		})
	}
}

// A stored operation cannot wait for one that a restart would lose.
func TestLaw30_StoredWaitsForStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &program{t: t, with: map[string]func(*optimist.Mutation[note, edit]){
			"loose": func(def *optimist.Mutation[note, edit]) { def.Stored = optimist.Stored[edit]{} },
		}}
		v := p.start("loose", "child")
		loose := p.tap(v, "loose", "l")
		_, err := v.types["child"].Execute(t.Context(), "child", edit{"c"}, loose)
		if _, batched := v.m.Batch(t.Context(), v.types["child"].Plan("child", edit{"c"}, loose)); !errors.Is(err, optimist.ErrInvalid) || !errors.Is(batched, optimist.ErrInvalid) {
			t.Errorf("it waits for what lives in memory: %v, %v", err, batched)
		}
		if err := loose.Cancel(); err != nil {
			t.Fatal(err)
		}
		p.tap(v, "loose", "m", p.tap(v, "child", "d")) // the other way round it may
		p.finish(v, "d", "m")
	})
}

// An operation that was accepted over truth is not judged before there is truth again.
func TestLaw30_RestoredIsJudgedByTruth(t *testing.T) {
	for _, done := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := &program{t: t, with: map[string]func(*optimist.Mutation[note, edit]){"close": func(def *optimist.Mutation[note, edit]) {
				def.Kind = optimist.Change
				def.Guard = func(n note, _ edit) error {
					if !n.Done {
						return errors.New("not done")
					}
					return nil
				}
			}}}
			v := p.start("write", "close")
			v.notes.Receive("1", optimist.TruthOf(note{Done: true}, 1))
			must(v.types["write"].Execute(t.Context(), "1", edit{"a"}))(t)
			must(v.types["close"].Execute(t.Context(), "1", edit{"b"}))(t)
			p.crash(v)

			v = p.start("write", "close")
			if text := v.notes.View("1").Value.Text; text != "a" {
				t.Errorf("it shows %q", text)
			}
			v.notes.Receive("1", optimist.TruthOf(note{Done: done}, 2))
			if done {
				p.finish(v, "a", "b")
				return
			}
			if r, _ := v.restored.Operations[1].Result(); !errors.Is(r.Err, optimist.ErrGuard) {
				t.Errorf("%+v", r)
			}
			p.finish(v, "a")
		})
	}
}

// After a repair, what had taken an operation's place may be there together with it.
// Only the later one is restored, and what depends on either waits for that one.
func TestLaw30_OnePlaceOneOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &program{t: t, with: map[string]func(*optimist.Mutation[note, edit]){"parent": func(def *optimist.Mutation[note, edit]) {
			def.Slot = func(edit) string { return "text" }
		}}}
		v := p.start("parent", "child")
		old := p.tap(v, "parent", "old")
		p.tap(v, "child", "c", old)
		synctest.Wait()
		p.disk.Crash()
		j := must(p.disk.Open())(t)
		before := must(j.Load())(t)
		j.Close()
		p.crash(v)

		v = p.start("parent", "child")
		p.tap(v, "parent", "new")
		p.crash(v)
		j = must(p.disk.Open())(t)
		if after := must(j.Load())(t); bytes.Equal(after[1].Data, before[1].Data) || len(after) != len(before) {
			t.Fatalf("nothing was replaced: %v", after)
		}
		if err := j.Write(before[1:]); err != nil { // they are back
			t.Fatal(err)
		}
		j.Close()

		v = p.start("parent", "child")
		var live []string
		for _, h := range v.restored.Operations {
			live = append(live, h.Type())
		}
		if fmt.Sprint(live) != "[parent child]" {
			t.Errorf("restored: %v", live)
		}
		p.crash(v)
		v = p.start("parent", "child")
		if err := v.restored.Operations[0].Cancel(); err != nil {
			t.Fatal(err)
		}
		p.finish(v)
	})
}

// A group that would be refused now is in quarantine.
func TestLaw31_RestoredGroupIsChecked(t *testing.T) {
	for _, parts := range []int{-1, 300} {
		synctest.Test(t, func(t *testing.T) {
			var disk memjournal.Disk
			start := func(parts int) (*optimist.Manager, *optimist.GroupAction[bool], optimist.Restored) {
				m := must(optimist.New(optimist.Options{Journal: durable{must(disk.Open())(t)}}))(t)
				notes := optimist.NewStore[note](m, "note")
				g := optimist.RegisterGroup(m, optimist.Group[bool]{
					Type: "all", Stored: stored[bool](),
					Parts: func(bool) (all []optimist.Part) {
						for i := range max(parts, 2) {
							all = append(all, notes.CreatePart(fmt.Sprint(i), func(n note) (note, error) { return n, nil }))
						}
						if parts < 0 {
							all = append(all, all[0])
						}
						return all
					},
					Send: func(context.Context, optimist.Call[bool]) ([]optimist.EntityTruth, error) { return nil, nil },
				})
				m.SetOnline(false)
				return m, g, must(m.Restore())(t)
			}
			p := program{t: t}
			m, g, _ := start(2)
			must(g.Execute(t.Context(), true))(t)
			synctest.Wait()
			disk.Crash()
			p.crash(&version{m: m})
			m, _, r := start(parts)
			if len(r.Operations) > 0 || len(r.Quarantined) != 1 || !errors.Is(r.Quarantined[0].Snapshot().Err, optimist.ErrInvalid) {
				t.Errorf("%d parts: restored %d, in quarantine %+v", parts, len(r.Operations), r.Quarantined)
			}
			m.Close(t.Context())
		})
	}
}

// A schema version comes back as it was, or is refused at once.
func TestLaw31_SchemaVersions(t *testing.T) {
	for _, c := range []struct {
		version int
		ok      bool
	}{{0, true}, {2024011512, true}, {1<<31 - 1, true}, {-1, false}} {
		synctest.Test(t, func(t *testing.T) {
			var got int
			p := &program{t: t, with: map[string]func(*optimist.Mutation[note, edit]){"x": func(def *optimist.Mutation[note, edit]) {
				def.Stored.Version = c.version
				decode := def.Stored.Decode
				def.Stored.Decode = func(version int, data []byte) (edit, error) { got = version; return decode(version, data) }
			}}}
			v := p.start("x")
			if err := v.m.Err(); (err == nil) != c.ok || !c.ok && !errors.Is(err, optimist.ErrInvalid) {
				t.Fatalf("version %d: %v", c.version, err)
			}
			if c.ok {
				p.tap(v, "x", "a")
				p.crash(v)
				v = p.start("x")
				if got != c.version {
					t.Errorf("version %d came back as %d", c.version, got)
				}
			}
			p.crash(v)
		})
	}
}

// Nothing is discarded from a journal that takes nothing any more.
func TestLaw33_DiscardAfterTheJournalFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := family(t)
		v := p.start("child")
		synctest.Wait()
		p.disk.Inject(1, memjournal.FailLost)
		p.tap(v, "child", "x")
		synctest.Wait()
		if err := v.restored.Quarantined[0].Discard(); !errors.Is(err, journal.ErrFailed) {
			t.Errorf("discarded: %v", err)
		}
		if n := len(v.m.Quarantined()); n != 3 {
			t.Errorf("%d in quarantine, want 3", n)
		}
		p.crash(v)
	})
}
