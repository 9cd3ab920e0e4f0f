package optimist_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
)

// notes is an index that writes down the changes that it is told of.
type notes struct {
	steps [][]optimist.EntityChange[int]
	part  string // said by the part that it took in the step under way
	parts []string
	truth []optimist.HeldTruth[int]
	holds string
	eras  []uint64
}

func (n *notes) Changed(_ uint64, changes []optimist.EntityChange[int]) {
	n.steps = append(n.steps, append([]optimist.EntityChange[int](nil), changes...))
	n.parts, n.part = append(n.parts, n.part), ""
	for i := range changes {
		before, after := changes[i].Truth()
		n.truth = append(n.truth, before, after)
	}
}

func (n *notes) Detached(error)       {}
func (n *notes) Holds(id string) bool { return id == n.holds }

// NewEra notes an era, and of how many steps the index was told before.
func (n *notes) NewEra(era uint64) { n.eras = append(n.eras, era, uint64(len(n.steps))) }

func inNotes(t *testing.T, test func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, err := optimist.New(optimist.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, n := optimist.NewStore[int](m, "n"), &notes{}
		at, err := s.AddIndex(n)
		if err != nil {
			t.Fatal(err)
		}
		n.steps, n.parts, n.truth = nil, nil, nil
		test(m, s, n, at)
		m.Close(context.Background())
	})
}

func TestLaw41_AnIndexTakesPartInTheStepOfAPage(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached) {
		page := map[string]optimist.Truth[int]{"a": optimist.TruthOf(1, 1), "b": optimist.TruthOf(2, 1)}
		part := func(said string) optimist.With {
			return at.With(func(id func(string) string) { n.part = said + id("a") })
		}
		if err := s.ReceivePage(page, part("first ")); err != nil {
			t.Fatal(err)
		}
		if len(n.steps) != 1 || len(n.steps[0]) != 2 || n.parts[0] != "first a" {
			t.Fatalf("told %v, parts %q", n.steps, n.parts)
		}
		if err := s.ReceivePage(page, part("again ")); err != nil { // nothing has changed
			t.Fatal(err)
		}
		if len(n.steps) != 2 || len(n.steps[1]) != 0 || n.parts[1] != "again a" {
			t.Fatalf("told %v, parts %q", n.steps, n.parts)
		}
		if err := s.ReceivePage(nil, part("none ")); err != nil || len(n.steps) != 3 {
			t.Fatalf("an empty page: %v, told %v", err, n.steps)
		}
		s.Receive("a", optimist.TruthOf(3, 2))
		if n.parts[3] != "" {
			t.Errorf("a part was taken in another step: %q", n.parts)
		}
		at.Detach()
		for name, with := range map[string]optimist.With{"detached": part(""), "empty": {}, "nothing": at.With(nil)} {
			if err := s.ReceivePage(map[string]optimist.Truth[int]{"a": optimist.TruthOf(9, 9)}, with); !errors.Is(err, optimist.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if v, _ := s.Get("a"); v != 3 {
			t.Errorf("a refused page was taken: %d", v)
		}
	})
}

func TestLaw44_AnIndexIsToldOfANewEra(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached) {
		if err := m.NewEra(3); err != nil { // no entity changes
			t.Fatal(err)
		}
		s.Receive("a", optimist.TruthOf(1, 5))
		if err := m.NewEra(3); err != nil { // the one held
			t.Fatal(err)
		}
		told := optimist.TruthOf(2, 1)
		told.Era = 4
		page := map[string]optimist.Truth[int]{"b": told}
		if err := s.ReceivePage(page, at.With(func(func(string) string) { n.part = "page" })); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(n.eras, []uint64{3, 0, 4, 2}) || len(n.steps) != 3 || len(n.steps[0]) != 0 || len(n.steps[2]) != 2 || n.parts[2] != "page" {
			t.Fatalf("told of eras %v, of steps %v, parts %q", n.eras, n.steps, n.parts)
		}
		later := &notes{}
		if _, err := s.AddIndex(later); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(later.eras, []uint64{4, 0}) {
			t.Errorf("an index that is added is told of eras %v", later.eras)
		}
		told.Era = 3
		page["b"] = told
		if err := s.ReceivePage(page, at.With(func(func(string) string) {})); !errors.Is(err, optimist.ErrNewEra) {
			t.Errorf("a page that names an earlier era: %v", err)
		}
	})
}

// undated cannot be told of an era.
type undated struct{ stubborn }

func (*undated) NewEra(uint64) { panic("no") }

func TestLaw22_NewEraThatPanicsDetachesItsIndex(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, _ *optimist.Attached) {
		ix := &undated{}
		if _, err := s.AddIndex(ix); err != nil {
			t.Fatal(err)
		}
		if err := m.NewEra(1); err != nil {
			t.Fatal(err)
		}
		if !errors.As(ix.why, new(*optimist.PanicError)) || len(n.steps) != 1 {
			t.Errorf("the index was detached for %v; the other one was told of steps %v", ix.why, n.steps)
		}
	})
}

