package optimisttest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optimist-go/optimist"
	"github.com/optimist-go/optimist/event"
	"github.com/optimist-go/optimist/optimisttest"
)

// Counter is a program's own value: who has pressed.
type Counter struct {
	Pressed map[string]bool
}

func pressed(c Counter, user string) bool { return c.Pressed[user] }

func press(c Counter, user string, on bool) Counter {
	next := map[string]bool{user: on}
	for other, is := range c.Pressed {
		if other != user {
			next[other] = is
		}
	}
	return Counter{Pressed: next}
}

// This is how a program tests its own mutations against a bad network.
func TestButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := optimisttest.NewServer[Counter]()
		m, err := optimist.New(optimist.Options{})
		if err != nil {
			t.Fatal(err)
		}
		counters := optimist.NewStore[Counter](m, "counter")
		button := optimist.RegisterToggle(counters, optimist.Toggle[Counter]{
			Type: "press", Get: pressed, Set: press, Send: optimisttest.Toggle(server, pressed, press),
		})
		counters.Receive("1", server.Put("1", Counter{}))
		events := optimisttest.Watch(t, m, optimist.SubscribeOptions{Entity: "counter:1"})

		server.Next(optimisttest.LostAnswer, optimisttest.Overloaded(3*time.Second))
		if _, err := button.Toggle(t.Context(), "1", "ann"); err != nil {
			t.Fatal(err)
		}
		events.Expect(
			optimist.Event{Kind: event.Sent, Calls: 1},
			optimist.Event{Kind: event.Sent, Calls: 2},
			optimist.Event{Kind: event.Sent, Calls: 3},
			optimist.Event{Kind: event.Settled, Outcome: optimist.Confirmed},
		)
		server.Verify(t, counters)
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// printer prints the reports of a check. A test passes its *testing.T.
type printer struct{}

func (printer) Helper()                           {}
func (printer) Cleanup(func())                    {}
func (printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (printer) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func ExampleCheckMutation() {
	type add struct{ N int }
	optimisttest.CheckMutation(printer{}, optimist.Mutation[int, add]{
		Type:  "add",
		Slot:  func(add) string { return "sum" },
		Apply: func(sum int, a add) (int, error) { return sum + a.N, nil },
	}, optimisttest.Samples[int, add]{Values: []int{3}, Args: []add{{N: 2}}})
	// Output:
	// add: Apply is not idempotent: of 3 with {N:2} it makes 5, and applied again 7; make sure of a state instead
}

func ExampleCheckToggle() {
	optimisttest.CheckToggle(printer{}, optimist.Toggle[Counter]{Type: "press", Get: pressed, Set: press},
		[]Counter{{}, {Pressed: map[string]bool{"ann": true}}}, "ann", "bob")
	fmt.Println("sound")
	// Output:
	// sound
}

func ExampleCheckMerge() {
	text := func(_, next string) (string, error) { return next, nil }
	slot := func(string) string { return "text" }
	create := optimist.Mutation[string, string]{Type: "create", Kind: optimist.Create, Slot: slot, Apply: text}
	edit := optimist.Mutation[string, string]{Type: "edit", Slot: slot, Apply: text}
	optimisttest.CheckMerge(printer{}, create, edit, func(first, second *string) optimist.MergeRule {
		return optimist.TakeFirst // and forgets the edit
	}, optimisttest.Pairs[string, string, string]{First: []string{"a"}, Second: []string{"b"}})
	// Output:
	// create with a, then edit with b, of nothing ends as "b", but merged as "a"; leave edit out only with its arguments in those of create
}

func ExampleServer() {
	ctx := context.Background()
	server := optimisttest.NewServer[Counter]()
	m, _ := optimist.New(optimist.Options{}) // taps leave after 300 ms
	counters := optimist.NewStore[Counter](m, "counter")
	button := optimist.RegisterToggle(counters, optimist.Toggle[Counter]{
		Type: "press", Get: pressed, Set: press, Send: optimisttest.Toggle(server, pressed, press),
	})
	counters.Receive("1", server.Put("1", Counter{}))

	server.Next(optimisttest.Permanent) // the next call is refused for good
	h, _ := button.Toggle(ctx, "1", "ann")
	fmt.Println("at once:", pressed(counters.View("1").Value, "ann"))
	r, _ := h.Wait(ctx)
	fmt.Println(r.Outcome, r.Err)
	fmt.Println("then:", pressed(counters.View("1").Value, "ann"))
	m.Close(ctx)
	// Output:
	// at once: true
	// rolled back press of counter:1, after 1 call: permanent: scripted failure
	// then: false
}
