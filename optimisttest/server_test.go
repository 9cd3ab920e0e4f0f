package optimisttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
)

// note is an entity with likes by user.
type note struct {
	Text  string
	Likes []string
}

func liked(n note, user string) bool { return slices.Contains(n.Likes, user) }

func setLiked(n note, user string, on bool) note {
	likes := make([]string, 0, len(n.Likes)+1)
	for _, u := range n.Likes {
		if u != user {
			likes = append(likes, u)
		}
	}
	if on {
		likes = append(likes, user)
	}
	slices.Sort(likes)
	n.Likes = likes
	return n
}

// program is a client of the server.
type program struct {
	m     *optimist.Manager
	notes *optimist.Store[note]
	like  *optimist.Switch[note]
	edit  *optimist.Action[note, string]
}

func newProgram(t *testing.T, s *Server[note], policy optimist.Policy) *program {
	t.Helper()
	m, err := optimist.New(optimist.Options{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	p := &program{m: m, notes: optimist.NewStore[note](m, "note")}
	p.like = optimist.RegisterToggle(p.notes, optimist.Toggle[note]{
		Type: "like", Get: liked, Set: setLiked, Send: Toggle(s, liked, setLiked),
	})
	setText := func(n note, text string) (note, error) { n.Text = text; return n, nil }
	p.edit = optimist.Register(p.notes, optimist.Mutation[note, string]{
		Type: "edit", Slot: func(string) string { return "text" }, Apply: setText, Send: Change(s, setText),
	})
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return p
}

// TestFaults meets each fault once: under every fault the like arrives once, or is
// rolled back.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		calls int // that the server sees
		want  optimist.Outcome
	}{
		{"none", Fault{}, 1, optimist.Confirmed},
		{"delay", Delay(2 * time.Second), 1, optimist.Confirmed},
		{"slow answer", Fault{AnswerDelay: time.Second}, 1, optimist.Confirmed},
		{"delay beyond the timeout", Delay(15 * time.Second), 2, optimist.Confirmed},
		{"answer beyond the timeout", Fault{AnswerDelay: 15 * time.Second}, 2, optimist.Confirmed},
		{"lost request", LostRequest, 2, optimist.Confirmed},
		{"lost answer", LostAnswer, 2, optimist.Confirmed},
		{"lost request, silently", Fault{LoseRequest: true, Hang: true}, 2, optimist.Confirmed},
		{"lost answer, silently", Fault{LoseAnswer: true, Hang: true}, 2, optimist.Confirmed},
		{"duplicate", Duplicate, 2, optimist.Confirmed},
		{"transient", Transient, 2, optimist.Confirmed},
		{"overloaded", Overloaded(3 * time.Second), 2, optimist.Confirmed},
		{"offline", Offline, 2, optimist.Confirmed},
		{"conflict", Conflict, 2, optimist.Confirmed}, // mine is later
		{"permanent", Permanent, 1, optimist.RolledBack},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewServer[note]()
				p := newProgram(t, s, optimist.Policy{})
				p.notes.Receive("1", s.Put("1", note{}))
				time.Sleep(time.Second)
				s.NextFor("1", test.fault)
				h, err := p.like.Toggle(t.Context(), "1", "ann")
				if err != nil {
					t.Fatal(err)
				}
				r, err := h.Wait(t.Context())
				if err != nil || r.Outcome != test.want {
					t.Fatalf("%v (%v), want %v; %v", r.Outcome, r.Err, test.want, err)
				}
				time.Sleep(time.Minute) // stragglers arrive
				s.Verify(t, p.notes)
				applied := 0
				for _, c := range s.Calls() {
					if c.Applied {
						applied++
					}
				}
				if want := map[optimist.Outcome]int{optimist.Confirmed: 1}[test.want]; applied != want {
					t.Errorf("applied %d times, want %d", applied, want)
				}
				if got := len(s.Calls()); got != test.calls {
					t.Errorf("%d calls, want %d: %+v", got, test.calls, s.Calls())
				}
				if got := liked(s.Truth("1").Value, "ann"); got != (applied == 1) {
					t.Errorf("liked: %v", got)
				}
			})
		})
	}
}

// TestUnauthenticated pauses until the program says that it can go on.
func TestUnauthenticated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer[note]()
		p := newProgram(t, s, optimist.Policy{})
		p.notes.Receive("1", s.Put("1", note{}))
		w := Watch(t, p.m, optimist.SubscribeOptions{})
		s.Next(Unauthenticated)
		p.like.Toggle(t.Context(), "1", "ann")
		w.Expect(optimist.Event{Kind: event.SendingPaused})
		p.m.RetryNow()
		w.Expect(optimist.Event{Kind: event.Settled, Outcome: optimist.Confirmed})
		s.Verify(t, p.notes)
	})
}

