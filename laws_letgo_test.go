package optimist

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// cargo is what a program gives to the manager, and what must not stay there.
type cargo [1 << 12]byte

// loaded is a value, and the arguments of an operation, with cargo.
type loaded struct {
	Name string
	P    *cargo
}

// depot notes what was handed out, without holding it.
type depot struct {
	mu   sync.Mutex // guards everything below
	out  map[string]weak.Pointer[cargo]
	next error // of the next call
}

// fails takes how the next call fails, or nil.
func (d *depot) fails() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.next
	d.next = nil
	return err
}

func (d *depot) new(what string) *cargo {
	p := new(cargo)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out[fmt.Sprint(what, " ", len(d.out))] = weak.Make(p)
	return p
}

// held names what is still reachable.
func (d *depot) held() (names []string) {
	for range 3 {
		runtime.GC()
	}
	for name, p := range d.out {
		if p.Value() != nil {
			names = append(names, name)
		}
	}
	return names
}

// heavyErr is an error with cargo.
type heavyErr struct{ p *cargo }

func (e *heavyErr) Error() string { return "no" }

// An idle manager holds nothing of what it was given, once the program has forgotten it: no
// arguments, values, results or errors, of the calls that landed last as little as of others.
func TestLaw25_AnIdleManagerHoldsNothingThatItWasGiven(t *testing.T) {
	type stage struct {
		*testing.T
		*depot
		ctx   context.Context
		m     *Manager
		items *Store[loaded]
		put   *Action[loaded, loaded]
		both  *GroupAction[loaded]
		park  *Action[loaded, string] // fails, and waits for a person

		parked *Handle
	}
	refuse := func(s *stage, class Class) { s.next = Fail(class, &heavyErr{s.new("error")}) }
	args := func(s *stage) loaded { return loaded{"x", s.new("args")} }
	update := func(s *stage, entity string) Update {
		p, r := s.new("closure"), s.new("rollback")
		return Update{
			Type: "set", Entity: entity, Want: p,
			Apply:     func() func() { p[0] = 1; return func() { r[0] = 1 } },
			Send:      func(context.Context) error { return s.fails() },
			OnSuccess: func(Result) { p[0]++ },
			OnError:   func(Result) { p[0]++ },
		}
	}
	cases := map[string]func(s *stage){
		"one operation": func(s *stage) { must(s.put.Execute(s.ctx, "1", args(s)))(s) },
		"many operations": func(s *stage) {
			for i := range 40 {
				must(s.put.Execute(s.ctx, fmt.Sprint(i%10), args(s)))(s)
			}
		},
		"many calls at once": func(s *stage) {
			for i := range 40 {
				must(s.put.Execute(s.ctx, fmt.Sprint(i), args(s)))(s)
			}
		},
		"a superseded one": func(s *stage) {
			s.m.SetOnline(false)
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			s.m.SetOnline(true)
		},
		"one that joined": func(s *stage) {
			s.m.SetOnline(false)
			a := args(s)
			must(s.put.Execute(s.ctx, "1", a))(s)
			must(s.put.Execute(s.ctx, "1", a))(s)
			s.m.SetOnline(true)
		},
		"a failure":  func(s *stage) { refuse(s, Permanent); must(s.put.Execute(s.ctx, "1", args(s)))(s) },
		"a retry":    func(s *stage) { refuse(s, Transient); must(s.put.Execute(s.ctx, "1", args(s)))(s) },
		"a probe":    func(s *stage) { refuse(s, Offline); must(s.put.Execute(s.ctx, "1", args(s)))(s) },
		"a conflict": func(s *stage) { refuse(s, Conflicting); must(s.put.Execute(s.ctx, "1", args(s)))(s) },
		"a cancelled one": func(s *stage) {
			h := must(s.put.Execute(s.ctx, "1", args(s)))(s)
			h.Cancel()
		},
		"dependents": func(s *stage) {
			s.m.SetOnline(false)
			refuse(s, Permanent)
			h := must(s.put.Execute(s.ctx, "1", args(s)))(s)
			must(s.put.Execute(s.ctx, "2", args(s), h))(s)
			s.m.SetOnline(true)
		},
		"dependents of what waits": func(s *stage) {
			if s.parked != nil {
				h := must(s.put.Execute(s.ctx, "2", args(s), s.parked))(s)
				must(s.put.Execute(s.ctx, "3", args(s), s.parked))(s)
				h.Cancel()
				s.m.RollbackAll("item:3")
			}
		},
		"what something waits for": func(s *stage) {
			s.m.SetOnline(false)
			first := must(s.put.Execute(s.ctx, "1", args(s)))(s)
			second := must(s.put.Execute(s.ctx, "2", args(s), first))(s)
			must(s.park.Execute(s.ctx, "last", "x", first, second))(s)
			s.m.SetOnline(true)
		},
		"a refused call": func(s *stage) {
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			if _, err := s.put.Execute(s.ctx, "1", loaded{"refused", s.new("args")}); err == nil {
				s.Error("it was not refused")
			}
		},
		"a group": func(s *stage) { must(s.both.Execute(s.ctx, args(s)))(s) },
		"a failed group": func(s *stage) {
			refuse(s, Permanent)
			must(s.both.Execute(s.ctx, args(s)))(s)
		},
		"a batch": func(s *stage) {
			must(s.m.Batch(s.ctx, s.put.Plan("1", args(s)), s.put.Plan("2", args(s))))(s)
		},
		"rollback all": func(s *stage) {
			s.m.SetOnline(false)
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			s.m.RollbackAll("item:1")
			s.m.SetOnline(true)
		},
		"clear all": func(s *stage) {
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			s.m.ClearAll()
		},
		"truth": func(s *stage) {
			s.items.Receive("1", TruthOf(loaded{"a", s.new("truth")}, 3))
			s.items.Receive("1", TruthOf(loaded{"b", s.new("truth")}, 4))
			s.items.Receive("1", TruthOf(loaded{"c", s.new("stale truth")}, 2))
		},
		"a refresh": func(s *stage) {
			s.items.Refresh(s.ctx, "1", func(context.Context) (Truth[loaded], error) {
				return TruthOf(loaded{"a", s.new("truth")}, 5), nil
			})
		},
		"a watch": func(s *stage) {
			ctx, stop := context.WithCancel(s.ctx)
			go func() {
				for range s.items.Watch(ctx, "1") {
				}
			}()
			must(s.put.Execute(s.ctx, "1", args(s)))(s)
			time.Sleep(time.Second)
			stop()
		},
		"a closure": func(s *stage) { must(s.m.Execute(s.ctx, update(s, "screen")))(s) },
		"a failed closure": func(s *stage) {
			refuse(s, Permanent)
			must(s.m.Execute(s.ctx, update(s, "screen")))(s)
			must(s.m.Execute(s.ctx, update(s, "screen")))(s)
		},
		"a cancelled closure": func(s *stage) {
			s.m.SetOnline(false)
			h := must(s.m.Execute(s.ctx, update(s, "screen")))(s)
			must(s.m.Execute(s.ctx, update(s, "screen")))(s)
			h.Cancel()
			s.m.SetOnline(true)
		},
		"many closures": func(s *stage) {
			for i := range 40 {
				must(s.m.Execute(s.ctx, update(s, fmt.Sprint("screen ", i%10))))(s)
			}
		},
	}
	besides := map[string]func(s *stage){
		"": func(*stage) {},
		", beside a subscription": func(s *stage) {
			sub := s.m.Subscribe(SubscribeOptions{Args: true})
			go func() {
				for range sub.All(s.ctx) {
				}
			}()
		},
		", beside a parked one": func(s *stage) {
			s.parked = must(s.park.Execute(s.ctx, "parked", "x"))(s)
			is(s, s.m.Flush(s.ctx), nil)
		},
		", beside a parked closure": func(s *stage) {
			must(s.m.Execute(s.ctx, Update{
				Type: "park", Entity: "parked", Apply: none, Policy: Policy{Failure: Park},
				Send: func(context.Context) error { return Fail(Permanent, errors.New("no")) },
			}))(s)
			is(s, s.m.Flush(s.ctx), nil)
		},
	}
	for name, run := range cases {
		for beside, prepare := range besides {
			t.Run(name+beside, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &stage{T: t, depot: &depot{out: make(map[string]weak.Pointer[cargo])}}
					ctx, stop := context.WithCancel(t.Context())
					s.ctx = ctx
					opts := instant
					opts.Journal = quickJournal{}
					s.m = must(New(opts))(t)
					s.items = NewStore[loaded](s.m, "item")
					var version atomic.Uint64
					answer := func() (Truth[loaded], error) {
						return TruthOf(loaded{"told", s.new("answer")}, 10+version.Add(1)), s.fails()
					}
					s.put = Register(s.items, Mutation[loaded, loaded]{
						Type: "put", Slot: func(loaded) string { return "all" }, Clone: func(l loaded) loaded { return l },
						Apply: func(_ loaded, a loaded) (loaded, error) {
							if a.Name == "refused" {
								return loaded{}, &heavyErr{s.new("refusal")}
							}
							return a, nil
						},
						Send:      func(context.Context, Call[loaded]) (Truth[loaded], error) { return answer() },
						OnSuccess: func(loaded, Result) {},
						OnError:   func(loaded, Result) {},
						Stored: Stored[loaded]{
							Encode: func(loaded) ([]byte, error) { return s.new("bytes")[:100], nil },
							Decode: func(int, []byte) (loaded, error) { return loaded{}, nil },
						},
					})
					s.park = Register(s.items, Mutation[loaded, string]{
						Type: "park", Policy: Policy{Failure: Park},
						Apply: func(l loaded, _ string) (loaded, error) { return l, nil },
						Send: func(context.Context, Call[string]) (Truth[loaded], error) {
							return Truth[loaded]{}, Fail(Permanent, errors.New("no"))
						},
						Stored: Stored[string]{
							Encode: func(s string) ([]byte, error) { return []byte(s), nil },
							Decode: func(_ int, b []byte) (string, error) { return string(b), nil },
						},
					})
					s.both = RegisterGroup(s.m, Group[loaded]{
						Type: "both", Clone: func(l loaded) loaded { return l },
						Parts: func(a loaded) []Part {
							to := func(loaded) (loaded, error) { return a, nil }
							return []Part{s.items.CreatePart("1", to), s.items.CreatePart("2", to)}
						},
						Send: func(context.Context, Call[loaded]) ([]EntityTruth, error) {
							t, err := answer()
							return []EntityTruth{s.items.EntityTruth("1", t)}, err
						},
					})
					must(s.m.Restore())(t)
					for i := range 10 {
						s.items.Receive(fmt.Sprint(i), TruthOf(loaded{}, 1))
					}
					s.items.Receive("parked", TruthOf(loaded{}, 1))
					s.items.Receive("last", TruthOf(loaded{}, 1))
					prepare(s)
					run(s)
					is(t, s.m.Flush(s.ctx), nil)
					time.Sleep(time.Minute)
					synctest.Wait()
					for i := range 40 {
						s.items.Forget(fmt.Sprint(i))
					}
					if held := s.held(); len(held) > 0 {
						t.Errorf("it holds %q", held)
					}
					runtime.KeepAlive(s.m)
					stop()
					s.m.Close(t.Context())
				})
			})
		}
	}
}
