package optimist_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/memjournal"
)

// A crash changes nothing but time.

// busy is a server that says how each call ends, and outlives the program.
type busy struct {
	t     *testing.T
	disk  memjournal.Disk
	opts  optimist.Options
	reply func(n int, c string) (optimist.Truth[note], error) // of the nth call; nil error: done
	era   uint64                                              // that each life hears of before it restores; 0: none
	more  func(*shift)                                        // registers more types; nil: none

	mu    sync.Mutex
	calls []string
}

// note notes a call, and returns how many there have been.
func (b *busy) note(call string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call)
	return len(b.calls)
}

// heard are the calls until now.
func (b *busy) heard() []string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// shift is a life of it.
type shift struct {
	*busy
	m        *optimist.Manager
	notes    *optimist.Store[note]
	write    *optimist.Action[note, edit] // makes a note
	rewrite  *optimist.Action[note, edit] // changes it
	restored optimist.Restored
	ctx      context.Context
}

func (b *busy) begin() *shift {
	b.t.Helper()
	j, err := b.disk.Open()
	if err != nil {
		b.t.Fatal(err)
	}
	opts := b.opts
	opts.Journal = durable{j}
	opts.Policy.Retry.Jitter = -1
	s := &shift{busy: b, m: must(optimist.New(opts))(b.t), ctx: b.t.Context()}
	s.notes = optimist.NewStore[note](s.m, "note")
	add := func(typ string, kind optimist.Kind) *optimist.Action[note, edit] {
		return optimist.Register(s.notes, optimist.Mutation[note, edit]{
			Type: typ, Kind: kind, Stored: stored[edit](),
			Apply:   func(n note, e edit) (note, error) { n.Text += e.Text; return n, nil },
			Resolve: func(c optimist.Conflict[note, edit]) optimist.Decision[edit] { return c.KeepMine() },
			Send: func(ctx context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
				t, err := b.reply(b.note(typ+" "+c.Args.Text), c.Args.Text)
				if errors.Is(err, errHangs) {
					<-ctx.Done()
					return t, ctx.Err()
				}
				return t, err
			},
		})
	}
	s.write, s.rewrite = add("write", optimist.Create), add("rewrite", optimist.Change)
	if b.more != nil {
		b.more(s)
	}
	if b.era > 0 {
		if err := s.m.NewEra(b.era); err != nil {
			b.t.Fatal(err)
		}
	}
	s.restored = must(s.m.Restore())(b.t)
	return s
}

// crash ends the life without a word, and begins the next.
func (s *shift) crash() *shift {
	s.t.Helper()
	s.die()
	return s.begin()
}

func (s *shift) die() {
	synctest.Wait()
	s.disk.Crash()
	ended, stop := context.WithCancel(s.ctx)
	stop()
	s.m.Close(ended)
}

func (s *shift) end() { s.m.ClearAll(); s.m.Close(s.ctx) }

var errHangs = errors.New("hangs")

func status(code int) error { return optimist.StatusError(code, 0, nil) }

func (s *shift) result(h *optimist.Handle) optimist.Result {
	s.t.Helper()
	synctest.Wait()
	r, ok := h.Result()
	if !ok {
		s.t.Fatalf("%s is unsettled (%v)", h.Type(), h.State())
	}
	return r
}

// An answered attempt counts also after a crash: a server that always says 500 gets as
// many calls as without one.
func TestLaw45_ACrashDoesNotRenewTheBudget(t *testing.T) {
	for _, crashes := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(crashes, " crashes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.Truth[note]{}, status(500) }}
				s := b.begin()
				s.notes.Receive("1", optimist.TruthOf(note{}, 1))
				must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
				must(s.rewrite.Execute(s.ctx, "1", edit{"b"}))(t)
				for n := range crashes {
					time.Sleep(time.Duration(n) * 900 * time.Millisecond)
					s = s.crash()
					s.notes.Receive("1", optimist.TruthOf(note{}, 1))
				}
				handles := s.restored.Operations
				time.Sleep(24 * time.Hour)
				if len(b.heard()) != 8 {
					t.Errorf("%d calls, want 8: %v", len(b.heard()), b.heard())
				}
				for _, h := range handles {
					if r := s.result(h); r.Outcome != optimist.RolledBack || r.Attempts != 4 {
						t.Errorf("%+v", r)
					}
				}
				s.end()
			})
		})
	}
}