// TestChaos lets many taps of three clients meet everything at once. Faults end, and
// everybody sees the same.
func TestChaos(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewServer[note]()
				chaos := Chaos{
					Seed: seed, LostRequest: 0.1, LostAnswer: 0.1, Duplicate: 0.1, Transient: 0.1, Overloaded: 0.05,
					Conflict: 0.05, Permanent: 0.05, MaxDelay: 3 * time.Second,
				}
				var all []*program
				for range 3 {
					p := newProgram(t, s, optimist.Policy{})
					for id := range 5 {
						p.notes.Receive(fmt.Sprint(id), s.Put(fmt.Sprint(id), note{}))
					}
					all = append(all, p)
				}
				s.SetChaos(chaos)
				for i := range 60 {
					p, id := all[i%3], fmt.Sprint(i%5)
					if _, err := p.like.Toggle(t.Context(), id, fmt.Sprint("user", i%3)); err != nil {
						t.Fatal(err)
					}
					if i%4 == 0 {
						p.edit.Execute(t.Context(), id, fmt.Sprint("text ", i))
					}
					time.Sleep(time.Duration(i*37%500) * time.Millisecond)
				}
				s.SetChaos(Chaos{})
				for _, p := range all {
					if err := p.m.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
				for _, p := range all {
					for id := range 5 {
						p.notes.Receive(fmt.Sprint(id), s.Truth(fmt.Sprint(id)))
					}
					s.Verify(t, p.notes)
				}
			})
		})
	}
}

// TestChaosRepeats: the same seed is the same faults.
func TestChaosRepeats(t *testing.T) {
	c := Chaos{Seed: 7, LostRequest: 0.3, Conflict: 0.3, MaxDelay: time.Second}
	for n := range 100 {
		if a, b := c.fault("x", n), c.fault("x", n); a != b {
			t.Fatalf("%+v and %+v", a, b)
		}
	}
	other := c
	other.Seed++
	same := 0
	for n := range 100 {
		if c.fault("x", n) == other.fault("x", n) {
			same++
		}
	}
	if same > 10 {
		t.Errorf("%d of 100 faults do not depend on the seed", same)
	}
}

func TestStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer[note]()
		s.Strict = true
		p := newProgram(t, s, optimist.Policy{Debounce: optimist.Debounce{Wait: optimist.NoDebounce}})
		p.notes.Receive("1", s.Put("1", note{Text: "a"}))
		s.Put("1", note{Text: "b"}) // nobody tells the client
		time.Sleep(time.Second)
		h, _ := p.edit.Execute(t.Context(), "1", "c")
		r, err := h.Wait(t.Context())
		if err != nil || r.Outcome != optimist.Confirmed || r.Conflict != optimist.KeptMine || r.Calls != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		s.Verify(t, p.notes)
	})
}

func TestCreateDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer[note]()
		p := newProgram(t, s, optimist.Policy{})
		write := func(n note, text string) (note, error) { n.Text = text; return n, nil }
		create := optimist.Register(p.notes, optimist.Mutation[note, string]{
			Type: "create", Kind: optimist.Create, Apply: write, Send: Create(s, write),
		})
		remove := optimist.Register(p.notes, optimist.Mutation[note, struct{}]{
			Type: "delete", Kind: optimist.Delete, Send: Delete[note, struct{}](s),
		})
		h, err := create.Execute(t.Context(), "9", "new")
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := h.Wait(t.Context()); !r.Success() {
			t.Fatalf("%+v", r)
		}
		s.Verify(t, p.notes)
		if h, err = remove.Execute(t.Context(), "9", struct{}{}); err != nil {
			t.Fatal(err)
		}
		h.Wait(t.Context())
		if v := p.notes.View("9"); v.Presence != optimist.Absent {
			t.Fatalf("%+v", v)
		}
		s.Verify(t, p.notes)
		if got := s.Remove("8"); got.Presence != optimist.Absent || got.Version != 1 {
			t.Errorf("%+v", got)
		}
		if got := s.Truth("never"); got.Presence != optimist.Absent || got.Version != 0 {
			t.Errorf("%+v", got)
		}
		// An absent entity cannot be changed.
		s.Put("7", note{})
		p.notes.Receive("7", s.Truth("7"))
		s.Remove("7")
		h, _ = p.edit.Execute(t.Context(), "7", "late")
		if r, _ := h.Wait(t.Context()); r.Outcome != optimist.RolledBack {
			t.Errorf("%+v", r)
		}
		p.notes.Receive("7", s.Truth("7"))
		s.Verify(t, p.notes)
	})
}

// TestProblems: one key, two contents.
func TestProblems(t *testing.T) {
	s := NewServer[note]()
	s.Put("1", note{})
	send := Change(s, func(n note, text string) (note, error) { n.Text = text; return n, nil })
	call := optimist.Call[string]{ID: "k", Entity: "1", Args: "a", Number: 1}
	if _, err := send(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	call.Args = "b"
	if _, err := send(t.Context(), call); err == nil {
		t.Error("a reused key was accepted")
	}
	if p := s.Problems(); len(p) != 1 || !strings.Contains(p[0], "operation k was sent") {
		t.Errorf("%q", p)
	}
	m, err := optimist.New(optimist.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	store := optimist.NewStore[note](m, "note")
	store.Receive("1", optimist.TruthOf(note{Text: "wrong"}, 99))
	var r recorder
	s.Verify(&r, store)
	if len(r.said) != 2 || !strings.Contains(r.said[1], "wrong") {
		t.Errorf("%q", r.said)
	}
}

// recorder is a TB that records its calls.
type recorder struct {
	said   []string
	failed bool
}

func (r *recorder) Helper()        {}
func (r *recorder) Cleanup(func()) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { r.failed = true; r.Errorf(format, args...) }