func TestLaw40_AnIndexIsToldOfTheTruthBelow(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached) {
		truth := optimist.TruthOf(1, 1)
		s.Receive("a", truth)
		time.Sleep(time.Second)
		truth.Position = 7
		s.Receive("a", truth) // the same, now with its place in the feed
		if len(n.truth) != 4 || n.truth[2].Position != 0 || n.truth[3].Position != 7 || n.truth[3].Value != 1 || s.Truth("a").Position != 7 {
			t.Fatalf("told %+v", n.truth)
		}
		s.Receive("a", optimist.TruthOf(1, 0)) // read without version: the same value, told anew
		if len(n.steps) != 3 || !n.truth[5].Since.After(n.truth[4].Since) || s.Truth("a").Position != 0 {
			t.Fatalf("told %+v", n.truth)
		}
		s.Receive("a", optimist.Truth[int]{Presence: optimist.Present, Value: 1, Version: 2, Position: 9})
		s.Forget("a")
		if s.Receive("a", optimist.TruthOf(1, 1)); s.Truth("a").Position != 0 {
			t.Error("a position outlives its truth")
		}
	})
}

func TestAHolderKeepsEntities(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached) {
		s.Receive("a", optimist.TruthOf(1, 1))
		s.Receive("b", optimist.TruthOf(1, 1))
		n.holds = "a"
		if s.Forget("a") || !s.Forget("b") {
			t.Error("a is held, b is not")
		}
		at.Detach()
		if !s.Forget("a") {
			t.Error("a detached index holds nothing")
		}
	})
}

func TestLaw12_ALoadIsTriedAgainAsOperationsAre(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], n *notes, at *optimist.Attached) {
		ctx, no := context.Background(), errors.New("no")
		answers := func(errs ...error) (func(context.Context) error, *int) {
			calls := 0
			return func(context.Context) error {
				if calls++; calls <= len(errs) {
					return errs[calls-1]
				}
				return nil
			}, &calls
		}
		for name, row := range map[string]struct {
			errs  []error
			calls int
			fails bool
		}{
			"success":   {nil, 1, false},
			"twice":     {[]error{no, no}, 3, false},
			"too often": {[]error{no, no, no, no, no}, 4, true},
			"permanent": {[]error{optimist.Fail(optimist.Permanent, no)}, 1, true},
			"offline":   {[]error{no, optimist.Fail(optimist.Offline, no), optimist.Fail(optimist.Offline, no), no, no}, 6, false},
		} {
			load, calls := answers(row.errs...)
			if err := at.Load(ctx, load); (err != nil) != row.fails || *calls != row.calls || err != nil && !errors.Is(err, no) {
				t.Errorf("%s: %d calls, %v", name, *calls, err)
			}
		}
		if err := at.Load(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a load that hangs: %v", err)
		}
		var p *optimist.PanicError
		if err := at.Load(ctx, func(context.Context) error { panic("no") }); !errors.As(err, &p) {
			t.Errorf("a panic: %v", err)
		}

		m.SetOnline(false)
		load, calls := answers(no)
		began, done := time.Now(), make(chan error, 1)
		go func() { done <- at.Load(ctx, load) }()
		time.Sleep(time.Minute)
		if *calls != 0 {
			t.Error("a load left while offline")
		}
		m.SetOnline(true)
		synctest.Wait()
		m.RetryNow() // its wait ends
		if err := <-done; err != nil || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}

		m.SetOnline(false)
		go func() { done <- at.Load(ctx, load) }()
		synctest.Wait()
		m.Close(ctx)
		if err := <-done; !errors.Is(err, optimist.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := at.Load(nil, load); err == nil {
			t.Error("no context")
		}
		if err := at.Load(ctx, nil); !errors.Is(err, optimist.ErrInvalid) {
			t.Errorf("no function: %v", err)
		}
	})
}

// stubborn is an index whose Holds panics.
type stubborn struct{ why error }

func (*stubborn) Changed(uint64, []optimist.EntityChange[int]) {}
func (s *stubborn) Detached(why error)                         { s.why = why }
func (*stubborn) Holds(string) bool                            { panic("no") }

func TestLaw22_HoldsThatPanicsDetachesItsIndex(t *testing.T) {
	inNotes(t, func(m *optimist.Manager, s *optimist.Store[int], _ *notes, _ *optimist.Attached) {
		ix := &stubborn{}
		if _, err := s.AddIndex(ix); err != nil {
			t.Fatal(err)
		}
		if err := s.Receive("a", optimist.TruthOf(1, 1)); err != nil {
			t.Fatal(err)
		}
		s.Forget("a")
		var panicked *optimist.PanicError
		if !errors.As(ix.why, &panicked) {
			t.Errorf("the index was detached for %v", ix.why)
		}
		if got := s.View("a").Presence; got != optimist.NotLoaded {
			t.Errorf("the entity is %v", got)
		}
	})
}