// Only an attempt that was under way is of unknown outcome after a crash, and it costs
// nothing; the answered ones end the operation, as its policy says.
func TestLaw45_AnAttemptUnderWayIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(n int, _ string) (optimist.Truth[note], error) {
			if n == 2 {
				return optimist.Truth[note]{}, errHangs
			}
			return optimist.Truth[note]{}, status(500)
		}}
		b.opts.Policy.Retry.Deadline = time.Hour
		s := b.begin()
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		time.Sleep(1500 * time.Millisecond) // the second call hangs
		s = s.crash()
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		h := s.restored.Operations[0]
		time.Sleep(time.Hour)
		r := s.result(h)
		if r.Outcome != optimist.RolledBack || !errors.Is(r.Err, optimist.ErrUnknownOutcome) || r.Calls != 5 {
			t.Errorf("%+v", r)
		}
		if !s.notes.View("1").Unsure {
			t.Error("the entity is not unsure")
		}
		s.end()
	})
}

// Without any crash: answered attempts end an operation also when an earlier one was not
// answered. Without any answer it asks on.
func TestLaw45_AnsweredAttemptsCountWhileTheOutcomeIsUnknown(t *testing.T) {
	for _, test := range []struct {
		silent, calls int
	}{{1, 5}, {6, 10}} {
		synctest.Test(t, func(t *testing.T) {
			b := &busy{t: t, reply: func(n int, _ string) (optimist.Truth[note], error) {
				if n <= test.silent {
					return optimist.Truth[note]{}, errHangs
				}
				return optimist.Truth[note]{}, status(500)
			}}
			s := b.begin()
			s.notes.Receive("1", optimist.TruthOf(note{}, 1))
			h := must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
			time.Sleep(24 * time.Hour)
			r := s.result(h)
			if r.Outcome != optimist.RolledBack || !errors.Is(r.Err, optimist.ErrUnknownOutcome) || len(b.heard()) != test.calls {
				t.Errorf("%d calls: %+v", len(b.heard()), r)
			}
			if !s.notes.View("1").Unsure {
				t.Error("the entity is not unsure")
			}
			s.end()
		})
	}
}

func TestLaw45_WhatIsAcknowledgedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.AcceptedAt[note](7), nil }}
		s := b.begin()
		s.notes.Receive("1", optimist.TruthOf(note{}, 6))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		synctest.Wait()
		s = s.crash()
		h := s.restored.Operations[0]
		time.Sleep(time.Hour)
		if err := h.Await(s.ctx, optimist.Acknowledged); err != nil || h.State() != optimist.Acked {
			t.Errorf("%v, %v", h.State(), err)
		}
		s.notes.Receive("1", optimist.TruthOf(note{}, 6))
		if v := s.notes.View("1"); v.Value.Text != "a" || v.Pending != 1 {
			t.Errorf("before truth of that version: %+v", v)
		}
		s.notes.Receive("1", optimist.TruthOf(note{Text: "a"}, 7))
		if r := s.result(h); r.Outcome != optimist.Confirmed || r.Calls != 1 || len(b.heard()) != 1 {
			t.Errorf("%d calls: %+v", len(b.heard()), r)
		}
		s.end()
	})
}

