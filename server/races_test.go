package server_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/optimist-go/optimist/server"
)

// shaky is a database whose transactions fail now and then, as those of a server beyond a
// network do.
type shaky struct {
	server.Database

	// mu guards the fields below it.
	mu   sync.Mutex
	dice dice
	told int
}

func (s *shaky) roll() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dice.IntN(100)
}

func (s *shaky) Tell() {
	s.mu.Lock()
	s.told++
	s.mu.Unlock()
	s.Database.Tell()
}

func (s *shaky) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	switch n := s.roll(); {
	case n < 3:
		return nil, fmt.Errorf("in Begin: %w", server.ErrAgain)
	case n < 6:
		return nil, fmt.Errorf("in Begin: %w", server.ErrUnavailable)
	case n < 8:
		return nil, fmt.Errorf("in Begin: %w", server.ErrBusy)
	}
	w, err := s.Database.Begin(ctx, claim)
	if err != nil {
		return nil, err
	}
	return shakyWork{w, s}, nil
}

type shakyWork struct {
	server.Work
	of *shaky
}

func (w shakyWork) Commit(ctx context.Context, c server.Commit) error {
	n := w.of.roll()
	switch {
	case n < 5:
		w.Rollback()
		return fmt.Errorf("in Commit: %w", server.ErrAgain)
	case n < 10:
		w.Rollback()
		return fmt.Errorf("before Commit: %w", server.ErrUnavailable)
	}
	err := w.Work.Commit(ctx, c)
	if err == nil && n < 20 {
		return fmt.Errorf("after Commit: %w", server.ErrUnavailable)
	}
	return err
}