// A list that was read in an earlier life is older than what was acknowledged there.
func TestLaw45_AReadOfAnEarlierLifeEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.AcceptedAt[note](2), nil }}
		s := b.begin()
		time.Sleep(time.Second)
		began := time.Now()
		time.Sleep(time.Second)
		must(s.write.Execute(s.ctx, "a", edit{"x"}))(t)
		s = s.crash()
		h := s.restored.Operations[0]
		if err := s.notes.Receive("a", optimist.Truth[note]{Presence: optimist.Absent, ReadAt: began}); err != nil {
			t.Fatal(err)
		}
		if h.State() != optimist.Acked || s.notes.View("a").Value.Text != "x" {
			t.Fatalf("after a list from before the write: %v, %+v", h.State(), s.notes.View("a"))
		}
		if err := s.notes.Receive("a", optimist.TruthOf(note{Text: "x"}, 2)); err != nil {
			t.Fatal(err)
		}
		if r := s.result(h); r.Outcome != optimist.Confirmed || len(b.heard()) != 1 {
			t.Fatalf("%+v after %d calls", r, len(b.heard()))
		}
		s.end()
	})
}

func TestLaw45_KeptConflictsAndTheDeadlineSurvive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(n int, _ string) (optimist.Truth[note], error) {
			time.Sleep(60 * time.Millisecond)
			return optimist.TruthOf(note{Text: "theirs"}, uint64(n+1)), optimist.Fail(optimist.Conflicting, errors.New("something else"))
		}}
		s := b.begin()
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		time.Sleep(100 * time.Millisecond) // in the middle of the second call
		s = s.crash()
		time.Sleep(time.Hour)
		if r := s.result(s.restored.Operations[0]); len(b.heard()) != 5 || r.Conflict != optimist.Refused {
			t.Errorf("%d calls, want those of the budget and the one that the crash cut off: %+v", len(b.heard()), r)
		}
		s.end()
	})
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.Truth[note]{}, status(500) }}
		b.opts.Policy.Retry = optimist.Retry{Max: optimist.Forever, Deadline: time.Minute, Cap: 5 * time.Second}
		s := b.begin()
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		time.Sleep(40 * time.Second)
		s.die()
		time.Sleep(24 * time.Hour) // no process runs
		s = s.begin()
		h := s.restored.Operations[0]
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if h.State() == optimist.Ended {
			t.Error("the time during which no process ran was counted")
		}
		time.Sleep(20 * time.Second)
		if r := s.result(h); !errors.Is(r.Err, optimist.ErrDeadline) {
			t.Errorf("%+v", r)
		}
		s.end()
	})
}

// The server asked for patience, and a crash is no reason to lose it.
func TestLaw45_RetryAfterSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(n int, _ string) (optimist.Truth[note], error) {
			if n == 1 {
				return optimist.Truth[note]{}, optimist.StatusError(429, time.Hour, nil)
			}
			return optimist.TruthOf(note{Text: "a"}, 2), nil
		}}
		s := b.begin()
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		time.Sleep(20 * time.Minute)
		s = s.crash()
		time.Sleep(39 * time.Minute)
		if len(b.heard()) != 1 {
			t.Errorf("%d calls, want 1", len(b.heard()))
		}
		time.Sleep(2 * time.Minute)
		if r := s.result(s.restored.Operations[0]); r.Outcome != optimist.Confirmed || len(b.heard()) != 2 {
			t.Errorf("%d calls: %+v", len(b.heard()), r)
		}
		s.end()
	})
}

// What stands on a creation goes with it also when the creation is refused in another
// life.
func TestLaw36_AfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.Truth[note]{}, status(403) }}
		s := b.begin()
		s.m.SetOnline(false)
		must(s.write.Execute(s.ctx, "new", edit{"a"}))(t)
		must(s.rewrite.Execute(s.ctx, "new", edit{"b"}))(t)
		s = s.crash()
		handles := s.restored.Operations
		time.Sleep(time.Minute)
		if r := s.result(handles[1]); r.Outcome != optimist.RolledBack || !errors.Is(r.Err, optimist.ErrDependency) {
			t.Errorf("%+v", r)
		}
		if !slices.Equal(b.heard(), []string{"write a"}) {
			t.Errorf("calls %v", b.heard())
		}
		s.end()
	})
}

func TestLaw36_TruthEndsTheTieAlsoOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(_ int, what string) (optimist.Truth[note], error) {
			if what == "a" {
				return optimist.Truth[note]{}, status(403)
			}
			return optimist.TruthOf(note{Text: "b"}, 3), nil
		}}
		s := b.begin()
		s.m.SetOnline(false)
		must(s.write.Execute(s.ctx, "new", edit{"a"}))(t)
		must(s.rewrite.Execute(s.ctx, "new", edit{"b"}))(t)
		s.notes.Receive("new", optimist.TruthOf(note{Text: "theirs"}, 2))
		s = s.crash()
		handles := s.restored.Operations
		time.Sleep(time.Minute)
		if r := s.result(handles[1]); r.Outcome != optimist.Confirmed {
			t.Errorf("%+v", r)
		}
		s.end()
	})
}

// The server has the note by an earlier creation, so the later one ends without a call. What was
// done to the note since outlives a crash.
func TestLaw36_ACreationThatIsNotSentLeavesNoTieOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var found *optimist.Action[note, edit]
		b := &busy{t: t, reply: func(n int, _ string) (optimist.Truth[note], error) {
			switch n {
			case 1:
				return optimist.AcceptedAt[note](7), nil
			case 2, 3:
				return optimist.Truth[note]{}, status(500)
			}
			return optimist.TruthOf(note{Text: "ab"}, 8), nil
		}}
		b.more = func(s *shift) {
			found = optimist.Register(s.notes, optimist.Mutation[note, edit]{
				Type: "found", Kind: optimist.Create, Stored: stored[edit](),
				Slot:  func(edit) string { return "all" },
				Apply: func(n note, e edit) (note, error) { n.Text = strings.ToLower(e.Text); return n, nil },
				Send: func(_ context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
					return b.reply(b.note("found "+c.Args.Text), c.Args.Text)
				},
			})
		}
		s := b.begin()
		must(found.Execute(s.ctx, "new", edit{"a"}))(t)
		time.Sleep(time.Second)
		again := must(found.Execute(s.ctx, "new", edit{"A"}))(t)
		must(s.rewrite.Execute(s.ctx, "new", edit{"b"}))(t)
		time.Sleep(time.Second)
		if r := s.result(again); r.Outcome != optimist.Confirmed || r.Calls != 0 {
			t.Errorf("%+v", r)
		}
		s = s.crash()
		time.Sleep(time.Minute)
		if r := s.result(s.restored.Operations[1]); r.Outcome != optimist.Confirmed {
			t.Errorf("%+v", r)
		}
		if want := []string{"found a", "rewrite b", "rewrite b", "rewrite b"}; !slices.Equal(b.heard(), want) {
			t.Errorf("calls %v", b.heard())
		}
		s.end()
	})
}

// A program that does not know the creation any more sends nothing of what stands on it.
func TestLaw36_WhatStandsOnQuarantineIsInQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.TruthOf(note{}, 1), nil }}
		s := b.begin()
		s.m.SetOnline(false)
		must(s.write.Execute(s.ctx, "new", edit{"a"}))(t)
		must(s.rewrite.Execute(s.ctx, "new", edit{"b"}))(t)
		must(s.rewrite.Execute(s.ctx, "other", edit{"c"}))(t)
		s.die()
		j, err := b.disk.Open()
		if err != nil {
			t.Fatal(err)
		}
		m := must(optimist.New(optimist.Options{Journal: durable{j}}))(t)
		notes := optimist.NewStore[note](m, "note")
		optimist.Register(notes, optimist.Mutation[note, edit]{
			Type: "rewrite", Stored: stored[edit](), Apply: func(n note, e edit) (note, error) { return n, nil },
			Send: func(_ context.Context, c optimist.Call[edit]) (optimist.Truth[note], error) {
				b.note(c.Args.Text)
				return optimist.TruthOf(note{}, 1), nil
			},
		})
		restored := must(m.Restore())(t)
		time.Sleep(time.Minute)
		if len(restored.Operations) != 1 || len(restored.Quarantined) != 2 || strings.Join(b.heard(), "") != "c" {
			t.Errorf("%d restored, %v in quarantine, calls %v", len(restored.Operations), restored.Quarantined, b.heard())
		}
		m.ClearAll()
		m.Close(s.ctx)
	})
}