// TestEachKeyHasOneEffect: many clients repeat their operations, at the same time and after
// they were told to try again, and some do not wait for the answer.
func TestEachKeyHasOneEffect(t *testing.T) {
	for name, wrap := range map[string]func(server.Database) server.Database{
		"good database":  func(db server.Database) server.Database { return db },
		"shaky database": func(db server.Database) server.Database { return &shaky{Database: db, dice: newDice(1)} },
	} {
		t.Run(name, func(t *testing.T) {
			db := wrap(openMemory(t))
			kit := openBank(t, db, nil)
			const clients, operations = 16, 40
			type ask struct {
				name, key string
				p         pay
			}
			asks := make([]ask, operations*4)
			for i, d := 0, newDice(7); i < len(asks); i++ {
				asks[i].name, asks[i].p = d.op(4)
				asks[i].key = fmt.Sprint("k", i)
			}
			var mu sync.Mutex
			first := make(map[string]server.Outcome) // not replayed
			seen := make(map[string]server.Outcome)  // of all, without Replayed
			balances, versions := make(map[string]int), make(map[string]uint64)
			var all sync.WaitGroup
			for c := range clients {
				all.Go(func() {
					d := dice{rand.New(rand.NewPCG(uint64(c), 9))}
					for i := range operations {
						a := asks[(c/4)*operations+i] // four clients send the same
						for {
							ctx, cancel := context.WithCancel(t.Context())
							if d.IntN(10) == 0 {
								cancel()
							}
							outcome, err := kit.Apply(ctx, a.name, "u", a.key, a.p)
							cancel()
							if kindOf(err) == "try again" {
								continue
							}
							if err != nil {
								break
							}
							mu.Lock()
							plain := outcome
							plain.Replayed = false
							if before, ok := seen[a.key]; ok && before != plain {
								t.Errorf("%s: %+v, and then %+v", a.key, before, plain)
							}
							seen[a.key] = plain
							if _, ok := first[a.key]; ok && !outcome.Replayed {
								t.Errorf("%s was carried out twice: %+v", a.key, outcome)
							}
							if !outcome.Replayed {
								first[a.key] = outcome
							}
							mu.Unlock()
							break
						}
					}
				})
			}
			all.Wait()
			done := 0
			for _, a := range asks {
				outcome, ok := seen[a.key]
				if !ok || outcome.Already {
					continue
				}
				done++
				if a.p.From != "" {
					balances[a.p.From] -= a.p.N
				}
				balances[a.p.To] += a.p.N
				for _, id := range a.p.entities() {
					versions[id]++
				}
			}
			if done == 0 {
				t.Fatal("nothing was carried out")
			}
			var at server.Cursor
			err := kit.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
				at = m.Position()
				for i := range 4 {
					id := fmt.Sprint("a", i)
					views, err := kit.Views(ctx, m, "", id)
					if err != nil {
						return err
					}
					if n, _ := views[0].State.(int); n != balances[id] || views[0].Version != versions[id] {
						t.Errorf("%s is %+v, and should have %d at version %d", id, views[0], balances[id], versions[id])
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if ends := expectFeed(t, db, at); fmt.Sprint(ends) != fmt.Sprint(versions) {
				t.Errorf("the feed ends with %v, and should with %v", ends, versions)
			}
		})
	}
}

// TestRepeatsJoinTheFirst: while an operation is carried out, further requests with its key
// wait for it.
func TestRepeatsJoinTheFirst(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	runs := 0
	kit := openBank(t, openMemory(t), func(string) {
		runs++ // never at the same time: there is one
		close(running)
		<-release
	})
	type answer struct {
		outcome server.Outcome
		err     error
	}
	answers := make(chan answer)
	send := func(p pay) {
		outcome, err := kit.Apply(t.Context(), "run", "u", "k", p)
		answers <- answer{outcome, err}
	}
	go send(pay{To: "a", N: 1})
	<-running
	for range 5 {
		go send(pay{To: "a", N: 1})
	}
	go send(pay{To: "a", N: 2})
	late, leave := context.WithCancel(t.Context())
	leave()
	if _, err := kit.Apply(late, "run", "u", "k", pay{To: "a", N: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that does not wait is told %v", err)
	}
	close(release)
	count := make(map[string]int)
	for range 7 {
		a := <-answers
		count[fmt.Sprintf("%+v %s", a.outcome, kindOf(a.err))]++
	}
	want := map[string]int{
		"{Already:false Replayed:false Version:1} ": 1, "{Already:false Replayed:true Version:1} ": 5,
		"{Already:false Replayed:false Version:0} refused with 422": 1,
	}
	if fmt.Sprint(count) != fmt.Sprint(want) || runs != 1 {
		t.Errorf("%d runs, %v", runs, count)
	}
}

// TestARepeatOfWhatCameToNothingIsCarriedOut: who waited for an operation that was refused
// has a turn of their own, with their own payload.
func TestARepeatOfWhatCameToNothingIsCarriedOut(t *testing.T) {
	running, release := make(chan struct{}, 2), make(chan struct{})
	kit := openBank(t, openMemory(t), func(string) {
		running <- struct{}{}
		<-release
	})
	first := make(chan error)
	go func() {
		_, err := kit.Apply(t.Context(), "run", "u", "k", pay{To: "a", N: most + 1})
		first <- err
	}()
	<-running
	second := make(chan error)
	go func() {
		outcome, err := kit.Apply(t.Context(), "run", "u", "k", pay{To: "a", N: 1})
		if outcome != (server.Outcome{Version: 1}) {
			t.Errorf("the second comes to %+v", outcome)
		}
		second <- err
	}()
	close(release)
	if err := <-first; kindOf(err) != "refused with 409" {
		t.Errorf("the first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
}

// losing is a database that loses its connection when it has committed, the first time.
type losing struct {
	server.Database
	lost atomic.Bool
}

func (d *losing) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	w, err := d.Database.Begin(ctx, claim)
	return losingWork{w, d}, err
}

type losingWork struct {
	server.Work
	of *losing
}

func (w losingWork) Commit(ctx context.Context, c server.Commit) error {
	err := w.Work.Commit(ctx, c)
	if err == nil && w.of.lost.CompareAndSwap(false, true) {
		return server.ErrUnavailable
	}
	return err
}

// TestAConnectionLostAtCommitIsNotSeen: the kit begins again at the look at the key.
func TestAConnectionLostAtCommitIsNotSeen(t *testing.T) {
	for _, name := range []string{"decided", "run"} {
		kit := openBank(t, &losing{Database: openMemory(t)}, nil)
		outcome, err := kit.Apply(t.Context(), name, "u", "k", pay{To: "a", N: 1})
		if err != nil || outcome.Version != 1 {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
		if outcome, err := kit.Apply(t.Context(), name, "u", "k2", pay{To: "a", N: 1}); err != nil || outcome.Version != 2 {
			t.Errorf("%s, the next one: %+v, %v", name, outcome, err)
		}
	}
}

// stuck is a database in which transactions with the key "slow" do not begin.
type stuck struct {
	server.Database
	begun   chan struct{}
	release chan struct{}
}

func (d stuck) Begin(ctx context.Context, claim server.Claim) (server.Work, error) {
	if claim.Keys[0].Key == "slow" {
		d.begun <- struct{}{}
		<-d.release
	}
	return d.Database.Begin(ctx, claim)
}

func TestAGroupThatWaitsDoesNotHoldUpOthers(t *testing.T) {
	db := stuck{openMemory(t), make(chan struct{}), make(chan struct{})}
	kit := openBank(t, db, nil)
	slow := make(chan error)
	go func() {
		_, err := kit.Apply(t.Context(), "decided", "u", "slow", pay{To: "a", N: 1})
		slow <- err
	}()
	<-db.begun
	for i := range 100 {
		if _, err := kit.Apply(t.Context(), "decided", "u", fmt.Sprint("k", i), pay{To: "b", N: 1}); err != nil {
			t.Fatal(err)
		}
	}
	close(db.release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

// TestAFaultIsThatRequestsAlone: those that are carried out together with one whose
// function panics, or the like, are as if it had not been.
func TestAFaultIsThatRequestsAlone(t *testing.T) {
	for _, fault := range faults["decided"] {
		t.Run(fault, func(t *testing.T) {
			db := openMemory(t)
			kit := openBank(t, db, nil)
			hold, err := db.Begin(t.Context(), server.Claim{}) // so that they gather
			if err != nil {
				t.Fatal(err)
			}
			const n = 40
			errs := make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					p := pay{To: fmt.Sprint("a", i%4), N: 1}
					if i%10 == 3 {
						p.Fault = fault
					}
					_, errs[i] = kit.Apply(t.Context(), "decided", "u", fmt.Sprint("k", i), p)
				})
			}
			hold.Rollback()
			all.Wait()
			for i, err := range errs {
				if want := i%10 == 3; (kindOf(err) == "fault") != want || !want && err != nil {
					t.Errorf("operation %d: %v", i, err)
				}
			}
			err = kit.Read(t.Context(), func(ctx context.Context, m server.Moment) error {
				views, err := kit.Views(ctx, m, "", "a0", "a1", "a2", "a3")
				for i, v := range views {
					if want := 10 - i%2*2; v.State != want || v.Version != uint64(want) {
						t.Errorf("%+v, want %d", v, want)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if outcome, err := kit.Apply(t.Context(), "decided", "u", "k3", pay{To: "a3", N: 1}); err != nil || outcome.Replayed {
				t.Errorf("after it the key is not free: %+v, %v", outcome, err)
			}
		})
	}
}

// TestARefusalLeavesTheKeyFree: also for another payload.
func TestARefusalLeavesTheKeyFree(t *testing.T) {
	kit := openBank(t, openMemory(t), nil)
	for _, name := range []string{"decided", "run"} {
		if _, err := kit.Apply(t.Context(), name, "u", name, pay{To: "a", N: most + 1}); kindOf(err) != "refused with 409" {
			t.Fatalf("%s: %v", name, err)
		}
		if outcome, err := kit.Apply(t.Context(), name, "u", name, pay{To: "a", N: 1}); err != nil || outcome.Replayed {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
		if outcome, err := kit.Apply(t.Context(), name, "other", name, pay{To: "a", N: 1}); err != nil || outcome.Replayed {
			t.Errorf("%s, another user: %+v, %v", name, outcome, err)
		}
	}
}

// TestWhatMakesNoOperationIsRefused: hostile text included.
func TestWhatMakesNoOperationIsRefused(t *testing.T) {
	kit := openBank(t, openMemory(t), nil)
	for _, row := range []struct {
		name, user, key string
		args            any
		want            string
	}{
		{"decided", "", "k", pay{To: "a", N: 1}, "refused with 401"},
		{"decided", "u", "", pay{To: "a", N: 1}, "refused with 400"},
		{"decided", "u", "\xff", pay{To: "a", N: 1}, "refused with 400"},
		{"decided", "u", "a\x00b", pay{To: "a", N: 1}, "refused with 400"},
		{"decided", "\x00", "k", pay{To: "a", N: 1}, "refused with 400"},
		{"decided", "u", "k", pay{To: "a\x00", N: 1}, "refused with 400"},
		{"decided", "u", "k", pay{N: 1}, "fault"},
		{"decided", "u", "k", "pay", "fault"},
		{"decided", "u", "k", nil, "fault"},
		{"nothing", "u", "k", pay{To: "a", N: 1}, "fault"},
	} {
		if _, err := kit.Apply(t.Context(), row.name, row.user, row.key, row.args); kindOf(err) != row.want {
			t.Errorf("%+v: %v", row, err)
		}
	}
}

// TestWatchersAreToldOfBothShapes: without waiting for the beat.
func TestWatchersAreToldOfBothShapes(t *testing.T) {
	for _, name := range []string{"decided", "run"} {
		db := &tellable{Database: openMemory(t), told: make(chan struct{}, 1)}
		kit := openBank(t, db, nil)
		if _, err := kit.Apply(t.Context(), name, "u", "k", pay{To: "a", N: 1}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-db.told:
		case <-t.Context().Done():
			t.Fatalf("%s: nobody was told", name)
		}
	}
}

// tellable hears whether Tell is called.
type tellable struct {
	server.Database
	told chan struct{}
}

func (d *tellable) Tell() {
	select {
	case d.told <- struct{}{}:
	default:
	}
}

// TestCloseAnswersEverybody: no caller waits for ever, and all confirmed operations have
// their effect.
func TestCloseAnswersEverybody(t *testing.T) {
	for round := range 20 {
		db := openMemory(t)
		kit := openBank(t, db, nil)
		const n = 100
		started := make(chan struct{}, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				started <- struct{}{}
				_, err := kit.Apply(context.Background(), []string{"decided", "run"}[i%2], "u", fmt.Sprint("k", i), pay{To: "a", N: 1})
				if err != nil && !errors.Is(err, server.ErrUnavailable) {
					t.Errorf("told is %v", err)
				}
			})
		}
		for range n - round {
			<-started
		}
		if err := kit.Close(); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		if _, err := kit.Apply(t.Context(), "run", "u", "late", pay{To: "a", N: 1}); !errors.Is(err, server.ErrUnavailable) {
			t.Errorf("after Close: %v", err)
		}
	}
}