func TestLaw36_AStoredOperationNeedsAStoredCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.Truth[note]{}, nil }}
		s := b.begin()
		loose := optimist.Register(s.notes, optimist.Mutation[note, edit]{
			Type: "jot", Kind: optimist.Create, Apply: func(n note, e edit) (note, error) { return n, nil },
			Send: func(context.Context, optimist.Call[edit]) (t optimist.Truth[note], err error) { return t, nil },
		})
		s.m.SetOnline(false)
		must(loose.Execute(s.ctx, "new", edit{"a"}))(t)
		_, err := s.rewrite.Execute(s.ctx, "new", edit{"b"})
		if !errors.Is(err, optimist.ErrInvalid) || !strings.Contains(fmt.Sprint(err), "rewrite") || !strings.Contains(fmt.Sprint(err), "jot") {
			t.Errorf("refused with %v", err)
		}
		_, err = s.m.Batch(s.ctx, loose.Plan("2", edit{"a"}), s.rewrite.Plan("2", edit{"b"}))
		if !errors.Is(err, optimist.ErrInvalid) || s.m.PendingCount("note:2") != 0 {
			t.Errorf("the batch is refused with %v", err)
		}
		s.end()
	})
}

// A program may hear of the new history before it restores its operations.
func TestLaw44_WhatWasAcknowledgedInAnEarlierLifeIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.AcceptedAt[note](7), nil }}
		s := b.begin()
		if err := s.m.NewEra(1); err != nil {
			t.Error(err)
		}
		s.notes.Receive("1", optimist.TruthOf(note{}, 6))
		must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
		b.era = 2
		s = s.crash()
		if calls := b.heard(); len(calls) != 2 {
			t.Errorf("calls: %q", calls)
		}
		s = s.crash() // in the same era
		if calls := b.heard(); len(calls) != 2 {
			t.Errorf("calls: %q", calls)
		}
		h := s.restored.Operations[0]
		s.notes.Receive("1", optimist.TruthOf(note{Text: "a"}, 7))
		if r := s.result(h); r.Outcome != optimist.Confirmed {
			t.Errorf("%+v", r)
		}
		s.end()
	})
}

// An operation that a program cannot restore misses the beginning of a new history.
func TestLaw44_WhatWasAcknowledgedAndIsInQuarantineIsSentAgain(t *testing.T) {
	for _, early := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := &busy{t: t, reply: func(int, string) (optimist.Truth[note], error) { return optimist.AcceptedAt[note](7), nil }}
			s := b.begin()
			s.notes.Receive("1", optimist.TruthOf(note{}, 6))
			must(s.rewrite.Execute(s.ctx, "1", edit{"a"}))(t)
			s.die()
			m := must(optimist.New(optimist.Options{Journal: durable{must(b.disk.Open())(t)}}))(t)
			tell := func() {
				if err := m.NewEra(2); err != nil {
					t.Error(err)
				}
			}
			if early {
				tell()
			}
			if q := must(m.Restore())(t).Quarantined; len(q) != 1 {
				t.Fatalf("in quarantine: %v", q)
			}
			if !early {
				tell()
			}
			m.Close(t.Context())
			s = b.begin()
			if calls := b.heard(); len(calls) != 2 {
				t.Errorf("told before Restore: %v, calls: %q", early, calls)
			}
			s.end()
		})
	}
}

// A call tells for how long nobody has known whether the server has the operation: not for how
// long it waited without a network, and on through crashes, until the server answers.
func TestLaw45_ACallTellsForHowLongItsOperationIsInDoubt(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		var doubts []time.Duration
		var add *optimist.Action[note, string]
		b := &busy{t: t}
		b.opts.Policy.Retry = optimist.Retry{Base: day, Cap: day, Max: optimist.Forever, Timeout: time.Hour}
		b.more = func(s *shift) {
			add = optimist.Register(s.notes, optimist.Mutation[note, string]{
				Type: "add", Stored: stored[string](), Apply: func(n note, _ string) (note, error) { return n, nil },
				Send: func(ctx context.Context, c optimist.Call[string]) (optimist.Truth[note], error) {
					info, _ := optimist.CallFrom(ctx)
					if info.InDoubt != c.InDoubt {
						t.Errorf("CallFrom tells %v, the call %v", info.InDoubt, c.InDoubt)
					}
					doubts = append(doubts, c.InDoubt)
					switch len(doubts) {
					case 1, 7:
						return optimist.Truth[note]{}, status(503) // it has not been carried out
					case 2:
						<-ctx.Done() // an hour
						return optimist.Truth[note]{}, ctx.Err()
					case 4:
						<-ctx.Done() // the process dies before
						return optimist.Truth[note]{}, ctx.Err()
					case 5:
						return optimist.Truth[note]{}, errors.New("what is that?")
					case 6:
						return optimist.Truth[note]{}, optimist.Fail(optimist.Conflicting, errors.New("older"))
					}
					return optimist.Truth[note]{}, optimist.Fail(optimist.Overloaded, errors.New("busy"))
				},
				Resolve: func(c optimist.Conflict[note, string]) optimist.Decision[string] { return c.KeepMine() },
			})
		}
		s := b.begin()
		s.m.SetOnline(false)
		s.notes.Receive("1", optimist.TruthOf(note{}, 1))
		must(add.Execute(s.ctx, "1", "more"))(t)
		time.Sleep(20 * day)
		s.m.SetOnline(true)
		time.Sleep(2*day + day/2 + time.Hour) // three calls; the second leaves after a day
		s = s.crash()
		time.Sleep(time.Minute) // the fourth is under way
		s.die()
		time.Sleep(9 * day)
		s = s.begin()
		time.Sleep(2*day + time.Minute)
		s.end()
		want := []time.Duration{
			0, 0, // it waited, and the server was busy
			day + time.Hour,
			day + day/2 + time.Hour, // after the crash
			10*day + day/2 + time.Hour + time.Minute,
			11*day + day/2 + time.Hour + time.Minute, // the fifth call's error says nothing
			0, 0,                                     // the server has had its word
		}
		if !slices.Equal(doubts, want) {
			t.Errorf("in doubt for %v, want %v", doubts, want)
		}
	})
}

// The doubt is measured by the wall clock: timestamps of a server that is ahead do not make it older.
func TestLaw45_AServerThatIsAheadMakesNoDoubtOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var doubts []time.Duration
		m := must(optimist.New(optimist.Options{Policy: optimist.Policy{Retry: optimist.Retry{Jitter: -1}}}))(t)
		defer m.Close(t.Context())
		notes := optimist.NewStore[note](m, "note")
		add := optimist.Register(notes, optimist.Mutation[note, string]{
			Type: "add", Apply: func(n note, _ string) (note, error) { return n, nil },
			Send: func(_ context.Context, c optimist.Call[string]) (optimist.Truth[note], error) {
				if doubts = append(doubts, c.InDoubt); len(doubts) == 1 {
					return optimist.Truth[note]{}, optimist.Fail(optimist.Unknown, errors.New("reset"))
				}
				return optimist.TruthOf(note{}, 2), nil
			},
		})
		notes.Receive("1", optimist.Truth[note]{Presence: optimist.Present, Version: 1, At: optimist.TimestampOf(time.Now().Add(4 * time.Minute))})
		must(must(add.Execute(t.Context(), "1", "more"))(t).Wait(t.Context()))(t)
		if want := []time.Duration{0, time.Second}; !slices.Equal(doubts, want) {
			t.Errorf("in doubt for %v, want %v", doubts, want)
		}
	})
}
